// Asks again every two seconds while somebody can see it, says what changed, and says when nothing
// answers any more and how old is what is shown.

const EVERY_MS = 2000, SELDOM_MS = 30000, PATIENCE_MS = 5000;

// A part of the page by the path that it shows, asked for every so many turns, and its sections. A proxy
// that has no such path has no such part.
const PARTS = [
  { path: "/api/v1/connections", query: connectionsQuery, show: showConnections, every: 1,
    sections: ["connections", "closings"] },
  { path: "/api/v1/history", show: showHistory, every: 2, sections: ["traffic"] },
  { path: "/api/v1/doctor", show: showDoctor, every: 2, sections: ["doctor"] },
];
const TROUBLES = { silent: "The proxy does not answer any more.",
  strange: "The proxy's answer means nothing to this page: load the page again." };
const missing = new Set();
let turns = 0, failures = 0, latest, timer, isLooking = false;
let heard = performance.now(), trouble = "", words = new Map();

// An open dialog hides all behind it from screen readers, so it has a place of its own for this.
function say(text) {
  byId("say").textContent = text;
  byId("dialog-say").textContent = text;
}

// The answer; null when it is none.
async function ask(path, query = "") {
  const response = await fetch(path + query, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  if (response.status === 404)
    missing.add(path);
  if (!response.ok)
    return null;
  now = Date.parse(response.headers.get("Date")) || Date.now();
  return response.json();
}

function tellChanges(status) {
  const seen = new Map(status.clusters.map((cluster) => [cluster.alias, wordOf(cluster)]));
  const changed = [...seen].filter(([alias, word]) => words.has(alias) && words.get(alias) !== word);
  if (changed.length)
    say(changed.map(([alias, word]) => `${alias}: ${word}`).join(". "));
  words = seen;
  document.title = `${byId("overall").textContent} - tidblink`;
}

function showAge() {
  const seconds = (performance.now() - heard) / 1000;
  byId("gone").hidden = !trouble;
  byId("fresh").textContent = trouble ? "" : "updated every 2 s";
  if (trouble)
    fill(byId("gone"), mark("refuse"),
      h("p", {}, `${TROUBLES[trouble]} What is shown is from ${age(seconds)} ago.`));
  document.body.toggleAttribute("data-gone", Boolean(trouble));
}

function setTrouble(kind) {
  if (kind !== trouble)
    say(TROUBLES[kind] ?? "The proxy answers again.");
  trouble = kind;
  failures = kind ? failures + 1 : 0;
  showAge();
  showDialogState();
}

// ---- a turn

// Another version has another page; an open dialog is not taken from who is in it.
function keepVersion(status) {
  if (latest && status.version !== latest.version && !byId("dialog").open)
    location.reload();
}

// What is wrong with the answer, or "".
function showStatus(status) {
  if (!status)
    return "silent";
  try {
    showStates(status);
    tellChanges(status);
  } catch (error) {
    console.error(error);
    return "strange";
  }
  keepVersion(status);
  heard = performance.now();
  latest = status;
  return "";
}

// What one part cannot show, or does not get, takes nothing from the others.
async function showPart(part) {
  if (part.isAsked)
    return;
  part.isAsked = true;
  const answer = await ask(part.path, part.query?.()).catch(() => null);
  part.isAsked = false;
  let isStale = !answer && !missing.has(part.path);
  try {
    if (answer)
      part.show(answer, latest);
  } catch (error) {
    console.error(error);
    isStale = true;
  }
  part.sections.forEach((id) => byId(id).toggleAttribute("data-stale", isStale));
}

const pauseMs = () => Math.min(EVERY_MS * 2 ** failures, SELDOM_MS);

async function turn() {
  if (isLooking)
    return;
  isLooking = true;
  clearTimeout(timer);
  setTrouble(showStatus(await ask("/api/v1/status").catch(() => null)));
  isLooking = false;
  if (!document.hidden)
    timer = setTimeout(turn, pauseMs());
  if (trouble)
    return;
  const due = PARTS.filter(({ path, every }) => !missing.has(path) && turns % every === 0);
  turns++;
  await Promise.all(due.map(showPart));
  byId("fresh").hidden = false;
}

function start() {
  startDialog();
  startTables();
  document.documentElement.classList.add("js");
  document.addEventListener("visibilitychange", () => document.hidden ? clearTimeout(timer) : turn());
  setInterval(() => trouble && showAge(), 1000);
  turn();
}
