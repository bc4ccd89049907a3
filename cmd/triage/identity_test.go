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
	lies := []string{"X-Triage-Degrade: optional", "X-Triage-Priority: critical", "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https",
		"X-Forwarded-Host: else.example", "Forwarded: for=192.0.2.7", "X-Real-Ip: 192.0.2.7", "X-Request-Id: mine", "X-Original-Url: /checkout", "X-Priority: 1",
		"Connection: x-forwarded-for, via, keep-alive"}
	r := start(t, conf("", app, everything))
	got := call(t, "GET", r.url+"/untrusted", lies...).seen(t)
	for name, want := range map[string]string{
		"X-Triage-Degrade": "", "X-Triage-Priority": "", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Real-Ip": "", "X-Original-Url": "",
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
		got := a.seen(t)
		seen, _, _ := strings.Cut(got.URI, "?")
		want := "rest"
		if plain, _, _ := strings.Cut(seen, ";"); plain == "/checkout" {
			want = "checkout"
		}
		if line := loggedAs(t, r.access, got.Header.Get("X-Request-Id")); line["route"] != want {
			t.Errorf("%s: the backend saw %s, and the route was %v; want %s", path, seen, line["route"], want)
		}
	}
	if a := call(t, "GET", r.url+"/pay", "X-HTTP-Method-Override: POST", "X-Triage-Priority: critical"); a.status != 200 || logged(t, r.access, "/pay")["priority"] != "sheddable" {
		t.Errorf("GET /pay passed as %v, want sheddable", logged(t, r.access, "/pay"))
	}
}

// With path_policy: reject a path that would have to be normalized is refused, and so it can be spoofed neither into a class nor out of one.
func TestPathsThatAreRefused(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testPathsThatAreRefused)
}

func testPathsThatAreRefused(t *testing.T) {
	t.Parallel()
	r := start(t, conf("path_policy: reject", backend(t, echo), `  - {name: checkout, match: {path: /checkout}, upstream: app, priority: critical}
  - {name: rest, upstream: app, priority: sheddable}
`))
	for path, want := range map[string]int{
		"/checkout": 200, "/caf%c3%a9": 200, "/a%20b": 200, "/...": 200, "/checkout?x=/../..//%2e": 200,
		"/x/../checkout": 400, "/checkout/../x": 400, "//checkout": 400, "/checkout//": 400, "/%63heckout": 400, "/%2e%2e/checkout": 400, "/./checkout": 400, "/x%2f..%2fcheckout": 400,
	} {
		w := dial(t, r.url)
		w.say("GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path)
		a := w.answer()
		if a.status != want || want == 400 && !strings.Contains(a.body, `"reason":"bad_request"`) {
			t.Errorf("%s: %d %q, %v; want %d", path, a.status, a.body, a.err, want)
		}
	}
}

// To CGI and WSGI X_Tier and X-Tier are one field. A request with the twin of a field that counts is refused, whoever sends it.
func TestTwinsAreRefused(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testTwinsAreRefused)
}

func testTwinsAreRefused(t *testing.T) {
	t.Parallel()
	r := start(t, conf("listen: {address: '127.0.0.1:0', trusted_proxies: [127.0.0.1]}", backend(t, echo), `  - {name: gold, match: {headers: {X-Tier: gold}}, upstream: app, priority: critical}
  - {name: rest, upstream: app, session: {header: X-Session-Key}, rate_limit: {rate: 1000/s, per: 'header:X-Account'}}
`))
	for field, want := range map[string]int{
		"X-Tier: gold": 200, "X_Custom: 1": 200, "X-Tier_Name: 1": 200,
		"X_Tier: gold": 400, "x_tier: gold": 400, "X_Session-Key: 1": 400, "X-Session_Key: 1": 400, "X_Account: 1": 400,
		"X_Forwarded_For: 192.0.2.7": 400, "X-Forwarded_For: 192.0.2.7": 400, "X_Real_IP: 192.0.2.7": 400, "X_Triage_Priority: critical": 400, "X_Priority: 1": 400,
		"Content_Length: 5": 400, "Transfer_Encoding: chunked": 400,
	} {
		w := dial(t, r.url)
		w.say("GET /x HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n", field)
		if a := w.answer(); a.status != want || want == 400 && !a.close {
			t.Errorf("%s: %d %q, %v, closes: %v; want %d", field, a.status, a.body, a.err, a.close, want)
		}
	}
}

// Of what a client forges in X-Forwarded-For nothing counts that is left of the first address which no trusted proxy has.
func TestForgedForwardedFor(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testForgedForwardedFor)
}

func testForgedForwardedFor(t *testing.T) {
	t.Parallel()
	r := start(t, conf("listen: {address: '127.0.0.1:0', trusted_proxies: [127.0.0.0/8, 10.0.0.0/8]}", backend(t, echo), "  - {name: all, upstream: app, rate_limit: {rate: 1/h, burst: 1, per: client_ip}}\n"))
	// Each of them is the same client, whatever it invents; only the first is within its quota.
	for i, forged := range []string{"203.0.113.9", "198.51.100.1, 203.0.113.9", "10.0.0.9, 203.0.113.9", "127.0.0.1, 203.0.113.9, 10.1.1.1", "garbage, 203.0.113.9", "203.0.113.8, 203.0.113.9:4711"} {
		a := call(t, "GET", fmt.Sprintf("%s/%d", r.url, i), "X-Forwarded-For: "+forged)
		want := http.StatusTooManyRequests
		if i == 0 {
			want = http.StatusOK
		}
		if line := logged(t, r.access, fmt.Sprintf("/%d", i)); a.status != want || line["client"] != "203.0.113.9" {
			t.Errorf("%q: %d of client %v; want %d of 203.0.113.9", forged, a.status, line["client"], want)
		}
	}
}
