// Connections, open and lately closed, from /api/v1/connections. A heading's button sorts; which ones
// of very many are listed is asked of the proxy by the same order.

const LIMIT = 200;

const milliseconds = (value) => value === undefined ? "" : age(value / 1000);
const tlsOf = ({ tls, client_tls: local }) => [tls, local && `client ${local}`].filter(Boolean).join(", ");

// title, text of a connection, what it is sorted by, whether the largest comes first, the proxy's word
// for that order.
const COLUMNS = [
  { key: "cluster", title: "Cluster", text: (row) => row.cluster },
  { key: "client", title: "Client", text: (row) => row.client },
  { key: "server", title: "Server", text: (row) => row.server ?? row.via },
  { key: "step", title: "Step", text: (row) => row.step },
  { key: "age", title: "Age", text: (row) => milliseconds(row.age_ms), by: (row) => row.age_ms,
    up: "newest", down: "oldest" },
  { key: "idle", title: "Idle", text: (row) => milliseconds(row.idle_ms), by: (row) => row.idle_ms ?? -1,
    down: "idle" },
  { key: "sent", title: "From client", text: (row) => bytes(row.client_bytes ?? 0),
    by: (row) => row.client_bytes, down: "bytes" },
  { key: "received", title: "From server", text: (row) => bytes(row.server_bytes ?? 0),
    by: (row) => row.server_bytes, down: "bytes" },
  { key: "tls", title: "TLS", text: tlsOf },
];

const order = { key: "age", descending: false };
let shown; // the last answer

const columnOf = (key) => COLUMNS.find((column) => column.key === key);

function connectionsQuery() {
  const column = columnOf(order.key);
  return `?limit=${LIMIT}&sort=${(order.descending ? column.down : column.up) ?? "newest"}`;
}

function sorted(rows) {
  const column = columnOf(order.key), by = column.by ?? ((row) => column.text(row) ?? "");
  const way = order.descending ? -1 : 1;
  return [...rows].sort((one, other) => {
    const a = by(one), b = by(other);
    const compared = typeof a === "string"
      ? a.localeCompare(b, undefined, { numeric: true }) : a - b;
    return way * compared || one.id - other.id;
  });
}

function heading(column) {
  const isOrder = order.key === column.key, numbers = Boolean(column.by);
  return h("th", { scope: "col", class: numbers && "number",
    "aria-sort": isOrder ? (order.descending ? "descending" : "ascending") : "none" },
  h("button", { type: "button", class: "sort", "data-key": column.key }, column.title,
    h("span", { class: "arrow", "aria-hidden": "true" })));
}

// What scrolls sideways by itself can be reached by the keyboard.
const scroller = (label, table) =>
  h("div", { class: "scroller", tabindex: "0", role: "region", "aria-labelledby": label }, table);

const cell = (column, row) =>
  h("td", { class: column.by && "number" }, h("bdi", {}, column.text(row) || "-"));

function showOpen({ open, connections }) {
  const more = open > connections.length;
  const text = open === 0 ? "No connection is open." : more
    ? `${connections.length} of ${open} open connections; sort to see others.`
    : `${open} open.`;
  fill(byId("connections").querySelector(".box"), h("p", { class: "count" }, text),
    connections.length > 0 && scroller("connections-title", h("table", {},
      h("thead", {}, h("tr", {}, COLUMNS.map(heading))),
      h("tbody", {}, sorted(connections).map((row) =>
        h("tr", { "data-id": row.id }, COLUMNS.map((column) => cell(column, row))))))));
}

const CLOSED = [
  ["Ended", (row) => since("", row.ended, " ago")],
  ["Why", (row) => h("strong", {}, row.close)],
  ["What was said", (row) => name(row.reason) || "-"],
  ["Cluster", (row) => name(row.cluster)],
  ["Client", (row) => name(row.client)],
  ["Lasted", (row) => milliseconds(row.age_ms)],
];

function showClosed(closed) {
  byId("closings").hidden = closed.length === 0;
  fill(byId("closings").querySelector(".box"), scroller("closings-title", h("table", {},
    h("thead", {}, h("tr", {}, CLOSED.map(([title]) => h("th", { scope: "col" }, title)))),
    h("tbody", {}, closed.map((row) =>
      h("tr", {}, CLOSED.map(([, show]) => h("td", {}, show(row)))))))));
}

function showConnections(answer) {
  shown = answer;
  byId("connections").hidden = false;
  showOpen(answer);
  showClosed(answer.closed ?? []);
}

// At once with what is here; the next answer is in the new order.
function startTables() {
  document.addEventListener("click", ({ target }) => {
    const key = target.closest?.("button.sort")?.dataset.key;
    if (!key)
      return;
    order.descending = order.key === key ? !order.descending : Boolean(columnOf(key).by);
    order.key = key;
    showOpen(shown);
  });
}
