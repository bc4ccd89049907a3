package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"triage/proxy/reason"
)

func TestNoRoute(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testNoRoute)
}

func testNoRoute(t *testing.T) {
	t.Parallel()
	r := start(t, conf("", backend(t, echo), "  - {name: only, match: {path: /only, methods: [POST], host: shop.example}, upstream: app}\n"))
	for i, try := range []struct{ method, path, host string }{{"GET", "/only", "shop.example"}, {"POST", "/other", "shop.example"}, {"POST", "/only", "else.example"}, {"POST", "/only/", "shop.example"}} {
		path := try.path + "?" + strconv.Itoa(i)
		if a := call(t, try.method, r.url+path, "Host: "+try.host); a.status != 404 || !strings.Contains(a.body, `"reason":"no_route"`) {
			t.Errorf("%s %s of %s: %d %q; want 404", try.method, path, try.host, a.status, a.body)
		}
	}
	r.saysSo(t, call(t, "GET", r.url+"/nowhere"), reason.NoRoute, "none", "/nowhere")
	if got := call(t, "POST", r.url+"/only", "Host: shop.example").seen(t); got.URI != "/only" {
		t.Errorf("the route that is there: %+v", got)
	}
}

// Each kind of quota counts by its own key: another key is not refused, and leaving the key out is no way round.
func TestQuota(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testQuota)
}

func testQuota(t *testing.T) {
	t.Parallel()
	tests := []struct {
		per         string
		mine, other []string
	}{
		{"route", nil, nil},
		{"client_ip", []string{"X-Forwarded-For: 192.0.2.1"}, []string{"X-Forwarded-For: 192.0.2.2"}},
		{"header:X-Key", []string{"X-Key: a"}, []string{"X-Key: b"}},
		{"cookie:sid", []string{"Cookie: x=1; sid=a"}, []string{"Cookie: sid=b"}},
		{"header:X-Key", nil, []string{"X-Key: a"}},
		{"cookie:sid", []string{"Cookie: other=a"}, []string{"Cookie: sid=a"}},
	}
	const top = "listen: {address: '127.0.0.1:0', trusted_proxies: [127.0.0.0/8]}"
	for i, test := range tests {
		t.Run(fmt.Sprint(i, test.per), func(t *testing.T) {
			t.Parallel()
			r := start(t, conf(top, backend(t, echo), fmt.Sprintf("  - {name: few, upstream: app, rate_limit: {rate: 1/m, burst: 2, per: %q}}\n", test.per)))
			for range 2 {
				get(t, r.url+"/x", test.mine...)
			}
			a := call(t, "GET", r.url+"/third", test.mine...)
			r.saysSo(t, a, reason.Quota, "few", "/third")
			after, err := strconv.Atoi(a.header.Get("Retry-After"))
			if err != nil || after < 50 || after > 91 {
				t.Errorf("Retry-After %q; want the half minute and more until the next token, in seconds", a.header.Get("Retry-After"))
			}
			var problem struct {
				Type       string
				RetryAfter int `json:"retry_after"`
			}
			if json.Unmarshal([]byte(a.body), &problem); problem.Type != "https://iana.org/assignments/http-problem-types#quota-exceeded" || problem.RetryAfter != after {
				t.Errorf("problem %q; want the registered type and retry_after %d", a.body, after)
			}
			if test.other != nil {
				get(t, r.url+"/x", test.other...)
			}
			if got := metric(t, r.adminURL, "triage_requests_total", "route", "few", "result", "refused", "code", "4xx"); got != 1 {
				t.Errorf("triage_requests_total of the refused: %v, want 1", got)
			}
		})
	}
}

// Clients that are refused at the same time are told to come back at different times, none too early.
func TestRefusedClientsComeBackOneByOne(t *testing.T) {
	t.Parallel()
	onBothLanes(t, func(t *testing.T) {
		r := start(t, conf("", backend(t, echo), "  - {name: few, upstream: app, rate_limit: {rate: 1/m, burst: 1}}\n"))
		get(t, r.url+"/x")
		told := map[int]bool{}
		for range 30 {
			text := call(t, "GET", r.url+"/x").header.Get("Retry-After")
			after, err := strconv.Atoi(text)
			if err != nil || after < 50 || after > 91 {
				t.Fatalf("Retry-After %q; want the minute until the next token, and up to half of it more", text)
			}
			told[after] = true
		}
		if len(told) < 5 {
			t.Errorf("30 clients were told %v seconds; want them spread", told)
		}
	})
}

