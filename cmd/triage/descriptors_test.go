package main

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// With a full table of file descriptors requests fail, and are not taken for the backend's fault; the server lives, and serves
// again as soon as there are descriptors.
func TestFullDescriptorTable(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testFullDescriptorTable)
}

func testFullDescriptorTable(t *testing.T) {
	t.Parallel()
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // so that each request wants a descriptor of its own
		echo(w, r)
	})
	c := spawn(t, conf("", app, everything), descriptorsLimit+"=40")
	kept := dial(t, c.url)
	ask := func() answer {
		kept.say("GET /kept HTTP/1.1\r\nHost: h\r\n\r\n")
		return kept.answer()
	}
	if a := ask(); a.status != http.StatusOK {
		t.Fatalf("before: %d %q, %v", a.status, a.body, a.err)
	}
	var crowd []*wire
	refused := 0
	// The kept connection always has something to ask: for one that is idle for a second a full table is reason enough to close it.
	eventually(t, "the table to be full, and requests to fail", func() bool {
		if len(crowd) < 60 {
			crowd = append(crowd, dial(t, c.url), dial(t, c.url))
		}
		switch a := ask(); {
		case a.status == http.StatusInternalServerError && strings.Contains(a.body, `"reason":"internal"`):
			refused++
		case a.status != http.StatusOK:
			t.Fatalf("while the table is full: %d %q, %v; want 500 and internal", a.status, a.body, a.err)
		case len(crowd) < 200: // the process itself gives a descriptor back now and then
			crowd = append(crowd, dial(t, c.url))
		}
		return refused >= 20 && strings.Contains(c.stderr.String(), "cannot accept connections")
	})
	for _, w := range crowd {
		w.Close()
	}
	eventually(t, "requests to be served again", func() bool {
		ask()
		return call(t, "GET", c.url+"/x").status == http.StatusOK
	})
	if a := ask(); a.status != http.StatusOK {
		t.Errorf("on the kept connection: %d %q, %v; want 200", a.status, a.body, a.err)
	}
	s := statusOf(t, c.adminURL)
	if s.Routes[0].Breaker != "closed" || s.Upstreams[0].Endpoints[0].Breaker != "closed" || s.Routes[0].Shed.InFlight != 0 {
		t.Errorf("afterwards: breakers %s and %s, %d in flight; want closed and none", s.Routes[0].Breaker, s.Upstreams[0].Endpoints[0].Breaker, s.Routes[0].Shed.InFlight)
	}
	c.signal(syscall.SIGTERM)
	if code := c.code(); code != 0 {
		t.Errorf("exit %d, want 0", code)
	}
}
