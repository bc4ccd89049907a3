package edge_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"triage/proxy/edge"
)

func TestMain(m *testing.M) {
	// After refusing a header net/http sleeps for half a second, so that the client can read why.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"),
		// They are the process's.
		goleak.IgnoreAnyFunction("triage/proxy/http1.(*poller).run"), goleak.IgnoreAnyFunction("triage/proxy/edge.(*crew).work"))
}

// patience is how long a test waits for what should come at once.
const patience = 30 * time.Second

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
