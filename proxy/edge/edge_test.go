package edge_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"triage/proxy/edge"
)

func TestMain(m *testing.M) {
	// After refusing a header net/http sleeps for half a second, so that the client can read why.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// patience is how long a test waits for what should come at once.
const patience = 5 * time.Second

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve runs a listener until the test ends.
func serve(t testing.TB, s edge.Settings, h http.HandlerFunc) (*edge.Listener, *logged) {
	t.Helper()
	s.Address = "127.0.0.1:0"
	l, err := edge.Listen(s)
	if err != nil {
		t.Fatal(err)
	}
	out := &logged{}
	ended := make(chan error, 1)
	go func() { ended <- l.Serve(h, slog.New(slog.NewJSONHandler(out, nil))) }()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve = %v, want http.ErrServerClosed", err)
		}
		eventually(t, "all connections to be given back", func() bool { return l.Connections() == 0 })
	})
	return l, out
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// client is a raw connection.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func dial(t testing.TB, l *edge.Listener) *client {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{c, t, bufio.NewReader(c)}
}

// send writes and does not mind a connection that is closed already: what is read tells.
func (c *client) send(s string) { _, _ = io.WriteString(c, s) }

// response reads one response with its body.
func (c *client) response(method string) (*http.Response, string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("reading the response: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("reading the response's body: %v", err)
	}
	return resp, string(body)
}

// wantClosed fails unless the server closes the connection without another byte.
func (c *client) wantClosed() {
	c.t.Helper()
	rest, err := io.ReadAll(c.r)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatalf("the connection is still open")
	}
	if len(rest) > 0 {
		c.t.Errorf("before it was closed the connection said %q", rest)
	}
}

func get(t testing.TB, l *edge.Listener, target string) string {
	t.Helper()
	c := dial(t, l)
	c.send("GET " + target + " HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
	resp, body := c.response("GET")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s", target, resp.Status)
	}
	return body
}

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
		{"prefix", edge.Settings{Address: "127.0.0.1:0", TrustedProxies: make([]netip.Prefix, 1)}, "trusted proxy 0"},
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
	l, _ := serve(t, edge.Settings{MaxConnections: 2}, hello)
	ask := "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	var kept []*client
	for range 2 {
		c := dial(t, l)
		c.send(ask)
		c.response("GET")
		kept = append(kept, c)
	}
	third := dial(t, l)
	third.send(ask)
	eventually(t, "accepting to wait", func() bool { return l.Snapshot().Waited > 0 })
	if s := l.Snapshot(); s.Connections != 2 || s.Accepted != 2 || s.Limit != 2 {
		t.Errorf("at the limit: %+v, want 2 connections accepted", s)
	}
	kept[0].Close()
	if _, body := third.response("GET"); body != "hello" {
		t.Errorf("body %q, want the third to be served when the first has left", body)
	}
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

func TestUpdate(t *testing.T) {
	l, _ := serve(t, edge.Settings{}, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, edge.ClientOf(r).Addr)
	})
	ask := "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n"
	old := dial(t, l)
	old.send(ask)
	if _, body := old.response("GET"); body != "127.0.0.1" {
		t.Errorf("client %s before the update, want the peer", body)
	}
	next := edge.Settings{Address: "127.0.0.1:0", TrustedProxies: loopback, Idle: 60 * time.Millisecond, MaxHeader: 8 << 10}
	if err := l.Update(next); err != nil {
		t.Fatal(err)
	}
	fresh := dial(t, l)
	fresh.send(ask)
	if _, body := fresh.response("GET"); body != "192.0.2.7" {
		t.Errorf("client %s on a new connection, want what the peer, trusted now, says", body)
	}
	fresh.wantClosed()

	old.send(ask)
	if _, body := old.response("GET"); body != "192.0.2.7" {
		t.Errorf("client %s on the old connection, which is to live on with the new trust", body)
	}
	big := dial(t, l)
	big.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 10<<10) + "\r\n\r\n")
	if resp, _ := big.response("GET"); resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header over the new limit: %s, want 431", resp.Status)
	}
}

func TestUpdateRefuses(t *testing.T) {
	l, _ := serve(t, edge.Settings{MaxConnections: 7}, hello)
	for name, s := range map[string]edge.Settings{
		"address": {Address: "127.0.0.1:1"},
		"tls":     {Address: "127.0.0.1:0", TLS: pemFiles(t, t.TempDir(), "a.example")},
		"wrong":   {Address: "127.0.0.1:0", Read: -1},
	} {
		if err := l.Update(s); err == nil {
			t.Errorf("%s: Update accepted it", name)
		}
	}
	if got := l.Snapshot().Limit; got != 7 {
		t.Errorf("limit %d after refused updates, want 7", got)
	}
	get(t, l, "/")
}

func TestManyUpdatesKeepNoOldServers(t *testing.T) {
	l, _ := serve(t, edge.Settings{}, hello)
	for i := range 50 {
		if err := l.Update(edge.Settings{Address: "127.0.0.1:0", Idle: time.Duration(i+1) * time.Second}); err != nil {
			t.Fatal(err)
		}
		get(t, l, "/")
	}
	eventually(t, "old servers to go", func() bool {
		if err := l.Update(edge.Settings{Address: "127.0.0.1:0", Idle: time.Minute + time.Duration(time.Now().Nanosecond())}); err != nil {
			t.Fatal(err)
		}
		return edge.Servers(l) <= 2
	})
}
