// Small helpers: everything that is shown is written as text, never as markup.

export const $ = (id) => document.getElementById(id);

// say writes text where it differs, so that nothing is announced or selected away without need.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function show(node, yes) {
  if (node.hidden === yes) node.hidden = !yes;
}

// put sets an attribute where it differs.
export function put(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

export function el(tag, attributes = {}, ...kids) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...kids);
  return node;
}

// keyed makes the children of a node those of a list. A child whose key stays is kept: it keeps its focus, and does not move under the pointer.
export function keyed(parent, items, key, make, update) {
  const old = new Map();
  for (const child of parent.children) old.set(child.dataset.key, child);
  let at = parent.firstElementChild;
  for (const item of items) {
    const k = String(key(item));
    let child = old.get(k);
    if (child) old.delete(k);
    else {
      child = make(item);
      child.dataset.key = k;
    }
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
    update(child, item);
  }
  for (const child of old.values()) child.remove();
}

// lines shows sentences as a list.
export function lines(parent, texts) {
  keyed(parent, texts, (t) => t, () => el("li"), (li, t) => say(li, t));
}

export const percent = (x) => (x >= 0.9995 ? "100 %" : x > 0.99 ? `${(Math.floor(x * 1000) / 10).toFixed(1)} %` : `${Math.round(x * 100)} %`);
export const number = (x) => (x >= 1000 ? Math.round(x).toLocaleString("en") : x >= 100 ? String(Math.round(x)) : String(Math.round(x * 10) / 10));
export const times = (x) => (x ? `${x >= 10 ? Math.round(x) : x.toFixed(2)}\u00a0×` : "–");

const two = (n) => String(n).padStart(2, "0");
// clock is the time of day in UTC, as the record and the updates have it.
export function clock(at, seconds = true) {
  const d = new Date(at);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}${seconds ? ":" + two(d.getUTCSeconds()) : ""}`;
}

// span says how long: 12 s, 4 min, 2 h 13 min.
export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 100) return `${s} s`;
  const m = Math.round(s / 60);
  return m < 100 ? `${m} min` : m < 2880 ? `${Math.floor(m / 60)} h ${m % 60} min` : `${Math.round(m / 1440)} d`;
}

export const capital = (s) => s.charAt(0).toUpperCase() + s.slice(1);

// listed is "a, b and c".
export function listed(words) {
  return words.length < 2 ? words.join("") : words.slice(0, -1).join(", ") + " and " + words.at(-1);
}

// bar is what became of requests as a stacked bar; it is read out as well.
export function bar() {
  return el("span", { class: "bar", role: "img" }, ...["served", "degraded", "refused", "failed"].map((k) => el("span", { class: k })));
}

export function fill(node, counts) {
  const all = ended(counts);
  const said = all === 0 ? "no requests" : parts(counts).join(", ");
  put(node, "aria-label", said);
  for (const child of node.children) {
    const share = all ? (counts[child.className] || 0) / all : 0;
    child.style.flexGrow = share;
    show(child, share > 0);
  }
}

const words = { served: "served", degraded: "with a fallback", refused: "refused", failed: "failed" };

// parts says what became of requests, without what did not happen.
export function parts(counts) {
  const all = ended(counts);
  return Object.keys(words).filter((k) => counts[k] > 0).map((k) => `${counts[k] / all < 0.005 ? "< 1 %" : percent(counts[k] / all)} ${words[k]}`);
}

export const ended = (c) => (c.served || 0) + (c.degraded || 0) + (c.refused || 0) + (c.failed || 0);
export const none = { served: 0, degraded: 0, refused: 0, failed: 0 };
