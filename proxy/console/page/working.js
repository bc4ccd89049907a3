// Is it working: charts, routes, endpoints, groups, relief.

import { $, say, show, put, el, keyed, percent, number, times, bar, fill, ended, none } from "./dom.js";
import { draw, spanOf } from "./chart.js";
import { lately, isShown, isOver } from "./alive.js";
import { drain, mayAct } from "./act.js";

const kinds = ["served", "degraded", "refused", "failed"];

// stacked are series of what became of the requests of some classes.
const stacked = (classes) => kinds.map((name) => ({ name, of: (p) => classes.reduce((sum, c) => sum + ((p.classes[c] || none)[name] || 0), 0) / (p.lasted || 1) }));

const concurrent = [
  { name: "all", of: (p) => p.in_flight },
  { name: "line-held", line: true, of: (p) => p.held },
  { name: "line-limit", line: true, of: (p) => p.limit },
];

const letters = { opened: "O", verdict: "V", lever: "L", change: "C" };
const stateLetters = { open: "O", mitigated: "M", watching: "W", resolved: "R" };

// marksOf are the moments of the timeline that belong into a chart.
function marksOf(entries) {
  const marks = [];
  for (const e of entries) {
    const letter = e.kind === "state" ? stateLetters[e.to] : letters[e.kind];
    if (letter) marks.push({ at: Date.parse(e.time), letter });
  }
  return marks.sort((a, b) => a.at - b.at);
}

export function showWorking(f, points, entries) {
  const now = Date.parse(f.time);
  const marks = marksOf(entries);
  const [first, ...rest] = f.priorities;
  const p = points.at(-1);
  const label = (classes) => {
    if (!p) return "no figures yet";
    return kinds.map((k) => `${number(stacked(classes)[kinds.indexOf(k)].of(p))} a second ${k}`).join(", ");
  };
  say($("chart-protected-h"), `The class ${first}, requests a second`);
  draw($("chart-protected"), points, stacked([first]), marks, now, `The class ${first}: ${label([first])}`);
  draw($("chart-rest"), points, stacked(rest), marks, now, `All other classes: ${label(rest)}`);
  draw($("chart-limit"), points, concurrent, marks, now, p ? `${p.in_flight} in flight, limit ${p.limit ? number(p.limit) : "none"}` : "no figures yet");
  show($("marks-legend"), marks.some((m) => now - m.at < spanOf(points, now) * 1000));
  showEffect(f);
  showRoutes(f);
  showEndpoints(f);
  showGroups(f);
  showRelief(f);
}

function showEffect(f) {
  const i = f.incident;
  show($("effect"), isShown(f));
  if (!isShown(f)) return;
  const routes = Object.entries(i.impact.routes || {});
  const total = (k) => routes.reduce((sum, [, c]) => sum + (c[k] || 0), 0);
  const all = kinds.reduce((sum, k) => sum + total(k), 0);
  const first = f.routes.filter((r) => r.priority === f.priorities[0]).map((r) => i.impact.routes?.[r.name]).filter(Boolean);
  const part = first.reduce((sum, c) => sum + (c.served || 0), 0) / Math.max(1, first.reduce((sum, c) => sum + ended(c), 0));
  if (all === 0) return say($("effect"), "Since it was opened: nothing counted yet.");
  say($("effect"), `${isOver(f) ? "In all" : "Since it was opened"}: ${first.length ? `${percent(part)} of the most important class served; ` : ""}of all ${number(all)} requests ${number(total("refused"))} refused, ${number(total("degraded"))} with a fallback, ${number(total("failed"))} failed; about ${number(i.impact.sessions)} sessions met that.`);
}

const cells = (n, numeric = [], wide = []) => () => el("tr", {}, ...Array.from({ length: n }, (_, k) => el(k ? "td" : "th", { ...(k ? {} : { scope: "row" }), class: `${numeric.includes(k) ? "n " : ""}${wide.includes(k) ? "wide" : ""}` })));

