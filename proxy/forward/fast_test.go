package forward_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"triage/proxy/forward"
	"triage/proxy/http1"
	"triage/proxy/reason"
)

// told notes what a Carry tells.
type told struct {
	status      atomic.Int32
	slow, whole atomic.Int32
	verdict     reason.Reason
}

func (h *told) OnHeader(status int, _ time.Duration)              { h.status.Store(int32(status)) }
func (h *told) Connected(time.Duration)                           {}
func (h *told) Look(*http1.Fields) bool                           { return false }
func (h *told) SlowBody()                                         { h.slow.Add(1) }
func (h *told) WholeBody(context.Context) (verdict reason.Reason) { h.whole.Add(1); return h.verdict }

// panics is a hook with a mistake in it.
type panics struct{ told }

var errLook = errors.New("a mistake")

func (*panics) Look(*http1.Fields) bool { panic(errLook) }

// A panic leaves no connection to the endpoint open, and none to be used again.
func TestCarryPanic(t *testing.T) {
	closed := make(chan string, 1)
	u := endpoint(t, func(_ int, c *wire) {
		c.header()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		rest, _ := io.ReadAll(c)
		closed <- string(rest)
	})
	fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u, Hooks: &panics{}})
	fr.client().say("%s", plainGet)
	select {
	case rest := <-closed:
		if rest != "" {
			t.Errorf("the endpoint was sent %q after it", rest)
		}
	case <-time.After(patience):
		t.Error("the connection to the endpoint stays open")
	}
}

// carryFront is a server that does with Carry what its callers do.
func carryFront(t testing.TB, s forward.Settings, to forward.FastTarget) *front {
	t.Helper()
	f, err := forward.New(s)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if to.Hooks == nil {
		to.Hooks = &told{}
	}
	fr := &front{t: t, f: f, outcomes: make(chan forward.Outcome, 64), Server: &httptest.Server{Listener: l}, still: patience}
	if s.IdleTimeout > 0 {
		fr.still = s.IdleTimeout
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() {
				defer c.Close()
				defer func() {
					if p := recover(); p != nil && p != errLook {
						panic(p)
					}
				}()
				fr.carry(c.(*net.TCPConn), to)
			})
		}
	})
	t.Cleanup(func() { l.Close(); f.Close(); work.Wait() })
	return fr
}

func (fr *front) carry(tcp *net.TCPConn, to forward.FastTarget) {
	var c http1.Call
	socket, err := http1.Take(tcp, nil)
	if err != nil {
		return
	}
	c.Take(socket)
	defer func() { c.End(); c.Close() }()
	for {
		n, err := http1.ParseRequest(c.Buffered(), &c.Request, 100)
		for ; n == 0 && err == nil; n, err = http1.ParseRequest(c.Buffered(), &c.Request, 100) {
			at := http1.Now() + patience
			if c.ReadBy(at, at); c.Fill() != nil {
				return
			}
		}
		if err != nil {
			return
		}
		c.Begin(n)
		c.Patience, c.Stall = fr.still, patience
		to := to
		to.Path = c.Target
		out := new(forward.Carrier).Carry(fr.f, &c, &to)
		if !out.Started && out.Reason != reason.ClientGone {
			c.Last = true
			_, _ = c.Send(c.AppendEnd(http1.AppendField(http1.AppendStatus(nil, out.Reason.Status(), ""), "Content-Length", "0"), true))
		}
		fr.outcomes <- out
		if c.End(); c.Cut || c.Last {
			return
		}
	}
}

const plainGet = "GET / HTTP/1.1\r\nHost: s\r\n\r\n"

