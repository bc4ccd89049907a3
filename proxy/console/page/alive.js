// Is checkout alive, what is given up for it, and why?

import { $, say, show, put, el, keyed, lines, percent, number, times, clock, span, capital, listed, bar, fill, parts, ended, none } from "./dom.js";

const fine = 0.99; // the share of served requests from which on nobody is woken
const poor = 0.9;
const slow = 1.5; // time to first byte ÷ baseline, as in the record of incidents

// lately is what became of a route's requests in the last seconds.
export const lately = (f, route) => f.recent[route.name] || none;

function levelOf(f, r) {
  const c = lately(f, r);
  const all = ended(c);
  if (all === 0) return "idle";
  const share = (c.served || 0) / all;
  if (share < poor || r.breaker === "open") return "trouble";
  return share < fine || r.shed.latency_ratio > slow ? "strained" : "calm";
}

const worse = ["idle", "calm", "strained", "trouble"];
// isShown is whether the incident is worth a look: it is open, or was a moment ago.
export const isShown = (f) => !isOver(f) || Boolean(f.incident) && Date.parse(f.time) - Date.parse(f.incident.resolved_at) < 15 * 60e3;
export const isOver = (f) => !f.incident || f.incident.state === "resolved";

export function showAlive(f) {
  const routes = f.routes.filter((r) => r.priority === f.priorities[0]);
  let level = "idle";
  for (const r of routes) if (worse.indexOf(levelOf(f, r)) > worse.indexOf(level)) level = levelOf(f, r);
  const hit = routes.filter((r) => levelOf(f, r) === level);
  const names = capital(listed((hit.length ? hit : routes).map((r) => r.name)) || "nothing");
  const many = hit.length > 1;
  if (level === "calm" && (!isOver(f) || givenUp(f).length > 0)) level = "held";
  put($("alive"), "data-level", level);
  put($("sign"), "href", "#i-" + level);
  const is = many ? "are" : "is";
  const words = {
    idle: `No requests for ${names.toLowerCase()}`, calm: `${names} ${is} alive`, held: `${names} ${is} alive, held by protection`,
    strained: `${names} ${is} strained`, trouble: `${names} ${is} failing`,
  };
  say($("alive-h"), words[level]);
  say($("alive-more"), more(f, level));
  document.title = { calm: "✓", held: "◆", strained: "▲", trouble: "✕", idle: "–" }[level] + " " + words[level] + " · Triage";
  keyed($("protected"), routes, (r) => r.name, tile, (node, r) => update(node, f, r));
  showIncident(f);
}

function more(f, level) {
  if (level === "calm") return "Nothing is given up, no incident is open.";
  if (level === "idle") return "Nobody has asked in the last ten seconds.";
  const lost = f.routes.filter((r) => r.priority !== f.priorities[0] && lostOf(lately(f, r)) > 0.005);
  const cause = !isOver(f) && f.incident.verdict.kind !== "none" && f.incident.verdict.kind !== "unknown" ? ` The cause: ${f.where}${f.isolated ? "" : " (not sure yet)"}.` : "";
  return (lost.length ? `Given up for it: ${listed(lost.map((r) => `${percent(lostOf(lately(f, r)))} of ${r.name}`))}.` : "Nothing is refused at the moment.") + cause;
}

function tile() {
  return el("li", {}, el("span", { class: "what" }), el("span", { class: "big" }), el("span", { class: "soft" }), bar());
}

function update(node, f, r) {
  const [what, big, soft, b] = node.children;
  const c = lately(f, r);
  say(what, r.name);
  say(big, ended(c) ? percent(c.served / ended(c)) : "–");
  say(soft, `served, of ${number(f.seconds ? ended(c) / f.seconds : 0)} a second; ${times(r.shed.latency_ratio)}\u00a0its\u00a0usual time`);
  fill(b, c);
}

const lostOf = (c) => (ended(c) ? 1 - (c.served || 0) / ended(c) : 0);

// givenUp are the routes that do not get all, the most important first.
export function givenUp(f) {
  const order = (r) => f.priorities.indexOf(r.priority);
  return f.routes.filter((r) => lostOf(lately(f, r)) > 0.001).sort((a, b) => order(a) - order(b) || (a.name < b.name ? -1 : 1));
}

