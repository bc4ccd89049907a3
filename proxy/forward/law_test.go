package forward

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"triage/proxy/reason"
)

// TestDialReason covers what cannot be brought about on a loopback: want of our own is not the endpoint's fault.
func TestDialReason(t *testing.T) {
	rows := []struct {
		errno syscall.Errno
		want  reason.Reason
	}{
		{syscall.EMFILE, reason.Internal},
		{syscall.ENFILE, reason.Internal},
		{syscall.EADDRNOTAVAIL, reason.Internal},
		{syscall.ENOBUFS, reason.Internal},
		{syscall.ENOMEM, reason.Internal},
		{syscall.ECONNREFUSED, reason.ConnectRefused},
		{syscall.ETIMEDOUT, reason.ConnectTimeout},
		{syscall.EHOSTUNREACH, reason.ConnectFailed},
		{syscall.ENETUNREACH, reason.ConnectFailed},
	}
	for _, row := range rows {
		err := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", row.errno)}
		if got := dialReason(fmt.Errorf("wrapped: %w", err)); got != row.want {
			t.Errorf("dialReason(%v) = %v, want %v", row.errno, got, row.want)
		}
	}
}

// TestBlameNeedsEvidence: an error without a sign of the endpoint on its connection is ours.
func TestBlameNeedsEvidence(t *testing.T) {
	rows := []struct {
		name string
		mark func(*conn)
		want reason.Reason
	}{
		{"nothing", func(*conn) {}, reason.Internal},
		{"bytes before there was a request", func(c *conn) { c.unasked.Store(true) }, reason.UpstreamGarbage},
		{"bytes", func(c *conn) { c.received.Store(true) }, reason.UpstreamGarbage},
		{"bytes, then the end", func(c *conn) { c.received.Store(true); c.ended.Store(true) }, reason.UpstreamReset},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r, err := http.NewRequest(http.MethodGet, "/", nil)
			if err != nil {
				t.Fatal(err)
			}
			a := newAttempt(nil, nil, r, Target{})
			a.conn = newConn(nil, nil)
			row.mark(a.conn)
			if got, _ := a.blame(errEnded); got != row.want {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}

// FuzzOutgoingHeader: nothing of the client's hop gets through, and nothing that proxies add is lost.
func FuzzOutgoingHeader(f *testing.F) {
	f.Add("close, X-Forwarded-For", "trailers", "websocket", "GET")
	f.Add("upgrade,,\t ,te", "gzip;q=0.5, TRAILERS", "h2c", "POST")
	f.Add("\xff, host", "", "websocket, websocket", "")
	f.Fuzz(func(t *testing.T, connection, te, upgrade, method string) {
		r := &http.Request{Method: method, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{
			"Connection": {connection}, "Te": {te}, "Upgrade": {upgrade}, "Keep-Alive": {"1"}, "Expect": {"100-continue"},
			"X-Forwarded-For": {"a"}, "X-Triage-Class": {"b"}, "Via": {"c"},
		}}
		websocket := asksForWebsocket(r)
		out := outgoingHeader(r, websocket)
		for _, name := range []string{"X-Forwarded-For", "X-Triage-Class", "Via"} {
			if len(out[name]) != 1 {
				t.Errorf("Connection: %q took %s away", connection, name)
			}
		}
		hop := fmt.Sprint(out["Connection"], out["Te"], out["Upgrade"], out["Keep-Alive"], out["Expect"])
		switch {
		case websocket && hop == "[Upgrade] [] [websocket] [] []" && method == http.MethodGet:
		case !websocket && (hop == "[] [] [] [] []" || hop == "[TE] [trailers] [] [] []"):
		default:
			t.Errorf("Connection %q, TE %q, Upgrade %q of %s became %s", connection, te, upgrade, method, hop)
		}
	})
}

// FuzzTrailers: no trailer that net/http would stumble over, or that an endpoint might take for ours.
func FuzzTrailers(f *testing.F) {
	for _, name := range []string{"X-Sum", "Content-Length", "bad name", "", "X-Forwarded-For", "a:b", "\r\n"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		name = http.CanonicalHeaderKey(name)
		passing := endToEndTrailer(http.Header{name: {"v"}})
		announced := announcedTrailer(http.Header{name: nil})
		if len(passing) != len(announced) {
			t.Errorf("%q: announced %d, passed %d", name, len(announced), len(passing))
		}
		if len(passing) > 0 && (strings.ContainsFunc(name, func(c rune) bool { return c <= 0x20 || c >= 0x7f || strings.ContainsRune(":,\"", c) }) || hopByHop(name) || added(name)) {
			t.Errorf("%q passed", name)
		}
	})
}
