// The console: it takes frames and shows them, in the order in which an operator asks.

import { $, say, show, span, put } from "./dom.js";
import { me, listen, myName, keepToken } from "./talk.js";
import { showAlive, showGiven, showWhy } from "./alive.js";
import { showWorking } from "./working.js";
import { take, showTimeline, showWord, wireRecord } from "./record.js";
import { showActs, wireActs } from "./act.js";
import { ask, askToken, wireAsk } from "./ask.js";

const pointsKept = 600;
const staleAfter = 5e3; // ms without a frame
const hiddenFor = 60e3; // ms in the background after which the stream is given up

let points = [];
let heard = 0; // when the last frame came
let stream = null;
let wait = 1e3;

export function hello(h) {
  Object.assign(me, { name: h.who.name, role: h.who.role, asked: h.asked });
  points = h.points;
  show($("me"), me.asked);
  if (me.asked && document.activeElement !== $("my-name")) $("my-name").value = myName();
  say($("my-role"), me.asked ? "" : `${me.name}, ${me.role}`);
}

// frame shows one second.
export function frame(f) {
  heard = Date.now();
  wait = 1e3;
  if (f.point) points.push(f.point);
  if (points.length > pointsKept) points = points.slice(-pointsKept);
  const entries = take(f);
  showAlive(f);
  showGiven(f);
  showWhy(f);
  showWorking(f, points, entries);
  showActs(f);
  showTimeline();
  showWord(f);
  showHead(f);
}

function showHead(f) {
  say($("about"), `${f.about.version}, configuration ${f.about.config.slice(0, 12)}, up ${span(Date.parse(f.time) - Date.parse(f.about.started))}${f.draining ? ", DRAINING" : ""}`);
  const troubles = [...(f.trouble || [])];
  if (f.about.last_error) troubles.push(`The last reload failed, the configuration before stays in force: ${f.about.last_error.split("\n")[0]}`);
  $("troubles").replaceChildren(...troubles.map((t) => Object.assign(document.createElement("p"), { className: "stale", textContent: t })));
  live("live", "live");
}

function live(state, word) {
  put($("live"), "data-state", state);
  say($("live"), word);
}

// watch says when nothing has been heard: an old picture must not look like the present.
function watch() {
  const old = heard && Date.now() - heard > staleAfter;
  show($("stale"), Boolean(old));
  document.body.classList.toggle("old", Boolean(old));
  if (!old) return;
  say($("stale"), `Nothing has been heard of Triage for ${span(Date.now() - heard)}. What is shown is as old as that.`);
  live("gone", "no word");
}

const kinds = { hello, frame };

// told shows an event. A defect in showing one is told, and the next one may be better.
function told(name, value) {
  try {
    kinds[name]?.(value);
  } catch (error) {
    reportError(error);
  }
}

// follow keeps a stream for as long as the page is looked at.
async function follow() {
  for (;;) {
    stream = new AbortController();
    let why = "ended";
    try {
      why = await listen(told, stream.signal);
    } catch { /* the network, or this page has let go */ }
    if (document.hidden) await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
    if (why === "token") await asked();
    if (why === "full") live("gone", "too many look already");
    else if (Date.now() - heard > staleAfter) live("gone", "connecting");
    await new Promise((later) => setTimeout(later, wait * (0.5 + Math.random())));
    wait = Math.min(wait * 2, 10e3);
  }
}

// asked waits for a token. Who closes the dialog is asked again.
function asked() {
  ask({
    title: askToken, what: "This Triage wants a token. It stays in this tab.", yes: "Look", fields: [{ id: "token", label: "Token", kind: "password" }],
    act: async (v) => {
      keepToken(v.token);
      wait = 100;
    },
  });
  return new Promise((closed) => $("ask").addEventListener("close", closed, { once: true }));
}

let hiding = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(() => stream?.abort(), hiddenFor);
});

wireAsk();
wireActs();
wireRecord();
setInterval(watch, 1000);
follow();
