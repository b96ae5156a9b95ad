// The last ten minutes as small charts, from /api/v1/history: its samples are sums, differences are
// rates. Each chart says in words what it shows.

const WIDTH = 240, HEIGHT = 56, LEAST_MS = 1000;

// One value per sample, and when.
function rates(samples, field) {
  const points = [];
  samples.forEach((sample, i) => {
    const before = samples[i - 1];
    if (before && sample.ms - before.ms >= LEAST_MS)
      points.push([sample.ms, (sample[field] - before[field]) * 1000 / (sample.ms - before.ms)]);
  });
  return points;
}

const levels = (samples, field) => samples.map((sample) => [sample.ms, sample[field]]);

function lineOf(points, from, to, highest) {
  const x = (ms) => ((ms - from) / Math.max(1, to - from) * WIDTH).toFixed(1);
  const y = (value) => (HEIGHT - 1 - value / highest * (HEIGHT - 2)).toFixed(1);
  return points.map(([ms, value], i) => `${i ? "L" : "M"}${x(ms)} ${y(value)}`).join("");
}

// `series`: [{ word, points }], the second one dashed.
function chart(id, title, series, format) {
  const all = series.flatMap(({ points }) => points);
  if (all.length < 2)
    return null;
  const times = all.map(([ms]) => ms), from = Math.min(...times), to = Math.max(...times);
  const highest = Math.max(...all.map(([, value]) => value));
  const scale = highest || 1;
  const current = series.map(({ word, points }) => [word, format(points.at(-1)?.[1] ?? 0)]);
  const told = current.map(([word, value]) => `${word ? `${word} ` : ""}${value}`).join(", ");
  const span = age(Math.round((to - from) / 10000) * 10);
  return h("figure", { id, class: "chart" },
    h("figcaption", {}, h("span", { class: "title" }, title), h("span", { class: "values" },
      current.map(([word, value], i) => h("span", { class: `value of-${i}` },
        h("strong", {}, value), word && [" ", word])))),
    h("div", { class: "plot" },
      h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
        "aria-label": `${title}: now ${told}; highest in ${span} ${format(highest)}` },
      series.map(({ points }, i) => points.length > 1 && [
        i === 0 && h("path", { class: "area", d: `${lineOf(points, from, to, scale)}V${HEIGHT}H0Z` }),
        h("path", { class: `line of-${i}`, d: lineOf(points, from, to, scale) })]))),
    h("p", { class: "axis" }, h("span", {}, `${span} ago`), h("span", {}, `highest ${format(highest)}`),
      h("span", {}, "now")));
}

const perSecond = (value) => `${value >= 100 ? Math.round(value) : Number(value.toFixed(1))}/s`;
const bytesPerSecond = (value) => `${bytes(value)}/s`;

function showHistory({ samples }, status) {
  const max = status.connections?.max;
  const charts = [
    chart("chart-open", max ? `Open connections, of ${max} at most` : "Open connections",
      [{ points: levels(samples, "open") }], (value) => String(Math.round(value))),
    chart("chart-opened", "New connections", [{ points: rates(samples, "opened") }], perSecond),
    chart("chart-refused", "Refused connections", [{ points: rates(samples, "refused") }], perSecond),
    chart("chart-bytes", "Bytes", [
      { word: "from servers", points: rates(samples, "server_bytes") },
      { word: "from clients", points: rates(samples, "client_bytes") }], bytesPerSecond)];
  fill(byId("traffic").querySelector(".charts"), charts);
  byId("traffic").hidden = !charts.some(Boolean);
}
