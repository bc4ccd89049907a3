package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"triage/proxy/reason"
)

// sizedLimits are the limits of the routes below, in bytes.
var sizedLimits = map[string]int{"tight": 1000, "kind": 1000, "roomy": 1 << 20}

// unread is how long a body is at least of which something is left when it is found to be too large.
const unread = 100_000

const sizedRoutes = `  - {name: tight, match: {path: /tight/*}, upstream: app}
  - {name: kind, match: {path: /kind/*}, upstream: app, degrade: {fallback: {body: '{}'}}}
  - {name: roomy, match: {path: /roomy/*}, upstream: app, response_limit: 1MiB}
`

// sized is what a path of this test asks for, /ROUTE/FRAMING/BYTES.
func sized(path string) (framing string, size int, over bool) {
	parts := strings.Split(path, "/")
	size, _ = strconv.Atoi(parts[3])
	return parts[2], size, size > sizedLimits[parts[1]]
}

// sizedBackend answers as the path says, and minds when a connection on which it has sent too much is used again.
func sizedBackend(w *wire) {
	before := ""
	for {
		request, err := http.ReadRequest(w.r)
		if err != nil {
			return
		}
		if before != "" {
			w.t.Errorf("%s comes on the connection of %s, whose answer was too large", request.URL.Path, before)
		}
		framing, size, over := sized(request.URL.Path)
		if over && request.Method == "GET" && (framing == "length" || framing == "chunks" && size > unread) {
			before = request.URL.Path
		}
		switch body := strings.Repeat("x", size); {
		case framing == "unchanged":
			w.say("HTTP/1.1 304 Not Modified\r\nContent-Length: %d\r\n\r\n", size)
		case request.Method == "HEAD":
			w.say("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		case framing == "length":
			w.say("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, body)
		case framing == "end":
			w.say("HTTP/1.1 200 OK\r\n\r\n%s", body)
			return
		default:
			w.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for ; body != ""; body = body[min(len(body), 700):] {
				piece := body[:min(len(body), 700)]
				w.say("%x\r\n%s\r\n", len(piece), piece)
			}
			w.say("0\r\n\r\n")
		}
	}
}

// What is allowed arrives whole. What says that it is more gets 502, what turns out to be more breaks off, and either counts against nobody.
func TestResponsesThatAreTooLarge(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testResponsesThatAreTooLarge)
}

func testResponsesThatAreTooLarge(t *testing.T) {
	t.Parallel()
	r := start(t, conf("listen: {address: '127.0.0.1:0', limits: {response: 1000B}}", rawBackend(t, sizedBackend), sizedRoutes))
	const whole, refused, cut, fallback = "whole", "refused", "cut", "fallback"
	for _, test := range []struct{ method, path, want string }{
		{"GET", "/tight/length/1000", whole},
		{"GET", "/tight/length/1001", refused},
		{"GET", "/tight/chunks/1000", whole},
		{"GET", "/tight/chunks/1001", cut},
		{"GET", "/tight/chunks/200000", cut},
		{"GET", "/tight/end/1000", whole},
		{"GET", "/tight/end/1001", cut},
		{"HEAD", "/tight/length/5000", whole},
		{"GET", "/tight/unchanged/5000", whole},
		{"GET", "/kind/length/1001", fallback},
		{"GET", "/roomy/length/1048576", whole}, // through the kernel, on the fast lane
		{"GET", "/roomy/length/1048577", refused},
		{"GET", "/roomy/chunks/1048576", whole},
		{"GET", "/roomy/chunks/2000000", cut},
	} {
		a := call(t, test.method, r.url+test.path)
		framing, size, _ := sized(test.path)
		route := strings.Split(test.path, "/")[1]
		switch test.want {
		case whole:
			if test.method == "HEAD" || framing == "unchanged" {
				size = 0
			}
			if a.err != nil || a.status >= 400 || len(a.body) != size {
				t.Errorf("%s %s: %d, %d bytes, %v; want all of it", test.method, test.path, a.status, len(a.body), a.err)
			}
		case refused:
			r.saysSo(t, a, reason.ResponseTooLarge, route, test.path)
		case fallback:
			if a.err != nil || a.status != http.StatusOK || a.body != "{}" {
				t.Errorf("%s: %d %q, %v; want the fallback", test.path, a.status, a.body, a.err)
			}
		case cut:
			if a.err == nil || a.status != 0 && a.status != http.StatusOK || len(a.body) > sizedLimits[route] {
				t.Errorf("%s: %d, %d bytes, %v; want a part, and an error", test.path, a.status, len(a.body), a.err)
			}
			if line := logged(t, r.access, test.path); line["reason"] != "response_too_large" || line["fault"] != "backend" || line["result"] != "failed" || line["upstream_status"] != 200.0 {
				t.Errorf("%s: the log says %v", test.path, line)
			}
		}
	}
	for _, framing := range []string{"chunks", "end"} { // to a client of HTTP/1.0 an end in order would be the end of the answer
		w := dial(t, r.url)
		w.say("GET /tight/%s/1002 HTTP/1.0\r\nHost: h\r\n\r\n", framing)
		if part, err := io.ReadAll(w.r); err == nil {
			t.Errorf("%s: the client of HTTP/1.0 takes %d bytes for the whole", framing, len(part))
		}
	}
	w := dial(t, r.url) // the client's connection goes on, and is in step
	w.say("GET /tight/length/5000 HTTP/1.1\r\nHost: h\r\n\r\nGET /tight/length/5 HTTP/1.1\r\nHost: h\r\n\r\n")
	if first, second := w.answer(), w.answer(); first.status != http.StatusBadGateway || second.status != http.StatusOK || second.body != "xxxxx" {
		t.Errorf("%d, then %d %q; want 502 and the next answer", first.status, second.status, second.body)
	}
}

// Whoever finds a path whose answer is too large does not open a breaker by asking for it.
func TestLargeResponsesOpenNoBreaker(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testLargeResponsesOpenNoBreaker)
}

