// The timeline, the word to the others, and what was before.

import { $, say, show, put, el, keyed, clock, span } from "./dom.js";

const shown = 300; // rows: a page may stay open for days
const minor = new Set(["signal", "impact"]);
let entries = [];
let incident = "";
let everything = false;
let word = null;

// take adds what is new. An entry that was here already, as after a new connection, is not new.
export function take(f) {
  const id = f.incident?.id || "";
  if (id !== incident) {
    incident = id;
    entries = [];
  }
  const last = entries.length ? entries.at(-1).seq : 0;
  for (const e of f.entries || []) if (e.seq > last && e.incident === incident) entries.push(e);
  if (entries.length > shown) entries = entries.slice(-shown);
  return entries;
}

const signs = { opened: "●", state: "◆", signal: "·", verdict: "◎", impact: "∑", role: "☺", lever: "⇄", note: "✎", change: "△", update: "✉" };

function sentence(e) {
  switch (e.kind) {
    case "opened": return `opened: ${e.to}`;
    case "state": return `${e.from || "nothing"} → ${e.to}${e.reason ? ": " + e.reason : ""}`;
    case "verdict": return `verdict: ${e.to}${e.numbers ? ` (${(e.numbers.confidence ?? 0).toFixed(2)})` : ""}`;
    case "role": return e.to ? `${e.subject}: ${e.from || "nobody"} → ${e.to}` : `${e.subject}: given back by ${e.from}`;
    case "lever": return `${e.subject}, ${e.reason}`;
    case "note": return e.reason;
    case "update": return `word to ${e.subject}: ${e.to}${e.reason ? ", " + e.reason : ""}`;
    case "change": return `went live: ${e.subject}`;
    case "impact": return `so far ${["served", "degraded", "refused", "failed"].map((k) => `${e.numbers?.[k] ?? 0} ${k}`).join(", ")}`;
    case "signal": return `${e.subject}: ${e.from} → ${e.to}, ${e.reason}${e.times > 1 ? ` (${e.times} times)` : ""}`;
  }
  return [e.subject, e.reason].filter(Boolean).join(": ");
}

export function showTimeline() {
  const rows = entries.filter((e) => everything || !minor.has(e.kind)).reverse();
  keyed($("entries"), rows, (e) => e.seq, (e) => el("li", { class: e.kind }, el("time", { datetime: e.time, title: new Date(e.time).toLocaleString() }, clock(e.time)),
    el("span", { class: "sign-small", "aria-hidden": "true" }, signs[e.kind] || "·"), el("span", {}, el("b", {}, e.actor === "triage" ? "" : e.actor + " "), sentence(e))), () => {});
  show($("entries-none"), entries.length === 0);
  show($("entries").parentElement, entries.length > 0);
}

export function showWord(f) {
  word = f.update || null;
  say($("update"), word ? word.text : "Nothing to say.");
  show($("word"), Boolean(word));
  const due = word?.next && !word.next.startsWith("0001");
  say($("word-next"), due ? `Times are UTC. If this goes out now, the next update is due at ${clock(word.next, false)}.` : word ? "This is the last word on it." : "");
  const past = (f.past || []).filter((p) => p.id !== f.incident?.id || p.state === "resolved");
  show($("past-box"), past.length > 0);
  keyed($("past"), past, (p) => p.id + p.state, (p) => el("li", {}, el("b", {}, p.title), el("span", { class: "soft" },
    ` ${p.opened_at.slice(0, 10)} ${clock(p.opened_at, false)} UTC${p.state === "resolved" ? `, over after ${span(Date.parse(p.resolved_at) - Date.parse(p.opened_at))}` : `, ${p.state}`}`)), () => {});
}

// copy puts text into the clipboard; without a secure origin the browser has only the old way.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { "aria-hidden": "true", class: "hidden" });
    area.value = text;
    document.body.append(area);
    area.select();
    const ok = document.execCommand("copy");
    area.remove();
    if (!ok) return say($("copied"), "The browser does not let this page copy: select it.");
  }
  say($("copied"), "Copied.");
  setTimeout(() => say($("copied"), ""), 4000);
}

function choose(all) {
  everything = all;
  put($("show-all"), "aria-pressed", all);
  put($("show-main"), "aria-pressed", !all);
  showTimeline();
}

export function wireRecord() {
  $("show-all").addEventListener("click", () => choose(true));
  $("show-main").addEventListener("click", () => choose(false));
  $("copy-text").addEventListener("click", () => word && copy(word.text));
  $("copy-markdown").addEventListener("click", () => word && copy(word.markdown));
}
