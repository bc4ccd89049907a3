// What can I do: levers, roles, and the incident itself. Each act is confirmed in a dialog that says what it will do now.

import { $, say, show, put, el, keyed, number, span, clock, ended } from "./dom.js";
import { me, myName, keepName, post } from "./talk.js";
import { ask, done } from "./ask.js";
import { lately, isOver } from "./alive.js";

let f = null; // the newest frame

export const mayAct = () => me.role === "operator" || me.role === "admin";
const whoAmI = () => (me.asked ? myName() : me.name);

const lasts = { id: "for", label: "For", options: [["15m", "15 minutes"], ["1h", "1 hour"], ["4h", "4 hours"], ["24h", "a day"]], value: "1h" };
const why = { id: "why", label: "Why" };

function pull(kind, target, value, what) {
  ask({
    title: `Pull: ${kind}${target ? " " + target : ""}${value ? " = " + value : ""}`, what, fields: [why, lasts], yes: "Pull it",
    act: async (v) => {
      await post("/api/v1/lever", { kind, target, value, why: v.why, for: v.for });
      done(`Pulled: ${kind} ${target}. It ends by itself.`);
    },
  });
}

export function drain(url) {
  const up = f.upstreams.find((u) => (u.endpoints || []).some((e) => e.url === url));
  const left = up.endpoints.filter((e) => e.url !== url && !e.drained).length;
  const inFlight = up.endpoints.find((e) => e.url === url).in_flight;
  pull("drain", url, "", `${url} gets no new requests; its ${inFlight} in flight come to their end. ${left === 0 ? "It is the only one that is left: Triage will refuse this." : `${left} of ${up.endpoints.length} endpoints take its part.`}`);
}

function undo(l) {
  ask({
    title: `Take back: ${words(l)}`, what: `It was pulled by ${l.who}: ${l.why}`, fields: [why], yes: "Take it back",
    act: async (v) => {
      await post("/api/v1/lever/undo", { id: l.id, why: v.why });
      done(`Taken back: ${words(l)}.`);
    },
  });
}

const words = (l) => [l.kind, l.target].filter(Boolean).join(" ") + (l.value ? " = " + l.value : "");

export function showActs(frame) {
  f = frame;
  const may = mayAct();
  for (const node of document.querySelectorAll("[data-acts]")) show(node, may);
  show($("viewer-note"), me.role === "viewer");
  keyed($("levers"), f.levers || [], (l) => l.id, leverRow, (li, l) => {
    say(li.children[1], `by ${l.who}, ${span(Date.parse(l.until) - Date.parse(f.time))} left, until ${clock(l.until, false)} UTC`);
    show(li.children[3], may);
  });
  show($("levers-none"), (f.levers || []).length === 0);
  keyed($("roles"), ["commander", "triage-lead", "comms-lead"], (r) => r, roleRow, (li, r) => showRole(li, r, may));
  showTargets();
}

function leverRow(l) {
  const b = el("button", { type: "button", "aria-label": `Take back ${words(l)}` }, "Take back …");
  b.addEventListener("click", () => undo(l));
  return el("li", {}, el("b", {}, words(l)), el("span", { class: "soft" }), el("span", {}, l.why), b);
}

const roleNames = { commander: "Commander", "triage-lead": "Triage lead", "comms-lead": "Comms lead" };

function roleRow(role) {
  const button = (word, act) => {
    const b = el("button", { type: "button", "aria-label": `${word} ${roleNames[role]}` }, word);
    b.addEventListener("click", act);
    return b;
  };
  const change = (body, said) => async () => {
    await post("/api/v1/incident/role", { role, ...body });
    done(said);
  };
  const take = () => {
    if (whoAmI()) return change({ do: "take" }, `You are ${roleNames[role].toLowerCase()} now.`)().catch((e) => done(e.message));
    return ask({ title: `Take: ${roleNames[role]}`, what: "It goes on record who has it.", yes: "Take it", act: change({ do: "take" }, "It is yours.") });
  };
  const hand = () => ask({
    title: `Hand over: ${roleNames[role]}`, what: "Say it to them as well, and hear that they have it.", fields: [{ id: "to", label: "To" }], yes: "Hand over",
    act: (v) => change({ do: "hand", to: v.to, force: f.incident.roles[role] !== whoAmI() }, `${v.to} has it now.`)(),
  });
  const release = () => change({ do: "release" }, "Given back.")().catch((e) => done(e.message));
  return el("li", {}, el("span", { class: "what" }, roleNames[role]), el("b"), button("Take", take), button("Hand over …", hand), button("Release", release));
}

