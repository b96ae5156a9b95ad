// The states, from /api/v1/status: the same elements that page_html.c and page_card.c write for a
// browser without script. A test compares the two.

function effectOf(cluster) {
  const action = cluster.new_connections;
  if (action === "allow-unchecked")
    return "unchecked";
  return ["allow", "hold", "refuse"].includes(action) ? action : "wait";
}

function wordOf(cluster) {
  const effect = effectOf(cluster), headline = cluster.headline ?? {};
  if (effect === "unchecked")
    return "Unchecked";
  return headline.console || headline.state ||
    { allow: "Served", refuse: "Refused" }[effect] || "Not known yet";
}

const TITLES = { cluster: "Cluster", "node group": "Node group", service: "Private link service",
  endpoint: "Private endpoint" };

// ---- state and next step

function head(cluster, index) {
  const facts = cluster.facts ?? {}, id = `cluster-${index}-name`;
  return h("header", {},
    h("div", {}, h("h2", { id }, name(cluster.alias)),
      h("p", { class: "where" }, facts.name !== cluster.alias && name(facts.name),
        some("span", null, facts.region), some("span", null, cluster.cluster_id))),
    h("p", { class: "badge" }, mark(effectOf(cluster)), h("span", {}, wordOf(cluster))),
    h("button", { type: "button", class: "connect", "data-cluster": cluster.alias,
      "aria-haspopup": "dialog", "aria-describedby": id }, "Connect"));
}

function meaning(cluster) {
  const headline = cluster.headline ?? {};
  return [
    h("p", { class: "lead" }, headline.meaning ? [
      `${TITLES[headline.what] ?? ""}: ${headline.meaning}`,
      headline.usual && `; usually ${headline.usual}`, since("; for ", headline.since, ""), "."].flat()
      : "Nothing is known about its state yet."),
    cluster.connects && h("p", { class: "connects" }, `New connections: ${cluster.connects}.`),
    cluster.drains && h("p", { class: "notice" }, "Running connections are being ended."),
    cluster.contradicted && h("p", { class: "notice" }, "The control API says that it is not there, " +
      "and connections to it succeed: they decide.")];
}

const unreached = (reach) => reach?.ok === false && h("p", { class: "notice" },
  "The last attempt to reach it failed: ", name(reach.reason), ".");

const silence = (api) => api?.ok === false && h("p", { class: "notice" }, "Control API: ",
  name(api.reason), since(". What it said ", api.answered, " ago stands"), ".");

function next(cluster) {
  const step = cluster.next;
  return [
    step && h("div", { class: "next" }, h("h3", {}, "Next step"), some("p", null, step.text),
      command(step.command), some("p", null, step.then)),
    cluster.refusal && h("div", { class: "reads" }, h("h3", {}, "What a client is told"),
      h("p", { class: "quote" }, cluster.refusal))];
}

// ---- the way

const openHop = (effect, title, word, ...more) => h("li", { "data-effect": effect },
  h("span", { class: "what" }, title), h("span", { class: "word" }, mark(effect), word), ...more);

const hop = (level, title, text) => level?.state && openHop(
  level.effect ?? "wait", title, level.console || level.state,
  level.console && level.console !== level.state && h("code", {}, level.state),
  some("span", "why", level.meaning), level.since && h("span", {}, since("for ", level.since, "")), name(text), name(level.message));

function endpoints(cluster, list) {
  const ours = cluster.endpoint_id;
  if (list?.length === 0)
    return openHop("refuse", "Private endpoint", "Not Configured",
      some("span", "why", "no private endpoint is registered yet"));
  return list?.map((endpoint) => hop(endpoint,
    ours && endpoint.endpoint_id !== ours ? "Another endpoint" : "Private endpoint",
    endpoint.endpoint_id || endpoint.connection_id));
}

function dns(cluster) {
  const { addresses = [], reason } = cluster.dns ?? {};
  const title = cluster.via ? "Name of the jump" : "Private DNS";
  const count = addresses.length;
  return count ? openHop("allow", title, "Resolved",
      some("span", "why", `${count} address${count === 1 ? "" : "es"}`), name(reason))
    : openHop(reason ? "refuse" : "wait", title, reason ? "Fails" : "Not asked yet", name(reason));
}

