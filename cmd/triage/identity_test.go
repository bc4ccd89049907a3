package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// What a client says about identity, priority or control does not reach the backend, unless it is a trusted proxy's to say.
func TestWhatClientsMayNotSay(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testWhatClientsMayNotSay)
}

func testWhatClientsMayNotSay(t *testing.T) {
	t.Parallel()
	app := backend(t, echo)
	lies := []string{"X-Triage-Degrade: optional", "X-Triage-Priority: critical", "X_Triage_Priority: critical", "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https",
		"X-Forwarded-Host: else.example", "Forwarded: for=192.0.2.7", "X-Real-Ip: 192.0.2.7", "X-Request-Id: mine", "X-Original-Url: /checkout", "X-Priority: 1",
		"Connection: x-forwarded-for, via, keep-alive"}
	r := start(t, conf("", app, everything))
	got := call(t, "GET", r.url+"/untrusted", lies...).seen(t)
	for name, want := range map[string]string{
		"X-Triage-Degrade": "", "X-Triage-Priority": "", "X_triage_priority": "", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Real-Ip": "", "X-Original-Url": "",
		"X-Priority": "", "X-Forwarded-Host": strings.TrimPrefix(r.url, "http://"), "Via": "1.1 triage",
	} {
		if value := strings.Join(got.Header.Values(name), ", "); value != want {
			t.Errorf("from an untrusted peer the backend got %s: %q, want %q", name, value, want)
		}
	}
	if id := got.Header.Get("X-Request-Id"); id == "mine" || len(id) != 32 || logged(t, r.access, "/untrusted")["id"] != id || logged(t, r.access, "/untrusted")["client"] != "127.0.0.1" {
		t.Errorf("the request id %q is not the log's %v, or is the client's", id, logged(t, r.access, "/untrusted"))
	}
	if f := got.Header.Get("Forwarded"); strings.Contains(f, "192.0.2.7") || !strings.HasPrefix(f, "for=127.0.0.1;") {
		t.Errorf("Forwarded: %q; want the peer's address only", f)
	}

	trusting := start(t, conf("listen: {address: '127.0.0.1:0', trusted_proxies: [127.0.0.1]}", app, everything))
	got = call(t, "GET", trusting.url+"/trusted", lies...).seen(t)
	for name, want := range map[string]string{
		"X-Triage-Degrade": "", "X-Priority": "", "X-Forwarded-For": "192.0.2.7, 127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "else.example", "X-Request-Id": "mine",
	} {
		if value := strings.Join(got.Header.Values(name), ", "); value != want {
			t.Errorf("from a trusted peer the backend got %s: %q, want %q", name, value, want)
		}
	}
	if line := logged(t, trusting.access, "/trusted"); line["client"] != "192.0.2.7" || line["id"] != "mine" {
		t.Errorf("the log says %v; want the client that the trusted proxy names", line)
	}
}

// The route, and so the priority, is that of the path the backend sees, however the path is written.
func TestNoSpellingRaisesThePriority(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testNoSpellingRaisesThePriority)
}

func testNoSpellingRaisesThePriority(t *testing.T) {
	t.Parallel()
	r := start(t, conf("", backend(t, echo), `  - {name: checkout, match: {path: /checkout, methods: [POST]}, upstream: app, priority: critical}
  - {name: pay, match: {path: /pay, methods: [POST]}, upstream: app, priority: critical}
  - {name: rest, upstream: app, priority: sheddable}
`))
	for i, path := range []string{"/checkout", "/x/../checkout", "//checkout", "/./checkout", "/%63heckout", "/CHECKOUT", "/checkout/", "/checkout;a=b", "/checkout%20", "/recommendations?/checkout", "/checkout%2f..%2fx",
		"/x/..%2fcheckout", "/..;/checkout", "/checkout%00", "/checkout#", "/\\checkout", "http://else.example/checkout", "/recommendations/../checkout/../x", "/checkout/%2e%2e/x"} {
		w := dial(t, r.url)
		id := fmt.Sprintf("n=%d", i)
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		w.say("POST %s%s%s HTTP/1.1\r\nHost: h\r\nX-HTTP-Method-Override: POST\r\nX-Triage-Priority: critical\r\nPriority: u=0\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", path, separator, id)
		a := w.answer()
		if a.status == http.StatusBadRequest {
			continue
		}
		seen, _, _ := strings.Cut(a.seen(t).URI, "?")
		want := "rest"
		if plain, _, _ := strings.Cut(seen, ";"); plain == "/checkout" {
			want = "checkout"
		}
		line := logged(t, r.access, seen)
		if line["route"] != want {
			t.Errorf("%s: the backend saw %s, and the route was %v; want %s", path, seen, line["route"], want)
		}
	}
	if a := call(t, "GET", r.url+"/pay", "X-HTTP-Method-Override: POST", "X-Triage-Priority: critical"); a.status != 200 || logged(t, r.access, "/pay")["priority"] != "sheddable" {
		t.Errorf("GET /pay passed as %v, want sheddable", logged(t, r.access, "/pay"))
	}
}
