package edge_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"triage/proxy/edge"
	"triage/proxy/shortage"
)

// One client cannot take all connections; whoever brings the connections of many can.
func TestConnectionsPerClient(t *testing.T) {
	l, out := serve(t, edge.Settings{PerClient: 3}, hello)
	ask := func(c *client) *http.Response {
		c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		response, _ := c.response("GET")
		return response
	}
	kept := []*client{dial(t, l), dial(t, l), dial(t, l)}
	for _, c := range kept {
		ask(c)
	}
	for range 5 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			continue // the reset was there before it had looked
		}
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if b, _ := io.ReadAll(c); len(b) > 0 {
			t.Errorf("a fourth connection was answered: %q", b)
		}
		c.Close()
	}
	if s := l.Snapshot(); s.TooMany != 5 || s.Connections != 3 {
		t.Errorf("%d refused, %d open; want 5 and 3", s.TooMany, s.Connections)
	}
	if !strings.Contains(out.String(), "name it in trusted_proxies") {
		t.Errorf("the log does not say what to do about it: %s", out)
	}
	kept[0].Close()
	eventually(t, "its place to be free", func() bool { return l.Connections() == 2 })
	ask(dial(t, l))

	if err := l.Update(edge.Settings{Address: "127.0.0.1:0", PerClient: 3, TrustedProxies: loopback}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		ask(dial(t, l))
	}
}

// A crowd of idle connections keeps nobody out: those that have been idle for the longest make room.
func TestIdleCrowdMakesRoom(t *testing.T) {
	l, _ := serve(t, edge.Settings{MaxConnections: 4}, hello)
	var crowd []*client
	for range 4 {
		c := dial(t, l)
		c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		c.response("GET")
		crowd = append(crowd, c)
		eventually(t, "it to be idle", func() bool { return l.Idle() == len(crowd) })
		l.Age(time.Second)
	}
	get(t, l, "/")
	crowd[0].wantClosed()
	if s := l.Snapshot(); s.ForRoom != 1 {
		t.Errorf("%d made room, want 1", s.ForRoom)
	}
	for _, c := range crowd[1:] {
		c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		c.response("GET")
	}
}

// While the process is short of something idle connections, and headers that do not come, have less time.
func TestShortage(t *testing.T) {
	short := &shortage.Watch{}
	inside, release := make(chan struct{}), make(chan struct{})
	l, _ := serve(t, edge.Settings{Shortage: short, ReadHeader: time.Hour, Idle: time.Hour}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/busy" {
			close(inside)
			<-release
		}
		hello(w, r)
	})
	idle, slow, busy := dial(t, l), dial(t, l), dial(t, l)
	idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	idle.response("GET")
	slow.send("GET / HTTP/1.1\r\nHost: a\r\nX-Slow")
	busy.send("GET /busy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") // or it would be idle afterwards
	<-inside
	eventually(t, "all three to be there", func() bool { return l.Idle() == 1 && l.Heading() == 1 && l.Connections() == 3 })
	l.Age(10 * time.Minute)
	short.Set(shortage.Snapshot{Descriptors: 1})
	idle.wantClosed()
	slow.wantClosed()
	close(release)
	if response, _ := busy.response("GET"); response.StatusCode != http.StatusOK {
		t.Errorf("a request under way: %s, want 200", response.Status)
	}
	if s := l.Snapshot(); s.ForShortage != 1 || s.SlowHeader != 1 {
		t.Errorf("%d idle and %d slow ones closed, want one of each", s.ForShortage, s.SlowHeader)
	}
	get(t, l, "/") // new ones come in all the same, a little later
}

// Bytes that come one by one do not keep a body alive, ones that come at the rate do.
func TestDrippingBodyIsCut(t *testing.T) {
	ended := make(chan error, 1)
	l, _ := serve(t, edge.Settings{Read: 300 * time.Millisecond, BodyRate: 10_000}, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		ended <- err
	})
	c := dial(t, l)
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
	for cut := false; !cut; {
		select {
		case err := <-ended:
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the body ended with %v, want a deadline", err)
			}
			cut = true
		case <-time.After(20 * time.Millisecond):
			c.send("x")
		}
	}
}

func TestSteadyBodyIsNotCut(t *testing.T) {
	ended := make(chan error, 1)
	l, _ := serve(t, edge.Settings{Read: patience, BodyRate: 1000}, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		ended <- err
	})
	c := dial(t, l)
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n")
	for range 50 {
		c.send(strings.Repeat("x", 1000))
		time.Sleep(step / 5)
	}
	if err := <-ended; err != nil {
		t.Errorf("the body ended with %v", err)
	}
}
