// Asks again every two seconds while somebody can see it, says what changed, and says when nothing
// answers any more and how old is what is shown.

const EVERY_MS = 2000, PATIENCE_MS = 5000;

// A part of the page by the path that it shows, asked for every so many turns. A proxy that has no such
// path has no such part.
const PARTS = [
  { path: "/api/v1/connections", query: connectionsQuery, show: showConnections, every: 1 },
  { path: "/api/v1/history", show: showHistory, every: 2 },
  { path: "/api/v1/doctor", show: showDoctor, every: 2 },
];
const missing = new Set();
let turns = 0, latest, timer, heard = performance.now(), isGone = false, words = new Map();

const say = (text) => { byId("say").textContent = text; };

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
  byId("gone").hidden = !isGone;
  byId("fresh").hidden = false;
  byId("fresh").textContent = isGone ? "" : "updated every 2 s";
  if (isGone)
    fill(byId("gone"), mark("refuse"), h("p", {}, "The proxy does not answer any more. What is shown " +
      `is from ${age(seconds)} ago.`));
  document.body.toggleAttribute("data-gone", isGone);
}

function setGone(gone) {
  if (gone !== isGone)
    say(gone ? "The proxy does not answer any more." : "The proxy answers again.");
  isGone = gone;
  showAge();
}

// What the proxy answers now; null when it does not.
async function look() {
  const due = PARTS.filter(({ path, every }) => !missing.has(path) && turns % every === 0);
  try {
    const status = await ask("/api/v1/status");
    const answers = await Promise.all(due.map(({ path, query }) => ask(path, query?.())));
    return status && { status, due, answers };
  } catch {
    return null;
  }
}

async function turn() {
  clearTimeout(timer);
  const seen = await look();
  if (seen) {
    heard = performance.now();
    latest = seen.status;
    showStates(latest);
    showDialogState(latest);
    tellChanges(seen.status);
    seen.due.forEach(({ show }, i) => seen.answers[i] && show(seen.answers[i], seen.status));
    turns++;
  }
  setGone(!seen);
  if (!document.hidden)
    timer = setTimeout(turn, EVERY_MS);
}

function start() {
  startDialog();
  startTables();
  document.documentElement.classList.add("js");
  document.addEventListener("visibilitychange", () => document.hidden ? clearTimeout(timer) : turn());
  setInterval(() => isGone && showAge(), 1000);
  turn();
}
