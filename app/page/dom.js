// Elements, text and time: what the other files build the page of. Nothing here or there sets HTML:
// what came from elsewhere can only become text.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "use", "path", "line", "text", "g"]);

const byId = (id) => document.getElementById(id);

// A control character, which HTML could not show, becomes U+FFFD, as in page_write.c.
const clean = (child) => typeof child === "string" || typeof child === "number"
  ? String(child).replace(/[\0-\x09\x0b-\x1f\x7f]/g, "\ufffd") : child;

// An element; attributes and children that are undefined, null or false are left out.
function h(tag, attributes, ...children) {
  const element = DRAWN.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== undefined && value !== null && value !== false)
      element.setAttribute(name, value === true ? "" : value);
  }
  const wanted = children.flat(2).filter((child) => child || child === 0);
  element.append(...wanted.map(clean));
  element.normalize();
  return element;
}

// The same, or nothing when there is no text.
const some = (tag, name, text) => text && h(tag, { class: name }, text);
const name = (text) => some("bdi", null, text);
const mark = (effect) =>
  h("svg", { class: "mark", "aria-hidden": "true" }, h("use", { href: "#mark-" + effect }));
const command = (text) => text && h("div", { class: "command" }, h("code", {}, text),
  h("button", { type: "button", class: "copy", "aria-label": "Copy the command" }, "Copy"));

// Makes `live` what `wanted` is and keeps the elements that stay, and with them focus and selection;
// what was opened stays open.
function morph(live, wanted) {
  if (live.nodeName !== wanted.nodeName || live.id !== wanted.id) {
    live.replaceWith(wanted);
    return;
  }
  if (live.nodeType === Node.TEXT_NODE) {
    if (live.data !== wanted.data)
      live.data = wanted.data;
    return;
  }
  for (const { name: key, value } of [...wanted.attributes]) {
    if (live.getAttribute(key) !== value)
      live.setAttribute(key, value);
  }
  for (const { name: key } of [...live.attributes]) {
    if (!wanted.hasAttribute(key) && key !== "open")
      live.removeAttribute(key);
  }
  const olds = [...live.childNodes], news = [...wanted.childNodes];
  news.forEach((child, i) => olds[i] ? morph(olds[i], child) : live.append(child));
  olds.slice(news.length).forEach((child) => child.remove());
}

// What a container holds, by the same means.
function fill(container, ...children) {
  const wanted = container.cloneNode(false);
  wanted.append(...children.flat(2).filter(Boolean));
  morph(container, wanted);
}

// The clock of the proxy's machine, which may not be the browser's.
let now = Date.now();

// As clock_age of base/clock.c.
function age(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 120)
    return `${s} s`;
  if (s < 7200)
    return `${Math.floor(s / 60)} min`;
  if (s < 48 * 3600)
    return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86400)} d`;
}

const since = (before, time, behind) => time &&
  [before, h("time", { datetime: time }, age(Math.abs(now - Date.parse(time)) / 1000)), behind];

function bytes(count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (count >= 1000 && unit < units.length - 1) {
    count /= 1000;
    unit++;
  }
  return `${count < 10 && unit > 0 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}