function showRoutes(f) {
  const order = (r) => f.priorities.indexOf(r.priority);
  const routes = [...f.routes].sort((a, b) => order(a) - order(b) || (a.name < b.name ? -1 : 1));
  const make = () => {
    const tr = cells(8, [1, 3, 4, 5], [5, 6, 7])();
    tr.children[0].append(el("span"), el("small"));
    tr.children[2].append(bar());
    return tr;
  };
  keyed($("routes"), routes, (r) => r.name, make, (tr, r) => {
    const c = lately(f, r);
    const all = ended(c);
    say(tr.children[0].children[0], r.name);
    say(tr.children[0].children[1], r.priority);
    say(tr.children[1], number(f.seconds ? all / f.seconds : 0));
    fill(tr.children[2].firstChild, c);
    say(tr.children[3], all ? percent((c.served || 0) / all) : "–");
    say(tr.children[4], times(r.shed.latency_ratio));
    put(tr.children[4], "data-bad", r.shed.latency_ratio > 1.5);
    say(tr.children[5], String(r.shed.in_flight + r.shed.queued > 0 ? `${r.shed.in_flight}${r.shed.queued ? ` + ${r.shed.queued} waiting` : ""}` : 0));
    say(tr.children[6], (r.breaker === "closed" ? "closed" : `⚠ ${r.breaker}`) + byHand(r.hand));
    put(tr.children[6], "data-bad", r.breaker !== "closed");
    say(tr.children[7], r.shed.group || "–");
  });
}

// byHand says that something is set by hand.
const byHand = (hand) => (hand && Object.values(hand).some((v) => v !== 0 && v !== "" && v !== null) ? ", by hand" : "");

function showEndpoints(f) {
  const all = f.upstreams.flatMap((u) => (u.endpoints || []).map((e) => ({ ...e, upstream: u.name })));
  const make = (e) => {
    const tr = cells(5, [2], [1])();
    const b = el("button", { type: "button" }, "Drain …");
    b.addEventListener("click", () => drain(e.url));
    tr.children[4].append(b);
    return tr;
  };
  keyed($("endpoints"), all, (e) => e.upstream + " " + e.url, make, (tr, e) => {
    say(tr.children[0], e.url);
    say(tr.children[1], [e.zone, e.version].filter(Boolean).join(", ") || "–");
    say(tr.children[2], String(e.in_flight));
    say(tr.children[3], e.drained ? "◇ drained by hand" : e.breaker === "closed" ? "in use" : `⚠ breaker ${e.breaker}`);
    put(tr.children[3], "data-bad", e.breaker !== "closed");
    const b = tr.children[4].firstChild;
    put(b, "aria-label", `Drain ${e.url}`);
    show(b, mayAct() && !e.drained);
  });
}

function showGroups(f) {
  const groups = f.upstreams.flatMap((u) => u.groups || []);
  show($("groups-box"), groups.length > 0);
  keyed($("groups"), groups, (g) => g.name, cells(8, [2, 3, 4, 5, 6]), (tr, g) => {
    [g.name, g.routes.join(", "), number(g.limit), String(g.in_flight), String(g.queued), times(g.pressure), times(g.slowness), g.state].forEach((t, k) => say(tr.children[k], t));
  });
}

function showRelief(f) {
  const routes = f.routes.filter((r) => r.shed.relief);
  show($("relief-box"), routes.length > 0);
  keyed($("relief"), routes, (r) => r.name, cells(5, [1, 2, 3]), (tr, r) => {
    const q = r.shed.relief;
    const gain = `${q.gain >= 0 ? "+" : "−"}${Math.round(Math.abs(q.gain) * 100)} % ± ${Math.round(q.gain_error * 100)}`;
    [r.name, gain, String(q.looks), q.held_at ? number(q.held_at) : "–", q.of || "–"].forEach((t, k) => say(tr.children[k], t));
  });
}
