package forward_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"triage/proxy/forward"
	"triage/proxy/reason"
)

const chunkedPost = "POST /x HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"

// answerAll is an endpoint that reads every request to its end and answers 200 with what it got.
func answerAll(_ int, c *wire) {
	for {
		req, err := http.ReadRequest(c.r)
		if err != nil {
			return
		}
		var b strings.Builder
		if err := req.Write(&b); err != nil {
			return
		}
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}
}

// TestBlameClient has one row for every way in which a client fails; the endpoint would answer a whole request.
func TestBlameClient(t *testing.T) {
	stalls := func(r *http.Request, _ *forward.Target, rc *http.ResponseController) {
		rc.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
	}
	rows := []struct {
		name   string
		limit  int64
		client func(*wire)
		option option
		want   reason.Reason
		sent   bool
	}{
		{"bad chunk", 0, func(c *wire) { c.say(chunkedPost + "3\r\nabc\r\nxyz\r\n") }, nil, reason.BadRequest, true},
		{"bare line feed after a chunk size", 0, func(c *wire) { c.say(chunkedPost + "3\nabc\r\n0\r\n\r\n") }, nil, reason.BadRequest, true},
		{"chunk size overflows", 0, func(c *wire) { c.say(chunkedPost + "fffffffffffffffff\r\nabc\r\n") }, nil, reason.BadRequest, true},
		{"hangs up while uploading", 0, func(c *wire) { c.say("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 9\r\n\r\nabc"); c.Close() }, nil, reason.ClientGone, true},
		{"hangs up between chunks", 0, func(c *wire) { c.say(chunkedPost + "3\r\nabc\r\n"); c.Close() }, nil, reason.ClientGone, true},
		{"resets while uploading", 0, func(c *wire) { c.say("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 9\r\n\r\nabc"); c.reset() }, nil, reason.ClientGone, true},
		{"stalls while uploading", 0, func(c *wire) { c.say("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 9\r\n\r\nabc") }, stalls, reason.ClientTimeout, true},
		{"too large by Content-Length", 8, func(c *wire) { c.say("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 9\r\n\r\nabcdefghi") }, nil, reason.BodyTooLarge, false},
		{"too large by chunks", 8, func(c *wire) { c.say(chunkedPost + "6\r\nabcdef\r\n3\r\nghi\r\n0\r\n\r\n") }, nil, reason.BodyTooLarge, true},
		{"just small enough by chunks", 9, func(c *wire) { c.say(chunkedPost + "6\r\nabcdef\r\n3\r\nghi\r\n0\r\n\r\n") }, nil, reason.None, true},
		{"asks for a tunnel", 0, func(c *wire) { c.say("CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\n\r\n") }, nil, reason.UpgradeRefused, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			u := endpoint(t, answerAll)
			var options []option
			if row.option != nil {
				options = append(options, row.option)
			}
			fr := newFront(t, forward.Settings{}, forward.Target{URL: u, Timeout: patience / 2, BodyLimit: row.limit}, options...)
			c := fr.client()
			row.client(c)
			out := fr.outcome()
			wantReason(t, out, row.want)
			if out.Sent != row.sent {
				t.Errorf("sent = %v, want %v", out.Sent, row.sent)
			}
			if row.want == reason.None || row.want == reason.ClientGone {
				return
			}
			res, err := http.ReadResponse(c.r, nil)
			if err != nil || res.StatusCode != row.want.Status() {
				t.Errorf("answer = %v, %v; want %d", res, err, row.want.Status())
			}
		})
	}
}

// TestClientHangsUp: the request to the endpoint is given up at once.
func TestClientHangsUp(t *testing.T) {
	rows := []struct{ name, answer, client string }{
		{"before the header", "", get},
		{"within a sized body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", get},
		{"within chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", get},
		{"after its body, before the header", "", "POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 3\r\n\r\nabc"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			asked, gone := make(chan bool), make(chan error, 1)
			u := endpoint(t, func(_ int, c *wire) {
				if h := c.header(); strings.HasPrefix(h, "POST") {
					c.read(3)
				}
				c.say("%s", row.answer)
				asked <- true
				_, err := c.rest()
				gone <- err
			})
			fr := newFront(t, forward.Settings{}, forward.Target{URL: u, Timeout: patience / 2})
			c := fr.client()
			c.say("%s", row.client)
			<-asked
			if row.answer != "" {
				c.header()
				c.read(3)
			}
			c.Close()
			out := fr.outcome()
			wantReason(t, out, reason.ClientGone)
			<-gone
			if out.Abort != out.Started || out.Started != (row.answer != "") {
				t.Errorf("abort %v, started %v with answer %q", out.Abort, out.Started, row.answer)
			}
		})
	}
}

// TestSlowClientIsNotTheEndpointsFault: the clock stands still while the client's body is awaited.
func TestSlowClientIsNotTheEndpointsFault(t *testing.T) {
	u := endpoint(t, answerAll)
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u, Timeout: 250 * time.Millisecond})
	retried(t, func() error {
		c := fr.client()
		c.say("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 12\r\n\r\n")
		for range 12 {
			time.Sleep(25 * time.Millisecond)
			c.say("x")
		}
		out := fr.outcome()
		if out.Reason != reason.None || out.ClientWait < 250*time.Millisecond || out.FirstByte-out.ClientWait > 250*time.Millisecond {
			return fmt.Errorf("%v (%v), client wait %v of %v; want no reason, and nearly all", out.Reason, out.Err, out.ClientWait, out.FirstByte)
		}
		return nil
	})
}

// TestEndpointDiesWhileClientStalls: what the endpoint does is noticed while a read from the client is under way.
func TestEndpointDiesWhileClientStalls(t *testing.T) {
	rows := []struct {
		name  string
		serve func(*wire)
		want  reason.Reason
	}{
		{"resets", func(c *wire) { c.header(); c.read(3); c.reset() }, reason.UpstreamReset},
		{"closes", func(c *wire) { c.header(); c.read(3) }, reason.UpstreamReset},
		{"talks nonsense", func(c *wire) { c.header(); c.say("no\r\n"); c.rest() }, reason.UpstreamGarbage},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			u := endpoint(t, func(_ int, c *wire) { row.serve(c) })
			fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
			c := fr.client()
			c.say("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 9\r\n\r\nabc")
			wantReason(t, fr.outcome(), row.want)
			c.CloseWrite()
			answer, err := c.rest()
			wantContains(t, "answer", answer, "502 Bad Gateway", "Connection: close")
			if err != nil {
				t.Errorf("reading the answer: %v", err)
			}
		})
	}
}

// TestEndpointDoesNotRead: a body that the endpoint does not take is the endpoint's time.
func TestEndpointDoesNotRead(t *testing.T) {
	over := make(chan bool)
	u := endpoint(t, func(_ int, c *wire) { c.header(); <-over })
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u, Timeout: 50 * time.Millisecond})
	c := fr.client()
	var client sync.WaitGroup
	client.Go(func() {
		c.say("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 100000000\r\n\r\n")
		b := make([]byte, 1<<20)
		for range 100 {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	})
	wantReason(t, fr.outcome(), reason.UpstreamTimeout)
	c.Close()
	close(over)
	client.Wait()
}
