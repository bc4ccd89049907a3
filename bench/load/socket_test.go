package load_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"triage/bench/load"
)

// crowd is how many requests the test server holds until they are all in flight at once.
const crowd = 50

// crowdServer answers POST /checkout?step=1 to one crowd, then to a second one, and counts connections.
type crowdServer struct {
	*httptest.Server
	connections, open, requests atomic.Int64
}

func newCrowdServer(t *testing.T) *crowdServer {
	c := &crowdServer{}
	together := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "POST" || r.URL.RequestURI() != "/checkout?step=1" || r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("got %s %s %v, want POST /checkout?step=1 without Accept-Encoding", r.Method, r.URL, r.Header)
		}
		n := c.requests.Add(1)
		turn := together[(n-1)/crowd%2]
		if n%crowd == 0 {
			close(turn)
		}
		select {
		case <-turn:
		case <-r.Context().Done():
		}
		io.WriteString(w, "done")
	}))
	c.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			c.connections.Add(1)
			c.open.Add(1)
		case http.StateClosed:
			c.open.Add(-1)
		}
	}
	c.Start()
	return c
}

func TestOverRealSockets(t *testing.T) {
	defer goleak.VerifyNone(t)
	server := newCrowdServer(t)
	defer server.Close()

	s := steady(5000, 10*time.Millisecond, nil)
	s.Phases = append(s.Phases, s.Phases[0])
	s.Transport, s.Target = nil, server.URL+"/"
	s.Requests[0].Method, s.Requests[0].Path = "POST", "/checkout?step=1"
	s.Deadline = 30 * time.Second
	var g *load.Generator
	s.OnPhase = func(int, load.Phase) { // the second crowd comes when the first one's connections are free
		for g.Snapshot().InFlight > 0 {
			time.Sleep(time.Millisecond)
		}
	}
	g = newGenerator(t, s)
	if err := g.Run(t.Context()); err != nil {
		t.Fatalf("Run: %v", err)
	}
	got := g.Snapshot().Classes[0].Total
	if got.Served != 2*crowd || server.requests.Load() != 2*crowd {
		t.Errorf("got %+v and %d at the server, want %d", got.Counts, server.requests.Load(), 2*crowd)
	}
	if n := server.connections.Load(); n > crowd {
		t.Errorf("two crowds of %d took %d connections: want the second to use those of the first", crowd, n)
	}
	for begun := time.Now(); server.open.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("%d connections are still open after the run", server.open.Load())
		}
	}
	if got.P50 <= 0 || got.P99 < got.P50 || got.P99 >= s.Deadline {
		t.Errorf("latency: got p50 %v, p99 %v", got.P50, got.P99)
	}
}

func TestNobodyListens(t *testing.T) {
	defer goleak.VerifyNone(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := steady(500, 20*time.Millisecond, nil)
	s.Transport, s.Target, s.Deadline = nil, "http://"+listener.Addr().String(), 30*time.Second
	listener.Close()
	if got := run(t, s).Classes[0].Total; got.Failed != 10 || got.GaveUp != 0 {
		t.Errorf("got %+v, want 10 failed at once", got.Counts)
	}
}
