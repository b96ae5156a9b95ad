// What `tidblink doctor` found last, from /api/v1/doctor.

const STATUSES = { ok: ["allow", "ok"], warn: ["unchecked", "warn"], fail: ["refuse", "FAIL"],
  skip: ["wait", "skip"] };

function finding(hop) {
  const [effect, word] = STATUSES[hop.status] ?? ["wait", hop.status];
  return h("li", { "data-effect": effect }, h("span", { class: "word" }, mark(effect), word),
    h("div", {}, h("p", {}, h("strong", {}, name(hop.title ?? hop.hop)), ": ", name(hop.saw)),
      hop.why && h("p", { class: "why" }, "why: ", name(hop.why)),
      hop.fix && hop.status !== "skip" &&
        (hop.fix_is_command ? command(hop.fix) : h("p", {}, "fix: ", name(hop.fix)))));
}

function verdictOf({ ok, hops, first }) {
  const warnings = hops.filter((hop) => hop.status === "warn").length;
  if (!ok)
    return `first thing to fix: ${hops.find((hop) => hop.hop === first)?.title ?? first ?? "see below"}`;
  return warnings ? `nothing to fix; ${warnings} warning${warnings === 1 ? "" : "s"}` : "nothing to fix";
}

function examined(cluster) {
  const bad = cluster.hops.filter((hop) => ["fail", "warn"].includes(hop.status));
  const rest = cluster.hops.filter((hop) => !bad.includes(hop));
  return h("div", { class: "examined" },
    h("h3", {}, name(cluster.alias), `: ${verdictOf(cluster)}`, since(", ", cluster.at, " ago")),
    bad.length > 0 && h("ul", { class: "hops" }, bad.map(finding)),
    rest.length > 0 && h("details", {}, h("summary", {}, `${rest.length} other findings`),
      h("ul", { class: "hops" }, rest.map(finding))));
}

function showDoctor({ clusters }) {
  byId("doctor").hidden = clusters.length === 0;
  fill(byId("doctor").querySelector(".box"), clusters.map(examined));
}
