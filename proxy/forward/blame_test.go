package forward_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"triage/proxy/forward"
	"triage/proxy/reason"
)

// TestBlameEndpoint has one row for every way in which an endpoint fails; the client behaves.
func TestBlameEndpoint(t *testing.T) {
	hang := func(c *wire) { c.rest() }
	rows := []struct {
		name    string
		serve   func(*wire)
		want    reason.Reason
		status  int
		started bool
	}{
		{"silence", hang, reason.UpstreamTimeout, 0, false},
		{"silence within the header", func(c *wire) { c.header(); c.say("HTTP/1.1 200 OK\r\nA: "); hang(c) }, reason.UpstreamTimeout, 0, false},
		{"close before header", func(c *wire) { c.header() }, reason.UpstreamReset, 0, false},
		{"reset before header", func(c *wire) { c.header(); c.reset() }, reason.UpstreamReset, 0, false},
		{"close within status line", func(c *wire) { c.header(); c.say("HTTP/1.1 2") }, reason.UpstreamReset, 0, false},
		{"close within header", func(c *wire) { c.header(); c.say("HTTP/1.1 200 OK\r\nA: b\r\n") }, reason.UpstreamReset, 0, false},
		{"garbage status line", func(c *wire) { c.header(); c.say("SSH-2.0-OpenSSH\r\n\r\n"); hang(c) }, reason.UpstreamGarbage, 0, false},
		{"garbage status code", func(c *wire) { c.header(); c.say("HTTP/1.1 abc OK\r\n\r\n") }, reason.UpstreamGarbage, 0, false},
		{"garbage header", func(c *wire) { c.header(); c.say("HTTP/1.1 200 OK\r\nno colon\r\n\r\n") }, reason.UpstreamGarbage, 0, false},
		{"two lengths", func(c *wire) {
			c.header()
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")
		}, reason.UpstreamGarbage, 0, false},
		{"header too large", func(c *wire) {
			c.header()
			c.say("HTTP/1.1 200 OK\r\nA: %s\r\n\r\n", strings.Repeat("a", 1<<20))
			hang(c)
		}, reason.UpstreamGarbage, 0, false},
		{"1xx without end", func(c *wire) {
			c.header()
			for range 1000 {
				c.say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
			}
			hang(c)
		}, reason.UpstreamGarbage, 0, false},
		{"101 that nobody asked for", func(c *wire) {
			c.header()
			c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			hang(c)
		}, reason.UpstreamGarbage, 101, false},
		{"short body", func(c *wire) { c.header(); c.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc") }, reason.UpstreamIncomplete, 200, true},
		{"reset within body", func(c *wire) {
			c.header()
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
			c.reset()
		}, reason.UpstreamIncomplete, 200, true},
		{"body stands still", func(c *wire) { c.header(); c.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"); hang(c) }, reason.UpstreamIncomplete, 200, true},
		{"body never begins", func(c *wire) { c.header(); c.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"); hang(c) }, reason.UpstreamIncomplete, 200, true},
		{"chunks end early", func(c *wire) {
			c.header()
			c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
		}, reason.UpstreamIncomplete, 200, true},
		{"trailer ends early", func(c *wire) {
			c.header()
			c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n")
		}, reason.UpstreamIncomplete, 200, true},
		{"bad chunk", func(c *wire) {
			c.header()
			c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n")
			hang(c)
		}, reason.UpstreamGarbage, 200, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			u := endpoint(t, func(_ int, c *wire) { row.serve(c) })
			// Short only where the time itself is the failure: on a busy machine anything else takes its time too.
			timeout, idle := patience/2, patience/2
			switch row.want {
			case reason.UpstreamTimeout:
				timeout = 100 * time.Millisecond
			case reason.UpstreamIncomplete:
				idle = 50 * time.Millisecond
			}
			fr := newFront(t, forward.Settings{IdleTimeout: idle}, forward.Target{URL: u, Timeout: timeout})
			answer, err := fr.exchange(get)
			out := fr.outcome()
			wantReason(t, out, row.want)
			if out.Status != row.status || out.Started != row.started || out.Abort != row.started || !out.Sent {
				t.Errorf("got status %d, started %v, abort %v, sent %v; want %d, %v, %[2]v, true", out.Status, out.Started, out.Abort, out.Sent, row.status, row.started)
			}
			if !row.started {
				wantContains(t, "answer", answer, http.StatusText(row.want.Status()))
				return
			}
			res, parseErr := http.ReadResponse(newReader(answer), nil)
			if parseErr != nil {
				return // The header had not left yet: cut is cut.
			}
			if _, bodyErr := io.ReadAll(res.Body); bodyErr == nil && err == nil {
				t.Errorf("the client takes a part for the whole: %q", answer)
			}
		})
	}
}

// TestSpeaksUnasked: what comes before there was a request is nonsense, however well formed.
func TestSpeaksUnasked(t *testing.T) {
	u := endpoint(t, func(_ int, c *wire) { c.say("SSH-2.0-OpenSSH_9.2\r\n"); c.rest() })
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u, Timeout: patience / 2})
	fr.exchange(get)
	wantReason(t, fr.outcome(), reason.UpstreamGarbage)
}

// TestHeaderAfterSilence: an endpoint that is slow, but not too slow, is not blamed; the next one is not hurt by it.
func TestHeaderAfterSilence(t *testing.T) {
	u := endpoint(t, func(_ int, c *wire) {
		for strings.Contains(c.header(), "HTTP/1.1") {
			time.Sleep(8 * time.Millisecond)
			c.say(empty)
		}
	})
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u, Timeout: patience / 2})
	c := fr.client()
	for range 3 {
		c.say("GET / HTTP/1.1\r\nHost: s\r\n\r\n")
		c.header()
		out := fr.outcome()
		wantReason(t, out, reason.None)
		if out.FirstByte < 8*time.Millisecond || out.ClientWait != 0 {
			t.Errorf("first byte after %v, client wait %v", out.FirstByte, out.ClientWait)
		}
	}
}

func TestBlameConnecting(t *testing.T) {
	closed := endpoint(t, func(int, *wire) {})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := l.Addr().String()
	l.Close()
	stranger := httptest.NewTLSServer(http.NotFoundHandler())
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(stranger.Close)
	silent := endpoint(t, func(_ int, c *wire) { c.rest() })
	// Short only where the time itself is the failure; who is silent in the handshake has to be connected within it.
	rows := []struct {
		name, url string
		within    time.Duration
		want      reason.Reason
	}{
		{"refused", "http://" + refusing, patience / 2, reason.ConnectRefused},
		{"no such name", "http://no..such:80", patience / 2, reason.DNS},
		{"full backlog", "http://" + fullListener(t), 100 * time.Millisecond, reason.ConnectTimeout},
		{"network unreachable", "http://255.255.255.255:9", patience / 2, reason.ConnectFailed},
		{"closes in the handshake", "https://" + closed.Host, patience / 2, reason.TLS},
		{"silent in the handshake", "https://" + silent.Host, 600 * time.Millisecond, reason.TLS},
		{"certificate of a stranger", stranger.URL, patience / 2, reason.TLS},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			fr := newFront(t, forward.Settings{ConnectTimeout: row.within}, forward.Target{URL: parseURL(t, row.url)})
			if _, err := fr.exchange("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab"); err != nil {
				t.Errorf("reading the answer: %v", err)
			}
			out := fr.outcome()
			wantReason(t, out, row.want)
			if out.Sent || out.Started || out.BytesIn != 0 {
				t.Errorf("got sent %v, started %v, %d bytes in; want none of it", out.Sent, out.Started, out.BytesIn)
			}
		})
	}
}

