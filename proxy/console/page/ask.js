// One dialog for every question: it says what will happen, asks who and why, and shows what the server says against it.

import { $, say, el } from "./dom.js";
import { me, myName, keepName } from "./talk.js";

let answer = null;

// ask shows the dialog. fields are {id, label, kind, options, value}; act does it and may throw what is wrong, which leaves the dialog open.
export function ask({ title, what = "", fields = [], yes = "Do it", act }) {
  const all = me.asked && !myName() && title !== askToken ? [{ id: "name", label: "Your name" }, ...fields] : fields;
  say($("ask-h"), title);
  say($("ask-what"), what);
  say($("ask-error"), "");
  say($("ask-yes"), yes);
  $("ask-fields").replaceChildren(...all.map(field));
  answer = async () => {
    const values = Object.fromEntries(all.map((f) => [f.id, $("field-" + f.id).value.trim()]));
    const empty = all.find((f) => !values[f.id] && !f.optional);
    if (empty) {
      $("field-" + empty.id).focus();
      throw new Error(`${empty.label}: want a few words.`);
    }
    if (values.name) keepName(values.name);
    await act(values);
  };
  if (!$("ask").open) $("ask").showModal();
}

export const askToken = "Who are you?";

function field(f) {
  let input;
  if (f.options) input = el("select", {}, ...f.options.map(([value, word]) => el("option", { value }, word)));
  else input = el("input", { type: f.kind || "text", maxlength: "1000", autocomplete: "off" });
  input.id = "field-" + f.id;
  if (f.value) input.value = f.value;
  return el("label", {}, f.label, input);
}

// done tells that something was done.
export function done(text) {
  say($("said"), text);
  clearTimeout(done.timer);
  done.timer = setTimeout(() => say($("said"), ""), 6000);
}

export function wireAsk() {
  $("ask-no").addEventListener("click", () => $("ask").close());
  $("ask-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    $("ask-yes").disabled = true;
    try {
      await answer();
      $("ask").close();
    } catch (error) {
      say($("ask-error"), error.message);
    } finally {
      $("ask-yes").disabled = false;
    }
  });
}