// A route that always fails gets its breaker opened, others of its upstream do not, and it closes again when the backend is back.
func TestBreaker(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testBreaker)
}

func testBreaker(t *testing.T) {
	t.Parallel()
	var well atomic.Bool
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/other" || well.Load() {
			echo(w, r)
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
	})
	// What the open breaker does is seen where it stays open, and how it closes where it does so soon.
	r := start(t, conf("", app, `  - {name: broken, upstream: app, breaker: {open_for: 30s}}
  - {name: back, match: {path: /back}, upstream: app, breaker: {open_for: 500ms}}
  - {name: other, match: {path: /other}, upstream: app}
  - {name: never, match: {path: /never}, upstream: app, breaker: {disabled: true}}
`))
	openBreaker(t, r, "/x")
	a := call(t, "GET", r.url+"/refused")
	r.saysSo(t, a, reason.Breaker, "broken", "/refused")
	if after, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || after < 10 || after > 46 {
		t.Errorf("Retry-After %q, want what is left of half a minute, and up to half of it more", a.header.Get("Retry-After"))
	}
	if got := metric(t, r.adminURL, "triage_breaker_state", "route", "broken", "state", "open"); got != 1 {
		t.Errorf("triage_breaker_state of open: %v, want 1", got)
	}
	get(t, r.url+"/other")
	for range 60 {
		if a := call(t, "GET", r.url+"/never"); a.status != http.StatusInternalServerError {
			t.Fatalf("the breaker that is disabled: %d %q; want the backend's 500", a.status, a.body)
		}
	}
	openBreaker(t, r, "/back")
	eventually(t, "a probe that fails", func() bool {
		time.Sleep(20 * time.Millisecond)
		return call(t, "GET", r.url+"/back").status == http.StatusInternalServerError
	})
	well.Store(true)
	state := map[string]bool{}
	eventually(t, "the breaker to close", func() bool {
		call(t, "GET", r.url+"/back")
		now := statusOf(t, r.adminURL).Routes[1].Breaker
		state[now] = true
		return now == "closed"
	})
	if !state["half-open"] {
		t.Errorf("on the way to closed it was %v; want half-open", state)
	}
	eventually(t, "every request to be served", func() bool {
		for range 5 {
			if call(t, "GET", r.url+"/back").status != http.StatusOK {
				return false
			}
		}
		return true
	})
}

// A fallback stands in for refusals and for a backend that does not answer; not for its own answers, and not for a quota.
func TestFallbackInsteadOfARefusal(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testFallbackInsteadOfARefusal)
}

func testFallbackInsteadOfARefusal(t *testing.T) {
	t.Parallel()
	app := backend(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	const fallback = `degrade: {fallback: {status: 203, content_type: text/plain, headers: {x-mine: "yes"}, body: sorry}}`
	text := conf("", app, `  - {name: soft, upstream: app, breaker: {open_for: 30s}, `+fallback+`}
  - {name: few, match: {path: /few}, upstream: app, rate_limit: {rate: 1/h}, `+fallback+`}
  - {name: gone, match: {path: /gone/*}, upstream: gone, `+fallback+`}
`)
	r := start(t, strings.Replace(text, "upstreams:\n", "upstreams:\n  gone: {endpoints: ['http://"+freeAddress(t)+"']}\n", 1))
	eventually(t, "the breaker to open and the fallback to come", func() bool {
		a := call(t, "GET", r.url+"/x")
		if a.status != 203 && (a.status != 500 || a.header.Get("X-Triage-Degraded") != "") {
			t.Fatalf("GET /x: %d %v; want the backend's own 500 or the fallback", a.status, a.header)
		}
		return a.status == 203
	})
	for path, want := range map[string]struct {
		route string
		why   reason.Reason
	}{"/refused": {"soft", reason.Breaker}, "/gone/x": {"gone", reason.ConnectRefused}} {
		a := call(t, "GET", r.url+path)
		if a.status != 203 || a.body != "sorry" || a.header.Get("X-Triage-Degraded") != "fallback" || a.header.Get("Content-Type") != "text/plain" || a.header.Get("X-Mine") != "yes" ||
			!strings.Contains(a.header.Get("Proxy-Status"), want.why.String()) {
			t.Errorf("%s: %d %q %v; want the fallback, and Proxy-Status with %s", path, a.status, a.body, a.header, want.why)
		}
		if line := logged(t, r.access, path); line["result"] != "degraded" || line["reason"] != want.why.String() || line["status"] != 203.0 {
			t.Errorf("%s: the log says %v; want degraded, %s and 203", path, line, want.why)
		}
		if metric(t, r.adminURL, "triage_requests_total", "route", want.route, "result", "degraded", "code", "2xx") < 1 {
			t.Errorf("triage_requests_total counts nothing degraded for %s", want.route)
		}
	}
	call(t, "GET", r.url+"/few")
	if a := call(t, "GET", r.url+"/few"); a.status != http.StatusTooManyRequests || a.header.Get("X-Triage-Degraded") != "" {
		t.Errorf("over the quota: %d %q; want 429 and no fallback", a.status, a.body)
	}
	if a := call(t, "HEAD", r.url+"/x"); a.status != 203 || a.body != "" || a.header.Get("Content-Length") != "5" {
		t.Errorf("HEAD: %d %q %v; want the fallback's header alone", a.status, a.body, a.header)
	}
}

func TestRefusalByMethodAndAccept(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testRefusalByMethodAndAccept)
}