function way(cluster) {
  const group = cluster.facts?.groups?.find((found) => found.id === cluster.group_id);
  return h("ol", { class: "way", "aria-label": "The way to the cluster" },
    hop(cluster.facts, "Cluster"), hop(group, "Node group", group?.name),
    hop(group?.service, "Private link service"), endpoints(cluster, group?.endpoints), dns(cluster));
}

// ---- where it is served

const fact = (term, ...texts) => texts.some(Boolean) && [h("dt", {}, term), h("dd", {}, ...texts)];

// "10.0.1.5 1.2 ms", "10.0.2.5 fails, left alone for 12 s".
const addressFact = (paths) => paths?.length > 0 && fact("Addresses", ...paths.map((path) => h("span", {},
  h("code", {}, path.address), path.connect_ms > 0 && ` ${path.connect_ms.toFixed(path.connect_ms < 1 ? 2 : 1)} ms`,
  path.failures > 0 && " fails", path.left_alone_ms > 0 &&
    `, left alone for ${age(path.left_alone_ms / 1000)}`)));

const apiFact = (api) => api && fact("Control API",
  h("span", {}, api.ok ? "answers" : "gives no answer"),
  h("span", {}, since("heard ", api.answered, " ago")),
  api.rate_remaining !== undefined &&
    h("span", {}, `quota ${api.rate_remaining} of ${api.rate_limit ?? 0} left this minute`));

const facts = (cluster) => h("dl", { class: "facts" },
  fact("Listens on", ...(cluster.listen ?? []).map((address) => h("code", {}, address))),
  fact("Leads to", cluster.host && h("code", {}, `${cluster.host}:${cluster.port ?? 0}`)),
  fact("Through", name(cluster.via)), fact("TLS to the cluster", name(cluster.tls)),
  fact("TLS of clients", name(cluster.client_tls)),
  addressFact(cluster.dns?.paths),
  fact("Open connections", String(cluster.connections ?? 0)),
  cluster.spares && fact("Spares ready", String(cluster.spares.ready ?? 0)), apiFact(cluster.api));

const card = (cluster, index) => h("article", { class: "card", id: `cluster-${index}`,
  "data-effect": effectOf(cluster), "aria-labelledby": `cluster-${index}-name` },
head(cluster, index), h("div", { class: "now" }, meaning(cluster), silence(cluster.api),
  unreached(cluster.reach), next(cluster)),
way(cluster), facts(cluster));

// ---- all of them

function overall(status) {
  const effects = status.clusters.map(effectOf);
  const count = (...which) => effects.filter((effect) => which.includes(effect)).length;
  const refused = count("refuse"), held = count("hold", "wait"), served = effects.length - refused - held;
  const effect = refused || status.draining ? "refuse" : held ? "hold" : "allow";
  const told = [[served, "served"], [held, "not ready yet"], [refused, "refused"]]
    .filter(([some_]) => some_).map(([some_, word]) => `${some_} ${word}`).join(", ");
  const text = `${effects.length} cluster${effects.length === 1 ? "" : "s"}: ${told}` +
    (status.draining ? "; the proxy is draining: it takes no new connections" : "");
  return h("p", { id: "overall", "data-effect": effect }, mark(effect), h("span", {}, text));
}

const processLine = (status) => h("p", { id: "process" },
  h("span", {}, `tidblink ${status.version ?? ""}`),
  h("span", {}, `process ${status.pid}`, since(", running for ", status.started, "")),
  status.config && h("span", {}, "configuration ", name(status.config)));

const indexOf = (clusters) => clusters.length > 1 && h("nav", { id: "index", "aria-label": "Clusters" },
  h("ul", {}, clusters.map((cluster, i) => h("li", { "data-effect": effectOf(cluster) },
    h("a", { href: `#cluster-${i}` }, mark(effectOf(cluster)), name(cluster.alias),
      h("span", {}, wordOf(cluster)))))));

function showStates(status) {
  morph(byId("overall"), overall(status));
  morph(byId("process"), processLine(status));
  const index = indexOf(status.clusters), shown = byId("index");
  if (index && shown)
    morph(shown, index);
  else if (index)
    byId("clusters").before(index);
  else
    shown?.remove();
  fill(byId("clusters"), status.clusters.map(card));
}