export function showGiven(f) {
  const routes = givenUp(f);
  keyed($("given-list"), routes, (r) => r.name, () => el("li", {}, el("b"), bar(), el("span", { class: "soft" })), (li, r) => {
    const c = lately(f, r);
    say(li.children[0], r.name);
    fill(li.children[1], c);
    say(li.children[2], `${parts(c).join(", ")}; of ${number(ended(c) / f.seconds)} a second${r.shed.refusing ? `. Reason: ${r.shed.refusing}` : ""}`);
  });
  const others = standing(f);
  lines($("given-more"), others);
  show($("given-none"), routes.length === 0 && others.length === 0);
}

// standing is what is given up and cannot be counted in requests.
function standing(f) {
  const out = [];
  for (const r of f.routes) if (r.breaker !== "closed") out.push(`The breaker of ${r.name} is ${r.breaker}.`);
  for (const u of f.upstreams) {
    if (u.mode === "observe") out.push(`${u.name} is only observed: nothing is refused.`);
    if (u.broken) out.push(`The control law of ${u.name} has died, everything passes: ${u.broken}`);
    if (u.panic) out.push(`Every endpoint of ${u.name} is out, so all are used.`);
    for (const e of u.endpoints || []) {
      if (e.breaker !== "closed") out.push(`The breaker of the endpoint ${e.url} is ${e.breaker}.`);
      if (e.drained) out.push(`The endpoint ${e.url} is drained by hand.`);
    }
  }
  return out;
}

const severities = {
  1: "Severity 1, the most important class lost requests", 2: "Severity 2, the second class lost requests",
  3: "Severity 3, only lower classes lost requests", 4: "Severity 4, hardly a request was lost",
};

function showIncident(f) {
  const i = f.incident;
  const on = isShown(f);
  show($("incident"), Boolean(on));
  show($("no-incident"), isOver(f));
  if (!on) return;
  say($("incident-title"), i.title);
  const over = i.state === "resolved";
  say($("incident-since"), `${severities[f.severity]}. ${i.id}, since ${clock(i.opened_at)} UTC, ${over ? `over after ${span(Date.parse(i.resolved_at) - Date.parse(i.opened_at))}` : span(Date.parse(f.time) - Date.parse(i.opened_at))}${i.reopened ? `, came back ${i.reopened} ×` : ""}`);
  for (const li of $("states").children) {
    if (li.dataset.state === i.state) put(li, "aria-current", "step");
    else li.removeAttribute("aria-current");
  }
  lines($("missing"), i.missing || []);
  show($("missing-box"), (i.missing || []).length > 0);
  show($("resolve").parentElement, !over);
}

// whereOf is the verdict; of an incident that is over it is the last one.
function whereOf(f, kind) {
  if (isOver(f)) return kind === "none" || kind === "unknown" ? "Where it was has not been found." : `It was: ${f.where}.`;
  return kind === "none" ? "Nothing is found yet." : capital(f.where) + ".";
}

export function showWhy(f) {
  const i = f.incident;
  const law = f.upstreams.flatMap((u) => (u.groups || []).filter((g) => g.reason).map((g) => `${g.routes.join(", ")}: ${g.reason}`));
  lines($("law"), law);
  show($("law-box"), law.length > 0);
  const v = isShown(f) ? i.verdict : null;
  const judged = v && v.kind !== "none";
  show($("why"), isShown(f) || (law.length > 0 && givenUp(f).length > 0)); // a group that gives nothing up is no reason to look
  say($("where"), isShown(f) ? whereOf(f, v.kind) : "");
  show($("sure"), Boolean(judged));
  show($("for-box"), Boolean(judged && v.evidence_for?.length));
  show($("against-box"), Boolean(judged && (v.evidence_against?.length || v.others?.length)));
  if (!judged) return;
  $("confidence").value = v.confidence;
  say($("confidence-word"), `${v.confidence.toFixed(2)}: ${f.isolated ? "sure enough to be told to others" : "not sure enough to be told to others"}`);
  lines($("for"), v.evidence_for || []);
  const others = (v.others || []).map((o) => `It might be: ${o.kind}${o.subject ? " " + o.subject : ""} (${o.confidence.toFixed(2)})`);
  lines($("against"), [...(v.evidence_against || []), ...others]);
}