func testRefusalByMethodAndAccept(t *testing.T) {
	t.Parallel()
	r := start(t, conf("", backend(t, echo), "  - {name: only, match: {path: /only}, upstream: app}\n"))
	tests := []struct{ accept, want string }{
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"},
		{"application/json, text/html;q=0.9", "application/problem+json"},
		{"text/html;q=0.1, application/json;q=0", "text/html; charset=utf-8"},
		{"*/*", "application/problem+json"},
		{"", "application/problem+json"},
	}
	for _, test := range tests {
		a := call(t, "GET", r.url+"/none", "Accept: "+test.accept)
		if a.status != 404 || a.header.Get("Content-Type") != test.want || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("Accept %q: %d, %q, %q; want 404, %q, no-store", test.accept, a.status, a.header.Get("Content-Type"), a.header.Get("Cache-Control"), test.want)
		}
		if html := strings.Contains(a.body, "<h1>Not Found</h1>") && strings.Contains(a.body, "no_route"); html != (test.want != "application/problem+json") {
			t.Errorf("Accept %q: body %q", test.accept, a.body)
		}
	}
	// HEAD: the length, no body, and the connection goes on.
	w := dial(t, r.url)
	w.say("HEAD /none HTTP/1.1\r\nHost: h\r\n\r\nGET /only HTTP/1.1\r\nHost: h\r\n\r\n")
	if head := w.header(); !strings.HasPrefix(head, "HTTP/1.1 404 ") || !strings.Contains(head, "Content-Length: ") || strings.Contains(head, "Content-Length: 0\r") {
		t.Errorf("HEAD: %q; want 404 with the length of a body", head)
	}
	if a := w.answer(); a.status != http.StatusOK || a.seen(t).URI != "/only" {
		t.Errorf("after HEAD: %d %q, %v; want the next answer", a.status, a.body, a.err)
	}
}

// Health checks pass every gate while everything else is refused, up to a rate.
func TestHealthChecksPassEveryGate(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testHealthChecksPassEveryGate)
}

func testHealthChecksPassEveryGate(t *testing.T) {
	t.Parallel()
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	r := start(t, conf("", app, "  - {name: all, upstream: app, breaker: {open_for: 30s, failure_share: 50%}, rate_limit: {rate: 1/m, burst: 30}}\n"))
	openBreaker(t, r, "/x")
	for range 45 {
		call(t, "GET", r.url+"/x")
	}
	if a := call(t, "GET", r.url+"/x"); a.status != http.StatusTooManyRequests {
		t.Fatalf("another path: %d %q; want the quota to refuse it", a.status, a.body)
	}
	get(t, r.url+"/healthz")
	for _, pretender := range []struct{ method, path string }{{"POST", "/healthz"}, {"GET", "/healthz/x"}, {"GET", "/x?/healthz"}} {
		if a := call(t, pretender.method, r.url+pretender.path); a.status != http.StatusTooManyRequests {
			t.Errorf("%s %s: %d; want it refused like any other", pretender.method, pretender.path, a.status)
		}
	}
	var refused atomic.Int64
	var checks sync.WaitGroup
	for range 120 {
		checks.Go(func() {
			if call(t, "GET", r.url+"/healthz").status == http.StatusTooManyRequests {
				refused.Add(1)
			}
		})
	}
	checks.Wait()
	if n := refused.Load(); n == 0 || n > 101 {
		t.Errorf("%d of 120 health checks at once were refused; want those beyond the first 20 and the rate", n)
	}
}