// What an endpoint answers is passed on, in the framing that the client understands.
func TestCarryAnswers(t *testing.T) {
	big := strings.Repeat("b", 300_000)
	for _, row := range []struct{ name, request, answer, want string }{
		{"length", plainGet, "HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-A: b\r\nDate: now\r\n\r\nhello", "HTTP/1.1 200 Fine\r\nX-A: b\r\nDate: now\r\nContent-Length: 5\r\n\r\nhello"},
		{"chunked", plainGet, "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		{"until the end", plainGet, "HTTP/1.1 200 OK\r\nDate: now\r\n\r\nabc", "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		{"of HTTP/1.0", plainGet, "HTTP/1.0 200 OK\r\nDate: now\r\n\r\nabc", "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		{"to HEAD", "HEAD / HTTP/1.1\r\nHost: s\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 5\r\n\r\n"},
		{"204", plainGet, "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n", "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n"},
		{"304", plainGet, "HTTP/1.1 304 Not Modified\r\nDate: now\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nDate: now\r\nContent-Length: 5\r\n\r\n"},
		{"early hints", plainGet, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\n\r\n"},
		{"trailers", plainGet, "HTTP/1.1 200 OK\r\nDate: now\r\nTrailer: X-Sum, Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\nContent-Length: 3\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: now\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\n\r\n"},
		{"announced trailers of an answer that cannot have any", plainGet, "HTTP/1.1 200 OK\r\nDate: now\r\nTrailer: X-Sum\r\n\r\nabc", "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		{"fields of the hop", plainGet, "HTTP/1.1 200 OK\r\nDate: now\r\nConnection: X-Own\r\nX-Own: a\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\n\r\n"},
		{"large", plainGet, "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 300000\r\n\r\n" + big, "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 300000\r\n\r\n" + big},
	} {
		t.Run(row.name, func(t *testing.T) {
			u := endpoint(t, func(_ int, c *wire) { c.header(); c.say("%s", row.answer) })
			fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u})
			c := fr.client()
			c.say("%s", row.request)
			wantReason(t, fr.outcome(), reason.None)
			if got := c.read(len(row.want)); got != row.want {
				t.Errorf("got %.300q, want %.300q", got, row.want)
			}
			_ = c.CloseWrite()
			if rest, _ := c.rest(); rest != "" {
				t.Errorf("and %q behind it", rest)
			}
		})
	}
}

// Bodies of any size and framing arrive whole, and the head goes out with the first of it.
func TestCarryBodies(t *testing.T) {
	big := strings.Repeat("b", 500_000)
	for _, row := range []struct{ name, request, rest string }{
		{"small", "POST /p HTTP/1.1\r\nHost: s\r\nContent-Length: 5\r\n\r\nhello", "hello"},
		{"large", "POST /p HTTP/1.1\r\nHost: s\r\nContent-Length: 500000\r\n\r\n" + big, big},
		{"chunked", "POST /p HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0002\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := make(chan string, 1)
			u := endpoint(t, func(_ int, c *wire) {
				head := c.header()
				got <- head + c.read(len(row.rest))
				c.say(empty)
			})
			fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u})
			c := fr.client()
			go c.say("%s", row.request)
			if seen := take(t, got); !strings.HasPrefix(seen, "POST /p HTTP/1.1\r\nHost: s\r\n") || !strings.HasSuffix(seen, "\r\n\r\n"+row.rest) {
				t.Errorf("the endpoint got %.200q", seen)
			}
			wantReason(t, fr.outcome(), reason.None)
			wantContains(t, "answer", c.header(), "200 OK")
		})
	}
}

// A kept connection that breaks under a request is replaced only if sending it again can do no harm.
func TestCarryStaleConnection(t *testing.T) {
	for _, row := range []struct {
		name, request string
		want          reason.Reason
		requests      int32
	}{
		{"get", plainGet, reason.None, 2},
		{"post", "POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\nab", reason.UpstreamReset, 1},
		{"post with a key", "POST / HTTP/1.1\r\nHost: s\r\nIdempotency-Key: k\r\nContent-Length: 0\r\n\r\n", reason.UpstreamReset, 1},
		{"get with a body", "GET / HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\nab", reason.UpstreamReset, 1},
		{"put", "PUT / HTTP/1.1\r\nHost: s\r\nContent-Length: 0\r\n\r\n", reason.UpstreamReset, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			var requests atomic.Int32
			u := endpoint(t, func(nth int, c *wire) {
				if nth == 0 {
					c.header()
					c.say(empty)
				}
				if c.header() != "" {
					requests.Add(1)
				}
				if nth > 0 {
					c.say(empty)
				}
			})
			fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u})
			c := fr.client()
			c.say(plainGet)
			c.header()
			wantReason(t, fr.outcome(), reason.None)
			c.say("%s", row.request)
			out := fr.outcome()
			wantReason(t, out, row.want)
			if got := requests.Load(); got != row.requests || !out.Sent {
				t.Errorf("%d requests arrived, sent %v; want %d, true", got, out.Sent, row.requests)
			}
		})
	}
}

