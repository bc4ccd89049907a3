package main

import (
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// descriptors counts this process' open ones; -1 where it cannot be known.
func descriptors() int {
	open, err := os.ReadDir("/dev/fd")
	if err != nil {
		return -1
	}
	return len(open)
}

// Nothing that a client sends harms the server: each gets its answer or is cut, the next one is served, and goroutines,
// descriptors and requests in flight are in the end what they were. Not parallel: it counts.
func TestBadClients(t *testing.T) {
	onBothLanes(t, testBadClients)
}

// crew is more goroutines than the fast lane keeps for connections that wake up.
const crew = 80

// keepCrew makes the fast lane keep as many goroutines as it ever does, so that they are no leak afterwards: each of some connections that have waited has
// a request under way at the same time. In mode observe all of them come together, however long that takes.
func keepCrew(t *testing.T) {
	if !onFast(t) {
		return
	}
	var together sync.WaitGroup
	together.Add(crew)
	url := start(t, conf("mode: observe", backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/together" {
			together.Done()
			together.Wait()
		}
		w.Header().Set("Connection", "close")
	}), everything)).url
	var all []*wire
	for _, path := range []string{"/one", "/together"} {
		for i := range crew {
			if path == "/one" {
				all = append(all, dial(t, url))
			}
			all[i].say("GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path)
		}
		for _, w := range all {
			if a := w.answer(); a.status != http.StatusOK {
				t.Fatalf("%s: %d, %v", path, a.status, a.err)
			}
		}
	}
	for _, w := range all {
		w.Close()
	}
}

func testBadClients(t *testing.T) {
	keepCrew(t)
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // a second idle connection, kept for later, is no leak
		echo(w, r)
	})
	r := start(t, conf("listen: {address: '127.0.0.1:0', limits: {body: 1KiB}}", app, everything))
	// Only what is about time meets short timeouts, and only the one: on a busy machine anything else may need longer.
	hasty := start(t, conf("listen: {address: '127.0.0.1:0', timeouts: {read_header: 300ms, idle: 300ms}, limits: {body: 1KiB}}", app, everything))
	reading := start(t, conf("listen: {address: '127.0.0.1:0', timeouts: {read: 300ms}, limits: {body: 1KiB}}", app, everything))
	// served wants a plain request to be served. Where the time for a header is short a client may miss it, and try again.
	served := func(t *testing.T, url, path string) {
		t.Helper()
		eventually(t, path+" to be served", func() bool {
			a := call(t, "GET", url+path)
			if a.status != http.StatusOK && (a.status != 0 || url != hasty.url) {
				t.Fatalf("GET %s: %d %q, %v; want 200", path, a.status, a.body, a.err)
			}
			return a.status == http.StatusOK
		})
	}
	for _, s := range []*running{r, hasty, reading} {
		served(t, s.url, "/warm")
		logged(t, s.access, "/warm") // its goroutines are all there
	}
	goroutines, files := runtime.NumGoroutine(), descriptors()
	tests := []struct {
		name, send string
		status     int // 0: cut without an answer
		want       string
		fast       int // what the fast lane answers, if not the same
	}{
		{"chunk that is none", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n", 400, "bad_request", 0},
		{"chunk longer than it says", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", 400, "bad_request", 0},
		{"two lengths that differ", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, "", 0},
		{"negative length", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400, "", 0},
		{"unknown coding", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "", 0},
		{"no host", "GET /a HTTP/1.1\r\n\r\n", 400, "", 0},
		{"two hosts", "GET /a HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", 400, "", 0},
		{"space before the colon", "GET /a HTTP/1.1\r\nHost : h\r\n\r\n", 400, "", 0},
		{"folded line", "GET /a HTTP/1.1\r\nHost: h\r\nX-A: b\r\n c: d\r\n\r\n", 200, "", 400},
		{"not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "", 0},
		{"an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "", 0},
		{"megabyte of header", "GET /a HTTP/1.1\r\nHost: h\r\nX-Big: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", 431, "", 0},
		{"a thousand fields", "GET /a HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X-A: b\r\n", 1000) + "\r\n", 431, "", 0},
		{"CONNECT", "CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n", 405, "", 0},
		{"TRACE", "TRACE /a HTTP/1.1\r\nHost: h\r\n\r\n", 405, "", 0},
		{"encoded slash", "GET /a%2fb HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad_request", 0},
		{"loop", "GET /a HTTP/1.1\r\nHost: h\r\nVia: " + strings.Repeat("1.1 triage, ", 9) + "1.1 triage\r\n\r\n", 502, "loop", 0},
		{"body too large", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n" + strings.Repeat("x", 2000), 413, "body_too_large", 0},
		{"body too large, in chunks", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + strings.Repeat("x", 2000) + "\r\n0\r\n\r\n", 413, "body_too_large", 0},
		{"slow header", "GET /a HTTP/1.1\r\nHost: h\r\n", 0, "", 0},
		{"slow body", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc", 408, "client_timeout", 0},
		{"silence", "", 0, "", 0},
		{"absolute form", "GET http://shop.example/a HTTP/1.1\r\nHost: shop.example\r\n\r\n", 200, `"Host":"shop.example"`, 0},
		{"another authority", "GET http://shop.example/a HTTP/1.1\r\nHost: other\r\n\r\n", 400, "", 0},
		{"h2c", "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", 200, `"URI":"/a"`, 0},
		{"both lengths", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400, "", 0},
		{"HTTP/1.0", "GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", 200, `"URI":"/a"`, 0},
	}
	t.Run("each", func(t *testing.T) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				if test.fast != 0 && onFast(t) {
					test.status, test.want = test.fast, "Bad Request"
				}
				url := r.url
				switch test.status {
				case 0:
					url = hasty.url
				case http.StatusRequestTimeout:
					url = reading.url
				}
				w := dial(t, url)
				go w.say("%s", test.send)
				a := w.answer()
				if a.status != test.status || !strings.Contains(a.body, test.want) {
					t.Errorf("answered %d %q (%v), want %d with %q", a.status, a.body, a.err, test.status, test.want)
				}
				if test.status != 200 && test.status != 502 && !w.closed() {
					t.Errorf("the connection goes on after a request like that")
				}
				w.Close()
				served(t, url, "/next")
			})
		}
	})
	eventually(t, "everything to be given back", func() bool {
		http.DefaultClient.CloseIdleConnections()
		s := statusOf(t, r.adminURL)
		return runtime.NumGoroutine() <= goroutines && descriptors() <= files && s.Routes[0].Shed.InFlight == 0 && s.Upstreams[0].Endpoints[0].InFlight == 0
	})
	if line := logged(t, r.access, "/a"); line["fault"] == "backend" {
		t.Errorf("the log blames the backend: %v", line)
	}
}

