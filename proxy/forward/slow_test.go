package forward_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"triage/proxy/forward"
	"triage/proxy/reason"
)

// A body that is there at once is not slow. One that is not is told of once, and its end waits for a word.
func TestSlowBody(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n"
	for _, row := range []struct {
		name        string
		first, rest string
		refuses     reason.Reason
		slow        bool
		status      string
	}{
		{"at once", head + "Content-Length: 3\r\n\r\nabc", "", reason.None, false, "200"},
		{"no body", head + "\r\n", "", reason.None, false, "200"},
		{"slow", head + "Content-Length: 3\r\n\r\na", "bc", reason.None, true, "200"},
		{"slow in chunks", head + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "2\r\nbc\r\n0\r\n\r\n", reason.None, true, "200"},
		{"refused in the end", head + "Content-Length: 3\r\n\r\na", "bc", reason.Limit, true, "503"},
		{"refused in the end, in chunks", head + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "2\r\nbc\r\n0\r\n\r\n", reason.Limit, true, "503"},
	} {
		t.Run(row.name, func(t *testing.T) {
			retried(t, func() error { // a body that is there at once may not be looked at in time
				var slow, whole atomic.Int32
				told := make(chan struct{}, 1)
				to := forward.Target{URL: endpoint(t, answerAll), Timeout: patience / 2,
					SlowBody:  func() { slow.Add(1); told <- struct{}{} },
					WholeBody: func(context.Context) reason.Reason { whole.Add(1); return row.refuses },
				}
				fr := newFront(t, forward.Settings{}, to)
				c := fr.client()
				c.say("%s", row.first)
				if row.slow {
					take(t, told)
					c.say("%s", row.rest)
				}
				answer, _ := c.rest()
				wantContains(t, "answer", answer, "HTTP/1.1 "+row.status+" ")
				wantReason(t, fr.outcome(), row.refuses)
				want := map[bool]int32{true: 1}[row.slow]
				if slow.Load() == want && whole.Load() == want {
					return nil
				}
				err := fmt.Errorf("told %d times that it is slow and %d times that it is whole, want %d", slow.Load(), whole.Load(), want)
				if row.slow {
					t.Fatal(err)
				}
				return err
			})
		})
	}
}

// An exchange that ends while the body's end waits for its word ends at once.
func TestSlowBodyEndsWithTheExchange(t *testing.T) {
	told := make(chan struct{}, 1)
	to := forward.Target{Timeout: patience / 2, SlowBody: func() { told <- struct{}{} },
		WholeBody: func(ctx context.Context) reason.Reason { <-ctx.Done(); return reason.ClientGone },
	}
	to.URL = endpoint(t, func(_ int, c *wire) {
		c.header()
		<-told
		time.Sleep(20 * time.Millisecond)
		c.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
	})
	begun := make(chan struct{})
	fr := newFront(t, forward.Settings{}, to, func(*http.Request, *forward.Target, *http.ResponseController) { close(begun) })
	c := fr.client()
	c.say("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 3\r\n\r\na")
	<-begun
	time.Sleep(60 * time.Millisecond)
	c.say("bc")
	answer, _ := c.rest()
	wantContains(t, "answer", answer, "HTTP/1.1 413 ", "no")
	wantReason(t, fr.outcome(), reason.None)
}

// A proxy that is about to end asks every client to close. A handshake has no room for that.
func TestUpgradeWhileClosing(t *testing.T) {
	closing := func(h http.Header) { h.Set("Connection", "close") }
	fr := newFront(t, forward.Settings{}, forward.Target{URL: endpoint(t, echo), Timeout: patience / 2, Header: closing})
	c := fr.client()
	c.say(handshake)
	header := c.header()
	wantContains(t, "answer", header, "HTTP/1.1 101 Switching Protocols\r\n", "Connection: Upgrade\r\n", "Upgrade: websocket\r\n")
	wantLacks(t, "answer", header, "close")
	c.Close()
	fr.outcome()
}