// A connection is not used again after an answer that says so, that came early, or behind which something came.
func TestCarryDoesNotReuse(t *testing.T) {
	for name, answer := range map[string]string{
		"closing": "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "HTTP/1.0": "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"two answers": empty + "HTTP/1.1 200 OK\r\nX-Poison: yes\r\nContent-Length: 0\r\n\r\n", "bytes behind the body": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
	} {
		t.Run(name, func(t *testing.T) {
			u := endpoint(t, func(nth int, c *wire) {
				for c.header() != "" {
					if nth == 0 {
						c.say("%s", answer)
					} else {
						c.say("HTTP/1.1 200 OK\r\nX-Second: yes\r\nContent-Length: 0\r\n\r\n")
					}
				}
			})
			fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u})
			for i, want := range []string{"200 OK", "X-Second: yes"} {
				c := fr.client()
				c.say(plainGet)
				head := c.header()
				if wantContains(t, "answer", head, want); strings.Contains(head, "Poison") {
					t.Errorf("answer %d is somebody else's: %q", i, head)
				}
				fr.outcome()
			}
		})
	}
}

// Whose fault it was.
func TestCarryBlame(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n"
	silent := func(c *wire) { c.header(); _, _ = c.rest() }
	says := func(text string) func(*wire) { return func(c *wire) { c.header(); c.say("%s", text) } }
	for _, row := range []struct {
		name, request string
		serve         func(*wire)
		leave         bool
		want          reason.Reason
		abort         bool
	}{
		{"silence", plainGet, silent, false, reason.UpstreamTimeout, false},
		{"end", plainGet, says(""), false, reason.UpstreamReset, false},
		{"half a header", plainGet, says("HTTP/1.1 200 OK\r\nX-"), false, reason.UpstreamReset, false},
		{"garbage", plainGet, says("220 mail\r\n"), false, reason.UpstreamGarbage, false},
		{"a header without end", plainGet, says("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20)), false, reason.UpstreamGarbage, false},
		{"both lengths", plainGet, says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), false, reason.UpstreamGarbage, false},
		{"a protocol nobody asked for", plainGet, says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), false, reason.UpstreamGarbage, false},
		{"hints without end", plainGet, says(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 50)), false, reason.UpstreamGarbage, false},
		{"half a body", plainGet, says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), false, reason.UpstreamIncomplete, true},
		{"a bad chunk", plainGet, says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"), false, reason.UpstreamGarbage, true},
		{"a body that stands still", plainGet, func(c *wire) { c.header(); c.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"); _, _ = c.rest() }, false, reason.UpstreamIncomplete, true},
		{"a client that leaves", plainGet, silent, true, reason.ClientGone, false},
		{"a client that leaves in its body", post + "3\r\nab", silent, true, reason.ClientGone, false},
		{"a client that sends nonsense", post + "zz\r\n", silent, false, reason.BadRequest, false},
		{"a client that stands still", post + "3\r\nab", silent, false, reason.ClientTimeout, false},
		{"a body over the limit", post + "200\r\n" + strings.Repeat("x", 512) + "\r\n", silent, false, reason.BodyTooLarge, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			u := endpoint(t, func(_ int, c *wire) { row.serve(c) })
			// Short only where the time itself is the failure: on a busy machine anything else takes its time too.
			timeout, idle := patience/2, patience/2
			switch row.want {
			case reason.UpstreamTimeout:
				timeout = 200 * time.Millisecond
			case reason.UpstreamIncomplete, reason.ClientTimeout:
				idle = 200 * time.Millisecond
			}
			fr := carryFront(t, forward.Settings{IdleTimeout: idle}, forward.FastTarget{URL: u, Timeout: timeout, BodyLimit: 500})
			c := fr.client()
			c.say("%s", row.request)
			if row.leave {
				time.Sleep(20 * time.Millisecond)
				c.reset()
			}
			out := fr.outcome()
			if wantReason(t, out, row.want); out.Abort != row.abort {
				t.Errorf("abort %v, want %v", out.Abort, row.abort)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		u := endpoint(t, func(int, *wire) {})
		u.Host = "127.0.0.1:1"
		fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u, Timeout: patience / 2})
		fr.client().say(plainGet)
		wantReason(t, fr.outcome(), reason.ConnectRefused)
	})
}

