package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// listening is a listener with limits or timeouts of its own.
func listening(of string) string {
	return "listen: {address: '127.0.0.1:0', " + of + "}"
}

// One address cannot take all connections.
func TestConnectionsPerClient(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testConnectionsPerClient)
}

func testConnectionsPerClient(t *testing.T) {
	t.Parallel()
	r := start(t, conf(listening("limits: {connections_per_client: 3}"), backend(t, echo), everything))
	var kept []*wire
	for range 3 {
		w := dial(t, r.url)
		w.say("GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
		if a := w.answer(); a.status != http.StatusOK {
			t.Fatalf("one of three: %d, %v", a.status, a.err)
		}
		kept = append(kept, w)
	}
	for range 10 {
		if a := call(t, "GET", r.url+"/x"); a.err == nil {
			t.Errorf("a fourth connection was answered: %d", a.status)
		}
	}
	if got := metric(t, r.adminURL, "triage_connections_closed_total", "listener", "127.0.0.1:0", "cause", "per_client"); got != 10 {
		t.Errorf("%v connections refused, want 10", got)
	}
	for _, w := range kept {
		w.say("GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
		if a := w.answer(); a.status != http.StatusOK {
			t.Errorf("a connection from before: %d, %v; want 200", a.status, a.err)
		}
	}
}

// Slowloris by bytes that drip: in a header, in a body, in an answer that nobody takes. Each is cut, told apart, and costs no other client anything.
func TestDrippingClients(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testDrippingClients)
}

func testDrippingClients(t *testing.T) {
	t.Parallel()
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/endless" && r.URL.Path != "/long" {
			_, _ = io.Copy(io.Discard, r.Body)
			return
		}
		if r.URL.Path == "/long" { // the kernel moves such a body on the fast lane
			w.Header().Set("Content-Length", "1000000000000")
		}
		for piece := []byte(strings.Repeat("x", 64<<10)); r.Context().Err() == nil; {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	r := start(t, conf(listening("timeouts: {read_header: 1s, read: 300ms, write: 300ms}, limits: {body_rate: 10KiB}"), app, everything))
	drip := func(w *wire) {
		for range 4000 {
			if _, err := io.WriteString(w.Conn, "x"); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	silent := dial(t, r.url)
	header := dial(t, r.url)
	header.say("GET /x HTTP/1.1\r\nHost: h\r\nX-Slow: ")
	go drip(header)
	if a := header.answer(); a.status >= 200 && a.status < 300 {
		t.Errorf("a header that drips is answered with %d", a.status)
	}
	body := dial(t, r.url)
	body.say("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")
	go drip(body)
	if a := body.answer(); a.status != http.StatusRequestTimeout || !strings.Contains(a.body, `"reason":"client_timeout"`) {
		t.Errorf("a body that drips is answered with %d %q, %v; want 408 and client_timeout", a.status, a.body, a.err)
	}
	for _, path := range []string{"/endless", "/long"} {
		taker := dial(t, r.url)
		taker.say("GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path)
		if line := logged(t, r.access, path); line["reason"] != "client_stalled" || line["result"] != "void" {
			t.Errorf("%s: an answer that nobody takes: %v; want client_stalled, void", path, line)
		}
	}
	// It has a header's time, and not the minute and a half of one that was served before.
	if !silent.closed() {
		t.Error("a connection that says nothing is still open")
	}
	eventually(t, "the slow header and the one that does not come to be counted", func() bool {
		return metric(t, r.adminURL, "triage_connections_closed_total", "listener", "127.0.0.1:0", "cause", "slow_header") == 2
	})
	if s := statusOf(t, r.adminURL); s.Routes[0].Breaker != "closed" || s.Routes[0].Shed.Errors != 0 {
		t.Errorf("breaker %s, error ratio %v; want closed and 0", s.Routes[0].Breaker, s.Routes[0].Shed.Errors)
	}
	get(t, r.url+"/x")
}

// A crowd of connections that say nothing keeps nobody out.
func TestIdleCrowd(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testIdleCrowd)
}

func testIdleCrowd(t *testing.T) {
	t.Parallel()
	r := start(t, conf(listening("limits: {connections: 5}"), backend(t, echo), everything))
	for range 5 {
		w := dial(t, r.url)
		w.say("GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
		if a := w.answer(); a.status != http.StatusOK {
			t.Fatalf("before: %d, %v", a.status, a.err)
		}
	}
	if a := call(t, "GET", r.url+"/x"); a.status != http.StatusOK {
		t.Errorf("behind a crowd of idle connections: %d, %v; want 200", a.status, a.err)
	}
	closed := metric(t, r.adminURL, "triage_connections_closed_total", "listener", "127.0.0.1:0", "cause", "room")
	if closed < 1 || closed > 5 {
		t.Errorf("%v idle connections made room, want one or a few", closed)
	}
}

// Who waits may hold only so much memory, and what the lower classes send takes nothing from the higher ones.
func TestQueueBytes(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testQueueBytes)
}

func testQueueBytes(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	app := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("hold") {
			<-release
		}
	})
	defer close(release)
	text := strings.Replace(conf("access_log: {to: 'off'}", app, "  - {name: low, match: {path: /low}, upstream: app, priority: sheddable}\n"), "timeout: 5s", "queue: 1MiB, timeout: 1m", 1)
	r := start(t, text)
	for range 300 { // a baseline, and a small peak
		get(t, r.url+"/low")
	}
	eventually(t, "a ceiling", func() bool {
		get(t, r.url+"/low")
		return statusOf(t, r.adminURL).Routes[0].Shed.Ceiling > 0
	})
	// Requests with 40 KiB of header each: a room of 32 would hold two megabytes of them.
	for range 200 {
		w := dial(t, r.url)
		go w.say("GET /low?hold HTTP/1.1\r\nHost: h\r\nX-Big: %s\r\n\r\n", strings.Repeat("x", 40<<10))
	}
	eventually(t, "some to be refused", func() bool {
		return metric(t, r.adminURL, "triage_decisions_total", "reason", "limit") > 0
	})
	if most := statusOf(t, r.adminURL).Routes[0].Shed.Queued; most > 655_360/(64<<10) {
		t.Errorf("%d wait; want no more than fit", most)
	}
}

// A process that is short of memory says so.
func TestShortOfMemory(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testShortOfMemory)
}

func testShortOfMemory(t *testing.T) {
	t.Parallel()
	c := spawn(t, conf("", backend(t, echo), everything), "GOMEMLIMIT=16MiB")
	// A short process closes connections, so that the shortage may be over before it is looked for: the crowd renews itself.
	crowd, next := make([]*wire, 300), 0
	eventually(t, "a shortage of memory", func() bool {
		for range 20 {
			if w := crowd[next]; w != nil {
				w.Close()
			}
			crowd[next] = dial(t, c.url)
			crowd[next].say("GET /x HTTP/1.1\r\nHost: h\r\nX-Big: %s", strings.Repeat("x", 60<<10))
			next = (next + 1) % len(crowd)
		}
		return metric(t, c.adminURL, "triage_shortage_ratio", "of", "memory") > 0
	})
	for _, w := range crowd {
		if w != nil {
			w.Close()
		}
	}
	eventually(t, "it to be over", func() bool {
		get(t, c.url+"/x")
		return metric(t, c.adminURL, "triage_shortage_ratio", "of", "memory") < 1
	})
}