function showRole(li, role, may) {
  const holder = f.incident?.roles?.[role] || "";
  const [, name, take, hand, release] = li.children;
  const acts = may && !isOver(f);
  say(name, holder || "nobody");
  show(li, holder !== "" || !isOver(f));
  put(li, "data-empty", holder === "");
  show(take, acts && holder === "");
  show(hand, acts && holder !== "" && (holder === whoAmI() || me.role === "admin"));
  show(release, acts && holder !== "" && holder === whoAmI());
}

// The form of levers.

const numbers = { shed: ["to", "50%"], limit: ["to", "10"] };
const choices = { class: () => f.priorities, breaker: () => ["open", "closed"] };
const targets = {
  freeze: () => f.upstreams.map((u) => u.name), kill: () => [],
  drain: () => f.upstreams.flatMap((u) => (u.endpoints || []).map((e) => e.url)),
};

function options(select, values) {
  const key = values.join("\n");
  if (select.dataset.values === key) return;
  select.dataset.values = key;
  const was = select.value;
  select.replaceChildren(...values.map((v) => el("option", { value: v }, v)));
  if (values.includes(was)) select.value = was;
}

function showTargets() {
  const kind = $("lever-kind").value;
  const order = (r) => -f.priorities.indexOf(r.priority); // the least important first: that is what one gives up
  options($("lever-target"), (targets[kind] || (() => [...f.routes].sort((a, b) => order(a) - order(b)).map((r) => r.name)))());
  show($("target-label"), kind !== "kill");
  show($("number-label"), Boolean(numbers[kind]));
  show($("choice-label"), Boolean(choices[kind]));
  if (choices[kind]) options($("lever-choice"), choices[kind]());
  if (numbers[kind] && $("lever-number").dataset.kind !== kind) {
    $("lever-number").dataset.kind = kind;
    $("lever-number").value = numbers[kind][1];
  }
}

// effect says what a lever does now, in numbers.
function effect(kind, target, value) {
  const r = f.routes.find((x) => x.name === target);
  const rate = r && f.seconds ? ended(lately(f, r)) / f.seconds : 0;
  const critical = r && r.priority === f.priorities[0] ? " This is what is to be protected: it wants the role admin." : "";
  switch (kind) {
    case "shed": return `${value} of ${target} is refused, whatever the backend can afford: about ${number((rate * (parseFloat(value) / (value.endsWith("%") ? 100 : 1) || 0)))} of ${number(rate)} requests a second.${critical}`;
    case "class": return `${target} counts as ${value} instead of ${r?.priority}.${critical}`;
    case "limit": return `${target} may have ${value} requests with the backend at once; now it has ${r?.shed.in_flight}. The law does not move that.${critical}`;
    case "breaker": return value === "open" ? `Nobody reaches ${target}: ${number(rate)} requests a second are refused.${critical}` : `The breaker of ${target} stays closed, however it fails.${critical}`;
    case "freeze": return `The law of ${target} decides and reports, and refuses nothing.`;
    case "kill": return "Nothing is protected any more: every request passes. It wants the role admin.";
  }
  return "";
}

function pullByForm(event) {
  event.preventDefault();
  const kind = $("lever-kind").value;
  const target = kind === "kill" ? "" : $("lever-target").value;
  if (kind === "drain") return drain(target);
  const value = choices[kind] ? $("lever-choice").value : numbers[kind] ? $("lever-number").value.trim() : "";
  pull(kind, target, value, effect(kind, target, value));
}

export function wireActs() {
  $("my-name").addEventListener("change", () => keepName($("my-name").value.trim()));
  $("lever-kind").addEventListener("change", () => f && showTargets());
  $("lever-form").addEventListener("submit", pullByForm);
  $("note-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await post("/api/v1/incident/note", { text: $("note").value });
      $("note").value = "";
      done("Noted.");
    } catch (error) {
      done(error.message);
    }
  });
  $("open").addEventListener("click", () => ask({
    title: "Open an incident", what: "From now on everything is on record.", fields: [{ id: "title", label: "What happens" }], yes: "Open it",
    act: (v) => post("/api/v1/incident/open", { title: v.title }),
  }));
  $("resolve").addEventListener("click", () => ask({
    title: "Resolve the incident", fields: [why], yes: "Resolve it",
    what: "Triage does it by itself once all has been well for long enough. By hand it goes sooner, if nothing but time is missing.",
    act: (v) => post("/api/v1/incident/resolve", { why: v.why }),
  }));
}
