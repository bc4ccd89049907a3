package edge_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"triage/proxy/edge"
)

func TestListenRefuses(t *testing.T) {
	taken, _ := serve(t, edge.Settings{}, unreached(t))
	dir := t.TempDir()
	tests := []struct {
		name     string
		settings edge.Settings
		want     string
	}{
		{"port in use", edge.Settings{Address: taken.Addr().String()}, "address already in use; want a port that nothing else listens on"},
		{"no port", edge.Settings{Address: "127.0.0.1"}, "want host:port"},
		{"no address", edge.Settings{}, "want host:port"},
		{"port name", edge.Settings{Address: "127.0.0.1:http"}, "is not a number"},
		{"great port", edge.Settings{Address: "127.0.0.1:65536"}, "is not a number from 0 to 65535"},
		{"not ours", edge.Settings{Address: "192.0.2.1:0"}, "want an address of this machine"},
		{"no certificate", edge.Settings{Address: "127.0.0.1:0", TLS: &edge.TLSSettings{}}, "want both"},
		{"no such certificate", edge.Settings{Address: "127.0.0.1:0", TLS: &edge.TLSSettings{CertFile: dir + "/c", KeyFile: dir + "/k"}}, "no such file"},
		{"connections", edge.Settings{Address: "127.0.0.1:0", MaxConnections: -1}, "max connections is -1"},
		{"header", edge.Settings{Address: "127.0.0.1:0", MaxHeader: 100}, "max header is 100 bytes; want 8192"},
		{"timeout", edge.Settings{Address: "127.0.0.1:0", Idle: -1}, "idle timeout is -1ns"},
		{"prefix", edge.Settings{Address: "127.0.0.1:0", TrustedProxies: make([]netip.Prefix, 1)}, "network 0 of trusted peers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := edge.Listen(tt.settings)
			if err == nil {
				l.Close()
				t.Fatal("Listen accepted it")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Listen = %q, want it to say %q", err, tt.want)
			}
		})
	}
}

// unreached is a handler that must not be reached.
func unreached(t testing.TB) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the handler was reached by %s %s", r.Method, r.RequestURI)
	}
}

func hello(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }

func TestServeOnce(t *testing.T) {
	l, _ := serve(t, edge.Settings{}, hello)
	if got := get(t, l, "/"); got != "hello" {
		t.Errorf("body %q, want hello", got)
	}
	if err := l.Serve(http.HandlerFunc(hello), slog.Default()); err == nil || errors.Is(err, http.ErrServerClosed) {
		t.Errorf("a second Serve = %v, want an error that says so", err)
	}
}

func TestServeAfterClose(t *testing.T) {
	l, err := edge.Listen(edge.Settings{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Serve(http.HandlerFunc(hello), slog.Default()); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve = %v, want http.ErrServerClosed", err)
	}
}

func TestShutdownLetsRequestsEnd(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	l, _ := serve(t, edge.Settings{}, func(w http.ResponseWriter, _ *http.Request) {
		close(inside)
		<-leave
		io.WriteString(w, "late")
	})
	c := dial(t, l)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-inside
	down := make(chan error, 1)
	go func() { down <- l.Shutdown(context.Background()) }()
	eventually(t, "the listener to stop accepting", func() bool {
		probe, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			probe.Close()
		}
		return err != nil
	})
	close(leave)
	if _, body := c.response("GET"); body != "late" {
		t.Errorf("body %q, want the request under way to be answered", body)
	}
	if err := <-down; err != nil {
		t.Errorf("Shutdown = %v", err)
	}
}

// A client that is about to use its kept connection when the shutdown begins gets its answer, and is told to close. Here it may take its time
// for that.
func TestShutdownAnswersKeptConnections(t *testing.T) {
	l, _ := serve(t, edge.Settings{}, hello)
	c := dial(t, l)
	ask := "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	c.send(ask)
	if resp, _ := c.response("GET"); resp.Close {
		t.Error("told to close before the shutdown")
	}
	down := make(chan error, 1)
	go func() { down <- l.Leave(context.Background(), patience) }()
	eventually(t, "the listener to stop accepting", func() bool {
		probe, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			probe.Close()
		}
		return err != nil
	})
	c.send(ask)
	resp, body := c.response("GET")
	if body != "hello" || !resp.Close {
		t.Errorf("body %q, close %v; want hello and Connection: close", body, resp.Close)
	}
	if err := <-down; err != nil {
		t.Errorf("Leave = %v", err)
	}
}

func TestShutdownGivesUp(t *testing.T) {
	inside := make(chan struct{})
	l, _ := serve(t, edge.Settings{}, func(_ http.ResponseWriter, r *http.Request) {
		close(inside)
		<-r.Context().Done()
	})
	c := dial(t, l)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-inside
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := l.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown = %v, want the context's error", err)
	}
}

func TestMaxConnections(t *testing.T) {
	// Those that stay are not idle, so that none of them has to make room.
	inside := make(chan struct{})
	l, _ := serve(t, edge.Settings{MaxConnections: 2}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stay" {
			inside <- struct{}{}
			<-r.Context().Done()
		}
		hello(w, r)
	})
	stay := func(c *client) *client {
		c.send("GET /stay HTTP/1.1\r\nHost: a\r\n\r\n")
		<-inside
		return c
	}
	ask := "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	leaves, _ := stay(dial(t, l)), stay(dial(t, l))
	third := dial(t, l)
	third.send(ask)
	eventually(t, "accepting to wait", func() bool { return l.Snapshot().Waited > 0 })
	if s := l.Snapshot(); s.Connections != 2 || s.Accepted != 2 || s.Limit != 2 {
		t.Errorf("at the limit: %+v, want 2 connections accepted", s)
	}
	leaves.Close()
	if _, body := third.response("GET"); body != "hello" {
		t.Errorf("body %q, want the third to be served when the first has left", body)
	}
	stay(third)
	fourth := dial(t, l)
	fourth.send(ask)
	s := edge.Settings{Address: "127.0.0.1:0", MaxConnections: 3}
	if err := l.Update(s); err != nil {
		t.Fatal(err)
	}
	if _, body := fourth.response("GET"); body != "hello" {
		t.Errorf("body %q, want the fourth to be served when the limit is raised", body)
	}
	if got := l.Connections(); got != 3 {
		t.Errorf("%d connections, want 3", got)
	}
}

func TestPanicIsLoggedAndOthersAreServed(t *testing.T) {
	l, out := serve(t, edge.Settings{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("oh no")
		}
		hello(w, r)
	})
	c := dial(t, l)
	c.send("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")
	c.wantClosed()
	get(t, l, "/")
	eventually(t, "the panic in the log", func() bool { return strings.Contains(out.String(), "oh no") })
}
