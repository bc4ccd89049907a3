// The admin API: who asks, with which token, and the stream that the page lives on.

const keys = { token: "triage-token", name: "triage-name" };
export const me = { name: "", role: "", asked: false };

const stored = (store, key) => {
  try { return store.getItem(key) || ""; } catch { return ""; }
};
const keep = (store, key, value) => {
  try { store.setItem(key, value); } catch { /* a browser that keeps nothing asks again */ }
};

export const token = () => stored(sessionStorage, keys.token);
export const keepToken = (t) => keep(sessionStorage, keys.token, t);
export const myName = () => stored(localStorage, keys.name);
export const keepName = (n) => keep(localStorage, keys.name, n);

const headers = () => (token() ? { Authorization: `Bearer ${token()}` } : {});

// post changes something. What is wrong is thrown as a sentence.
export async function post(path, body) {
  const say = me.asked ? { ...body, who: myName() } : body;
  let response;
  try {
    response = await fetch(path, { method: "POST", headers: { ...headers(), "Content-Type": "application/json" }, body: JSON.stringify(say), signal: AbortSignal.timeout(10e3) });
  } catch {
    throw new Error("Triage did not answer; nothing is known to have changed.");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail || `${response.status} ${response.statusText}`);
  return answer;
}

// Events cuts a stream into server-sent events (WHATWG HTML, section 9.2.6); what is read so far of one stays bounded.
export class Events {
  #rest = "";

  take(text, tell) {
    this.#rest += text;
    if (this.#rest.length > 32 << 20) throw new Error("an event is too long");
    let end;
    while ((end = this.#rest.indexOf("\n\n")) >= 0) {
      let name = "message";
      const data = [];
      for (const line of this.#rest.slice(0, end).split("\n")) {
        if (line.startsWith("event: ")) name = line.slice(7);
        if (line.startsWith("data: ")) data.push(line.slice(6));
      }
      this.#rest = this.#rest.slice(end + 2);
      if (data.length) tell(name, JSON.parse(data.join("\n")));
    }
  }
}

// listen reads the stream once, to its end. EventSource cannot show a token, so the stream is fetched.
export async function listen(tell, signal) {
  const response = await fetch("/api/v1/stream", { headers: { ...headers(), Accept: "text/event-stream" }, signal, cache: "no-store" });
  if (response.status === 401) return "token";
  if (response.status === 503) return "full";
  if (!response.ok || !response.body) return "ended";
  const events = new Events();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return "ended";
    events.take(value, tell);
  }
}