func testLargeResponsesOpenNoBreaker(t *testing.T) {
	t.Parallel()
	r := start(t, conf("listen: {address: '127.0.0.1:0', limits: {response: 1000B}}", rawBackend(t, sizedBackend), sizedRoutes))
	for i := range 60 {
		framing := []string{"length", "chunks"}[i%2]
		if a := call(t, "GET", fmt.Sprintf("%s/tight/%s/%d", r.url, framing, 2000+i)); a.status == http.StatusServiceUnavailable {
			t.Fatalf("request %d: %q", i, a.body)
		}
	}
	eventually(t, "all to be counted", func() bool {
		return metric(t, r.adminURL, "triage_requests_total", "route", "tight", "result", "failed") == 60
	})
	s := statusOf(t, r.adminURL)
	if s.Routes[0].Breaker != "closed" || s.Upstreams[0].Endpoints[0].Breaker != "closed" {
		t.Errorf("breakers are %s and %s, want closed", s.Routes[0].Breaker, s.Upstreams[0].Endpoints[0].Breaker)
	}
	get(t, r.url+"/tight/length/10")
}

// In HTTP/2 the stream is reset, in front and behind, and the connection goes on.
func TestLargeResponsesOverHTTP2(t *testing.T) {
	t.Parallel()
	cut := make(chan struct{}, 1)
	r := start(t, strings.Replace(grpcConf(http2Backend(t, func(w http.ResponseWriter, q *http.Request) {
		framing, size, over := sized(q.URL.Path)
		if framing == "length" {
			w.Header().Set("Content-Length", strconv.Itoa(size))
		}
		_, _ = io.WriteString(w, strings.Repeat("x", min(size, 700)))
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, strings.Repeat("x", max(size-700, 0)))
		if over {
			_ = http.NewResponseController(w).Flush()
			<-q.Context().Done()
			cut <- struct{}{}
		}
	}, false).URL, sizedRoutes), "h2c: true", "h2c: true, limits: {response: 1000B}", 1))
	c := h2cClient(t)
	for _, test := range []struct {
		path   string
		status int
		err    string
	}{
		{"/tight/length/1000", http.StatusOK, ""},
		{"/tight/length/1001", http.StatusBadGateway, ""},
		{"/tight/chunks/1000", http.StatusOK, ""},
		{"/tight/chunks/1001", http.StatusOK, "stream error"},
	} {
		a := send(t, c, "GET", r.url+test.path, "")
		if a.status != test.status || (a.err != nil) != (test.err != "") || a.err != nil && !strings.Contains(a.err.Error(), test.err) {
			t.Errorf("%s: %d, %v; want %d and %q", test.path, a.status, a.err, test.status, test.err)
		}
		if _, _, over := sized(test.path); over {
			wantCut(t, cut)
		}
	}
}
