package forward_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"triage/proxy/forward"
	"triage/proxy/reason"
)

func TestMain(m *testing.M) {
	// The transport reports nonsense on idle connections there, and nowhere else.
	log.SetOutput(io.Discard)
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("triage/proxy/http1.(*poller).run"))
}

// patience bounds every wait of a test; nothing here takes that long when the code is right.
const patience = 30 * time.Second

// retried calls try until it finds nothing wrong. It is for times of a fraction of a second: an endpoint, or a client, that is not run for that
// long breaks one, and nobody is to blame; who is to blame does so every time.
func retried(t *testing.T, try func() error) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// endpoint is a raw TCP server: every connection is handed to serve, with the number of connections before it.
func endpoint(t testing.TB, serve func(nth int, c *wire)) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	work.Go(func() {
		for nth := 0; ; nth++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			work.Go(func() {
				defer c.Close()
				serve(nth, newWire(c))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		work.Wait()
	})
	return &url.URL{Scheme: "http", Host: l.Addr().String()}
}

// wire is one raw connection with deadlines.
type wire struct {
	*net.TCPConn
	r *bufio.Reader
}

func newWire(c net.Conn) *wire {
	c.SetDeadline(time.Now().Add(patience))
	return &wire{c.(*net.TCPConn), bufio.NewReader(c)}
}

func (w *wire) say(format string, args ...any) { fmt.Fprintf(w, format, args...) }

// header reads up to the empty line.
func (w *wire) header() string {
	var b strings.Builder
	for {
		line, err := w.r.ReadString('\n')
		b.WriteString(line)
		if err != nil || line == "\r\n" {
			return b.String()
		}
	}
}

func (w *wire) read(n int) string {
	b := make([]byte, n)
	got, _ := io.ReadFull(w.r, b)
	return string(b[:got])
}

// rest reads to the end and gives the error it ended with, nil for an orderly end.
func (w *wire) rest() (string, error) {
	b, err := io.ReadAll(w.r)
	return string(b), err
}

// reset closes the connection with RST.
func (w *wire) reset() {
	w.SetLinger(0)
	w.Close()
}

// front is a server that does with Forward what its callers do.
type front struct {
	*httptest.Server
	t        testing.TB
	f        *forward.Forwarder
	outcomes chan forward.Outcome
	// still is how long a client of Carry may stand still.
	still time.Duration
}

type option func(*http.Request, *forward.Target, *http.ResponseController)

func newFront(t testing.TB, s forward.Settings, to forward.Target, options ...option) *front {
	t.Helper()
	fr := unstarted(t, s, to, options...)
	fr.Start()
	return fr
}

func unstarted(t testing.TB, s forward.Settings, to forward.Target, options ...option) *front {
	t.Helper()
	f, err := forward.New(s)
	if err != nil {
		t.Fatal(err)
	}
	fr := &front{t: t, f: f, outcomes: make(chan forward.Outcome, 64)}
	fr.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := to
		for _, o := range options {
			o(r, &to, http.NewResponseController(w))
		}
		out := f.Forward(w, r, to)
		if !out.Started && out.Reason != reason.ClientGone {
			w.WriteHeader(out.Reason.Status())
		}
		fr.outcomes <- out
		if out.Abort {
			panic(http.ErrAbortHandler)
		}
	}))
	fr.Config.DisableGeneralOptionsHandler = true
	fr.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(func() {
		f.CloseUpgraded()
		fr.CloseClientConnections()
		fr.Close()
		f.Close()
	})
	return fr
}

// outcome waits for the next outcome.
func (fr *front) outcome() forward.Outcome {
	fr.t.Helper()
	select {
	case out := <-fr.outcomes:
		return out
	case <-time.After(patience):
		fr.t.Fatal("no outcome: Forward hangs")
		return forward.Outcome{}
	}
}

// client opens a raw connection to the front.
func (fr *front) client() *wire {
	fr.t.Helper()
	c, err := net.Dial("tcp", fr.Listener.Addr().String())
	if err != nil {
		fr.t.Fatal(err)
	}
	fr.t.Cleanup(func() { c.Close() })
	return newWire(c)
}

// exchange sends a raw request and gives everything that comes back until the connection ends.
func (fr *front) exchange(request string) (string, error) {
	fr.t.Helper()
	c := fr.client()
	c.say("%s", request)
	return c.rest()
}

// take receives from a channel that an endpoint sends on.
func take[T any](t testing.TB, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatal("the endpoint was not reached")
	}
	return v
}

func wantReason(t testing.TB, out forward.Outcome, want reason.Reason) {
	t.Helper()
	if out.Reason != want {
		t.Errorf("reason = %v, want %v (err: %v)", out.Reason, want, out.Err)
	}
	if (out.Err != nil) != (want != reason.None) {
		t.Errorf("err = %v with reason %v", out.Err, want)
	}
}

func wantContains(t testing.TB, what, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %q:\n%q", what, want, got)
		}
	}
}

func wantLacks(t testing.TB, what, got string, unwanted ...string) {
	t.Helper()
	for _, bad := range unwanted {
		if strings.Contains(strings.ToLower(got), strings.ToLower(bad)) {
			t.Errorf("%s has %q:\n%q", what, bad, got)
		}
	}
}

const get = "GET /x HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"

func newReader(s string) *bufio.Reader { return bufio.NewReader(strings.NewReader(s)) }