// The time in which a client sends its body is not the endpoint's, and a slow body is told of once, before and after.
func TestCarrySlowBody(t *testing.T) {
	for _, verdict := range []reason.Reason{reason.None, reason.Limit} {
		retried(t, func() error {
			u := endpoint(t, func(_ int, c *wire) {
				c.header()
				if c.read(4) == "abcd" {
					c.say(empty)
				}
			})
			hooks := &told{verdict: verdict}
			fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u, Timeout: 250 * time.Millisecond, Hooks: hooks})
			c := fr.client()
			c.say("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 4\r\n\r\n")
			for _, b := range "abcd" {
				time.Sleep(100 * time.Millisecond)
				c.say("%c", b)
			}
			out := fr.outcome()
			if hooks.slow.Load() > 1 || hooks.whole.Load() > 1 {
				t.Fatalf("told of a slow body %d times, of its end %d times; want once each", hooks.slow.Load(), hooks.whole.Load())
			}
			if out.Reason != verdict || hooks.slow.Load() != 1 || hooks.whole.Load() != 1 || out.ClientWait < 300*time.Millisecond {
				return fmt.Errorf("%v (%v), told of a slow body %d times, of its end %d times, waited %v; want %v, once each, and 400 ms",
					out.Reason, out.Err, hooks.slow.Load(), hooks.whole.Load(), out.ClientWait, verdict)
			}
			return nil
		})
	}
}

// An answer that begins while the body is still coming is passed on at once, and both go on.
func TestCarryDuplex(t *testing.T) {
	u := endpoint(t, func(_ int, c *wire) {
		c.header()
		c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for range 3 {
			c.say("%s", c.read(len("1\r\nx\r\n")))
		}
		c.read(len("0\r\n\r\n"))
		c.say("0\r\n\r\n")
	})
	fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u})
	c := fr.client()
	c.say("POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n")
	wantContains(t, "header", c.header(), "200 OK", "Connection: close")
	for _, piece := range []string{"1\r\na\r\n", "1\r\nb\r\n", "1\r\nc\r\n"} {
		c.say("%s", piece)
		if got := c.read(len(piece)); got != piece {
			t.Fatalf("got %q, want %q", got, piece)
		}
	}
	c.say("0\r\n\r\n")
	if got, err := c.rest(); got != "0\r\n\r\n" || err != nil {
		t.Errorf("end = %q, %v", got, err)
	}
	if out := fr.outcome(); out.Reason != reason.None || out.BytesIn != 3 || out.BytesOut != 3 {
		t.Errorf("%+v; want 3 bytes each way", out)
	}
}

// A client that breaks its body after the answer has begun is to blame, and the answer breaks off.
func TestCarryClientBreaksDuplex(t *testing.T) {
	u := endpoint(t, func(_ int, c *wire) {
		c.header()
		c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
		_, _ = c.rest()
	})
	fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u})
	c := fr.client()
	c.say("POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n")
	c.header()
	c.say("xyz\r\n")
	out := fr.outcome()
	if wantReason(t, out, reason.BadRequest); !out.Abort {
		t.Error("the answer does not break off")
	}
}

// A gigabyte passes in constant memory; here a part of it, with the backpressure of a client that reads slowly.
func TestCarryBackpressure(t *testing.T) {
	const total = 64 << 20
	var sent atomic.Int64
	u := endpoint(t, func(_ int, c *wire) {
		c.header()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", total)
		piece := make([]byte, 64<<10)
		for range total / len(piece) {
			n, err := c.Write(piece)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u})
	c := fr.client()
	c.say(plainGet)
	c.header()
	// What the sockets' buffers take is sent; the rest waits for the client.
	before := int64(-1)
	for now := sent.Load(); now != before; now = sent.Load() {
		before = now
		time.Sleep(100 * time.Millisecond)
	}
	if before > total/2 {
		t.Errorf("%d bytes were taken from the endpoint for a client that reads nothing", before)
	}
	if n, err := io.CopyN(io.Discard, c.r, total); n != total || err != nil {
		t.Errorf("%d bytes, %v; want %d", n, err, total)
	}
	if out := fr.outcome(); out.Reason != reason.None || out.BytesOut != total {
		t.Errorf("%s, %d bytes out", out.Reason, out.BytesOut)
	}
}
