// Charts of ten minutes at most, drawn as SVG. They know points, series and marks, and nothing of the proxy.

const ns = "http://www.w3.org/2000/svg";
const spans = [60, 120, 300, 600]; // seconds; the first that all points fit into
const tall = 132;
const edge = { left: 40, right: 8, top: 16, bottom: 18 };

function node(svg, key, tag, attributes) {
  svg.parts ||= new Map();
  let n = svg.parts.get(key);
  if (!n) {
    n = document.createElementNS(ns, tag);
    svg.parts.set(key, n);
    svg.append(n);
  }
  for (const name in attributes) if (n.getAttribute(name) !== String(attributes[name])) n.setAttribute(name, attributes[name]);
  return n;
}

function text(svg, key, x, y, words, anchor = "start") {
  const n = node(svg, key, "text", { x: x.toFixed(1), y, "text-anchor": anchor });
  if (n.textContent !== words) n.textContent = words;
}

// nice is a round number that is no less.
function nice(x) {
  const ten = 10 ** Math.floor(Math.log10(Math.max(x, 1)));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((m) => m * ten).find((m) => m >= x - 1e-9);
}

// spanOf is how many seconds a chart of these points covers.
export function spanOf(points, now) {
  const age = points.length ? (now - points[0].at) / 1000 : 0;
  return spans.find((s) => s >= age) ?? spans.at(-1);
}

// binned averages points over spans of seconds, so that a minute has the same shape on a phone.
function binned(points, series, now, span, seconds) {
  const bins = [];
  for (const p of points) {
    const age = (now - p.at) / 1000;
    if (age > span) continue;
    const at = Math.floor(p.at / 1000 / seconds);
    let b = bins.at(-1);
    if (!b || b.bin !== at) bins.push((b = { bin: at, at: 0, n: 0, values: series.map(() => 0) }));
    b.n++;
    b.at += p.at;
    series.forEach((s, k) => (b.values[k] += s.of(p)));
  }
  for (const b of bins) {
    b.at /= b.n;
    b.values = b.values.map((v) => v / b.n);
  }
  return bins;
}

// draw draws series of two kinds: stacked areas, and lines. marks are {at, letter}.
export function draw(svg, points, series, marks, now, label) {
  const wide = svg.clientWidth || 600;
  svg.setAttribute("viewBox", `0 0 ${wide} ${tall}`);
  svg.setAttribute("height", tall);
  const inner = wide - edge.left - edge.right;
  const span = spanOf(points, now);
  const bins = binned(points, series, now, span, Math.max(1, Math.round(span / (inner / 3))));
  const x = (at) => edge.left + inner * (1 - (now - at) / 1000 / span);
  const most = bins.reduce((m, b) => Math.max(m, b.values.reduce((sum, v, k) => (series[k].line ? sum : sum + v), 0), ...b.values.filter((_, k) => series[k].line)), 1);
  const top = nice(most);
  const y = (v) => edge.top + (tall - edge.top - edge.bottom) * (1 - v / top);
  frame(svg, wide, top, y, x, now, span);
  const base = bins.map(() => 0);
  series.forEach((s, k) => node(svg, "s" + k, "path", { class: s.line ? "line " + s.name : "area " + s.name, d: s.line ? line(bins, k, x, y) : area(bins, k, base, x, y) }));
  drawMarks(svg, marks.filter((m) => now - m.at < span * 1000), x);
  svg.setAttribute("aria-label", label);
}

const ago = (s) => (s === 0 ? "now" : s >= 120 && s % 60 === 0 ? `${s / 60} min ago` : `${s} s ago`);

function frame(svg, wide, top, y, x, now, span) {
  for (const [k, v] of [0, top / 2, top].entries()) {
    const at = y(v).toFixed(1);
    node(svg, "g" + k, "path", { class: "grid", d: `M${edge.left} ${at}H${wide - edge.right}` });
    text(svg, "gt" + k, edge.left - 6, Number(at) + 4, v >= 1000 ? `${v / 1000}k` : String(v), "end");
  }
  for (const [k, s] of [span, span / 2, 0].entries()) {
    text(svg, "t" + k, x(now - s * 1000), tall - 4, ago(s), ["start", "middle", "end"][k]);
  }
}

function area(bins, k, base, x, y) {
  if (bins.length === 0) return "";
  const under = base.slice();
  let up = "", down = "";
  bins.forEach((b, i) => {
    base[i] += b.values[k];
    up += `${i ? "L" : "M"}${x(b.at).toFixed(1)} ${y(base[i]).toFixed(1)}`;
  });
  for (let i = bins.length - 1; i >= 0; i--) down += `L${x(bins[i].at).toFixed(1)} ${y(under[i]).toFixed(1)}`;
  return up + down + "Z";
}

// line leaves out where there is no value: a limit that does not exist is not one of zero.
function line(bins, k, x, y) {
  let d = "", on = false;
  for (const b of bins) {
    if (b.values[k] > 0) d += `${on ? "L" : "M"}${x(b.at).toFixed(1)} ${y(b.values[k]).toFixed(1)}`;
    on = b.values[k] > 0;
  }
  return d;
}

// drawMarks draws one line a mark; letters that would lie on each other are drawn once.
function drawMarks(svg, marks, x) {
  const group = node(svg, "marks", "g", {});
  while (group.childNodes.length > 0) group.lastChild.remove();
  let last = -20;
  for (const m of marks.slice(-40)) {
    const at = x(m.at);
    if (at < edge.left) continue;
    const path = document.createElementNS(ns, "path");
    path.setAttribute("class", "mark");
    path.setAttribute("d", `M${at.toFixed(1)} ${edge.top}V${tall - edge.bottom}`);
    group.append(path);
    if (at - last < 9) continue;
    last = at;
    const t = document.createElementNS(ns, "text");
    t.setAttribute("x", at.toFixed(1));
    t.setAttribute("y", 11);
    t.setAttribute("text-anchor", "middle");
    t.setAttribute("class", "mark-letter");
    t.textContent = m.letter;
    group.append(t);
  }
}