// A client may leave at any byte of its request, or of its answer.
func TestClientsThatLeave(t *testing.T) {
	onBothLanes(t, testClientsThatLeave)
}

func testClientsThatLeave(t *testing.T) {
	keepCrew(t)
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // as above
		_, _ = io.ReadAll(r.Body)
		for range 20 {
			_, _ = io.WriteString(w, strings.Repeat("x", 1000))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		}
	})
	r := start(t, conf("", app, everything))
	get(t, r.url+"/warm")
	logged(t, r.access, "/warm") // its goroutines are all there
	goroutines, files := runtime.NumGoroutine(), descriptors()
	const request = "POST /leave HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\n01234567890123456789"
	for n := 0; n <= len(request); n += 3 {
		w := dial(t, r.url)
		w.say("%s", request[:n])
		if n%2 == 0 {
			w.reset()
			continue
		}
		_ = w.Conn.Close()
	}
	for n := range 10 {
		w := dial(t, r.url)
		w.say("%s", request)
		_, _ = io.ReadFull(w.r, make([]byte, 1+n*1500))
		w.reset()
	}
	eventually(t, "everything to be given back", func() bool {
		s := statusOf(t, r.adminURL)
		return runtime.NumGoroutine() <= goroutines && descriptors() <= files && s.Routes[0].Shed.InFlight == 0 && s.Upstreams[0].Endpoints[0].InFlight == 0
	})
	if got := metric(t, r.adminURL, "triage_requests_total", "result", "failed"); got != 0 {
		t.Errorf("%v requests count as failed, want none", got)
	}
	if s := statusOf(t, r.adminURL); s.Routes[0].Breaker != "closed" || s.Routes[0].Shed.Errors != 0 {
		t.Errorf("breaker %s, error ratio %v; want closed and 0", s.Routes[0].Breaker, s.Routes[0].Shed.Errors)
	}
	if got := len(get(t, r.url+"/whole")); got != 20_000 {
		t.Errorf("afterwards %d bytes, want 20000", got)
	}
}