// TestTimeoutWhileConnecting: the exchange's timeout may be shorter than that for connecting.
func TestTimeoutWhileConnecting(t *testing.T) {
	fr := newFront(t, forward.Settings{ConnectTimeout: 200 * time.Millisecond}, forward.Target{URL: parseURL(t, "http://"+fullListener(t)), Timeout: 20 * time.Millisecond})
	fr.exchange(get)
	wantReason(t, fr.outcome(), reason.ConnectTimeout)
}

func TestVerifiedTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto+" "+r.Host) }))
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	fr := newFront(t, forward.Settings{TLS: &tls.Config{RootCAs: roots}}, forward.Target{URL: parseURL(t, s.URL)})
	answer, _ := fr.exchange(get)
	wantContains(t, "answer", answer, "200 OK", "HTTP/1.1 shop")
	wantReason(t, fr.outcome(), reason.None)
}

// TestTimeoutEndsAtTheHeader: a body may take longer than the timeout.
func TestTimeoutEndsAtTheHeader(t *testing.T) {
	u := endpoint(t, func(_ int, c *wire) {
		c.header()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
		for range 9 {
			time.Sleep(35 * time.Millisecond)
			c.say("x")
		}
		c.rest()
	})
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u, Timeout: 250 * time.Millisecond})
	retried(t, func() error {
		answer, _ := fr.exchange(get)
		if out := fr.outcome(); out.Reason != reason.None || !strings.Contains(answer, "\r\n\r\nxxxxxxxxx") {
			return fmt.Errorf("%v (%v), and the client has %q; want all of the body", out.Reason, out.Err, answer)
		}
		return nil
	})
}

// fullListener gives an address where connections are neither taken nor refused.
func fullListener(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(fd) // Linux alone takes it with the type
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}).String()
	for range 8 {
		c, err := net.DialTimeout("tcp", address, 50*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("the backlog does not fill")
	return ""
}

func parseURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
