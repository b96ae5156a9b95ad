// The Connect dialog. The string is the proxy's own (/api/v1/dsn), so it is what `tidblink dsn`
// prints; nothing is put together here. The browser keeps focus in an open dialog, closes it with
// Escape and gives the focus back.

let clients, clusterName, asked;

const KINDS = [["general", "General"], ["driver", "Drivers"], ["ORM", "ORMs"],
  ["framework", "Frameworks"], ["command line", "Command lines"], ["tool", "Tools"],
  ["carrier", "Files and environments"]];

function remember(client) {
  try {
    localStorage.setItem("client", client);
  } catch {
    // A browser that keeps nothing: the next dialog begins at the first client again.
  }
}

function remembered() {
  try {
    return localStorage.getItem("client");
  } catch {
    return null;
  }
}

const optionOf = (client) => h("option", { value: client.client },
  client.language ? `${client.name}, ${client.language}` : client.name);

function showClients() {
  const wanted = byId("find").value.trim().toLowerCase().split(/\s+/);
  const select = byId("client"), before = select.value || remembered() || "params";
  const found = clients.filter((client) => {
    const text = `${client.client} ${client.name} ${client.language ?? ""}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
  const known = new Map(KINDS);
  const kinds = [...new Set([...known.keys(), ...found.map((client) => client.kind)])];
  select.replaceChildren(...kinds.map((kind) => {
    const some_ = found.filter((client) => client.kind === kind);
    return some_.length ? h("optgroup", { label: known.get(kind) ?? kind }, some_.map(optionOf)) : "";
  }).filter(Boolean));
  const same = found.some((client) => client.client === before);
  select.value = same ? before : select.options[0]?.value ?? "";
}

// ---- the string

function block(title, text, id) {
  return text && h("section", {}, h("h3", { id: `${id}-title` }, title),
    h("div", { class: "command" },
      h("code", { id }, text),
      h("button", { type: "button", class: "copy", "aria-describedby": `${id}-title` }, "Copy")));
}

const lines = (text) => (text || "").split("\n").filter(Boolean).map((line) => h("li", {}, line));

function showString(answer, client) {
  const notes = [
    ...lines(answer.password_placeholder && `<PASSWORD>: ${answer.password_advice}`),
    ...lines(answer.ca_placeholder && "<CA_PATH>: the CA file that TiDB Cloud's Connect dialog " +
      "offers; or set tls-ca"),
    ...lines(answer.notes)];
  byId("string").removeAttribute("aria-busy");
  fill(byId("string"),
    block("First", answer.setup, "setup-text"),
    block("String", answer.text, "string-text"),
    notes.length > 0 && h("ul", { class: "notes" }, notes),
    client && h("p", { class: "proof" }, { yes: "A test has given this string to the client itself.",
      no: "No test has given this string to the client itself.",
      GUI: "This client takes its values in a window." }[client.test]));
}

function showRefusal(reason) {
  byId("string").removeAttribute("aria-busy");
  fill(byId("string"), h("p", { class: "notice", role: "alert" }, reason));
}

const SILENCE = "The proxy does not answer.";

// Until the answer is here, what is shown is of another question, and looks like that.
async function update() {
  const client = byId("client").value, mine = new AbortController();
  asked?.abort();
  asked = mine;
  if (!client) {
    showRefusal("No client has this in its name.");
    return;
  }
  const query = new URLSearchParams({ cluster: clusterName, client,
    to: document.querySelector("input[name=to]:checked").value });
  for (const field of ["user", "database"]) {
    if (byId(field).value)
      query.set(field, byId(field).value);
  }
  byId("string").setAttribute("aria-busy", "true");
  const patience = setTimeout(() => mine.abort(), PATIENCE_MS);
  const answer = await fetch(`/api/v1/dsn?${query}`, { cache: "no-store", signal: mine.signal })
    .then((response) => response.json()).catch(() => null);
  clearTimeout(patience);
  if (asked !== mine)
    return;
  if (answer?.text)
    showString(answer, clients.find((found) => found.client === client));
  else
    showRefusal(answer?.reason ?? SILENCE);
}

// What the dialog's cluster would do with the string now; nothing when it would serve.
function dialogState() {
  const cluster = latest?.clusters.find((found) => found.alias === clusterName);
  if (trouble)
    return ["refuse", TROUBLES[trouble]];
  if (latest && !cluster)
    return ["refuse", "It is not served any more."];
  return cluster ? [effectOf(cluster), `${wordOf(cluster)}. New connections: ` +
    `${cluster.connects ?? "not known yet"}.`] : ["allow"];
}

function showDialogState() {
  const [effect, text] = dialogState(), wanted = byId("dialog-state").cloneNode(false);
  wanted.setAttribute("data-effect", effect);
  if (effect !== "allow")
    wanted.append(mark(effect), h("span", {}, text));
  morph(byId("dialog-state"), wanted);
}

async function openDialog(alias) {
  clusterName = alias;
  showDialogState();
  byId("dialog-title").replaceChildren("Connect to ", name(alias));
  byId("string").replaceChildren(); // it was another cluster's
  byId("dialog").showModal();
  byId("find").focus();
  clients ??= await ask("/api/v1/clients").catch(() => null);
  if (!clients) {
    showRefusal(SILENCE);
    return;
  }
  showClients();
  update();
}

// ---- copying

// Without a secure origin (an address that is not this host's) there is no clipboard API.
async function copyText(element) {
  if (navigator.clipboard)
    return navigator.clipboard.writeText(element.textContent);
  getSelection().selectAllChildren(element);
  if (!document.execCommand("copy"))
    throw new Error("the browser does not copy");
}

async function copy(button) {
  let word = "Copied";
  try {
    await copyText(button.parentElement.querySelector("code"));
  } catch {
    word = "Not copied";
  }
  button.textContent = word;
  say(word === "Copied" ? "Copied" : "The browser did not copy");
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

function startDialog() {
  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("button");
    if (button?.matches(".copy"))
      copy(button);
    else if (button?.matches(".connect"))
      openDialog(button.dataset.cluster);
    else if (button?.id === "close")
      byId("dialog").close();
  });
  byId("find").addEventListener("input", () => { showClients(); update(); });
  // Down, from the field into what it found.
  byId("find").addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter")
      byId("client").focus();
  });
  byId("client").addEventListener("change", () => { remember(byId("client").value); update(); });
  for (const input of document.querySelectorAll("#user, #database, input[name=to]"))
    input.addEventListener("input", update);
}
