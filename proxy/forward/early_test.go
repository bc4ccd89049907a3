package forward_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"triage/proxy/forward"
	"triage/proxy/reason"
)

// TestEarlyAnswer: the endpoint answers while the client still sends. The client gets the answer at once, nobody hangs,
// and neither connection is used again.
func TestEarlyAnswer(t *testing.T) {
	rows := []struct{ name, request, answer string }{
		{"sized", "POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 9\r\n\r\nabc", "HTTP/1.1 413 Too Big\r\nContent-Length: 2\r\n\r\nno"},
		{"sized, more than net/http would take", "POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 9000000\r\n\r\nabc", "HTTP/1.1 413 Too Big\r\nContent-Length: 2\r\n\r\nno"},
		{"chunked", chunkedPost + "3\r\nabc\r\n", "HTTP/1.1 413 Too Big\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"},
		{"without a body", chunkedPost + "3\r\nabc\r\n", "HTTP/1.1 413 no\r\nContent-Length: 0\r\n\r\n"},
		{"that closes", chunkedPost + "3\r\nabc\r\n", "HTTP/1.1 413 no\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var conns atomic.Int32
			u := endpoint(t, func(_ int, c *wire) {
				conns.Add(1)
				c.header()
				c.say("%s", row.answer)
				if strings.Contains(row.answer, "close") {
					return
				}
				c.rest()
			})
			fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
			for i := range 2 {
				c := fr.client()
				c.say("%s", row.request)
				wantReason(t, fr.outcome(), reason.None)
				c.CloseWrite()
				answer, err := c.rest()
				wantContains(t, "answer", answer, " 413 ", "Connection: close")
				if err != nil {
					t.Errorf("reading the answer: %v", err)
				}
				if got := conns.Load(); got != int32(i+1) {
					t.Errorf("%d connections to the endpoint after %d exchanges: one was used again", got, i+1)
				}
			}
		})
	}
}

// TestAnswerBehindABrokenWrite: an endpoint that answers and closes without reading makes the upload fail; its answer
// counts nevertheless, to its last byte.
func TestAnswerBehindABrokenWrite(t *testing.T) {
	const size = 40000
	u := endpoint(t, func(_ int, c *wire) {
		c.header()
		c.say("HTTP/1.1 413 Too Big\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
	})
	// The rest of the answer is fetched when the upload has long failed.
	later := func(int, time.Duration) { time.Sleep(8 * time.Millisecond) }
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u, OnHeader: later})
	c := fr.client()
	var client sync.WaitGroup
	defer client.Wait()
	client.Go(func() {
		c.say("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 4000000\r\n\r\n")
		c.Write(make([]byte, 4000000))
	})
	wantContains(t, "answer", c.header(), "413")
	if got := len(c.read(size)); got != size {
		t.Errorf("%d bytes of the answer, want %d", got, size)
	}
	wantReason(t, fr.outcome(), reason.None)
	c.Close()
}

// TestDuplex: an answer may begin before the request has ended, and both go on.
func TestDuplex(t *testing.T) {
	u := endpoint(t, func(_ int, c *wire) {
		c.header()
		c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for range 3 {
			line := c.read(len("1\r\nx\r\n"))
			c.say("%s", line)
		}
		c.read(len("0\r\n\r\n"))
		c.say("0\r\n\r\n")
	})
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
	c := fr.client()
	c.say(chunkedPost)
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
	out := fr.outcome()
	wantReason(t, out, reason.None)
	if out.BytesIn != 3 || out.BytesOut != 3 {
		t.Errorf("bytes in %d, out %d; want 3 and 3", out.BytesIn, out.BytesOut)
	}
}

// TestClientBreaksDuplex: the client's fault stays the client's after the answer has begun.
func TestClientBreaksDuplex(t *testing.T) {
	u := endpoint(t, func(_ int, c *wire) {
		c.header()
		c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
		c.rest()
	})
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
	c := fr.client()
	c.say(chunkedPost)
	c.header()
	c.say("xyz\r\n")
	out := fr.outcome()
	wantReason(t, out, reason.BadRequest)
	if !out.Abort {
		t.Error("abort = false after a broken answer")
	}
}

// TestStuckPlainWriter: where nothing can end a read from the client, Forward does not wait for it.
func TestStuckPlainWriter(t *testing.T) {
	u := endpoint(t, func(_ int, c *wire) { c.header(); c.say("HTTP/1.1 413 no\r\nContent-Length: 0\r\n\r\n"); c.rest() })
	f, err := forward.New(forward.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	body, stuck := io.Pipe()
	r, err := http.NewRequest("POST", "/", body)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 9
	wantReason(t, f.Forward(&recorder{header: http.Header{}}, r, forward.Target{URL: u}), reason.None)
	stuck.Close()
}
