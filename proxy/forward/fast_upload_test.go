package forward_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"runtime"
	"testing"
	"time"

	"triage/proxy/forward"
	"triage/proxy/reason"
)

// A long request body goes through the kernel too. It arrives as it was sent, whatever its pieces, takes no memory, and the next request comes
// right behind it.
func TestCarryLongUpload(t *testing.T) {
	const size = 24<<20 + 7
	sum := sha256.New()
	_, _ = io.Copy(sum, noise(size))
	want := fmt.Sprintf("%d bytes, %x, <nil>", size, sum.Sum(nil))
	got := make(chan string, 4)
	u := endpoint(t, func(_ int, c *wire) {
		for {
			request, err := http.ReadRequest(c.r)
			if err != nil {
				return
			}
			if sum := sha256.New(); request.Method == "POST" {
				n, err := io.Copy(sum, request.Body)
				got <- fmt.Sprintf("%d bytes, %x, %v", n, sum.Sum(nil), err)
			}
			c.say(empty)
		}
	})
	fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u})
	c := fr.client()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	go func() {
		dice := mathrand.New(mathrand.NewPCG(1, 2))
		for range 2 {
			c.say("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: %d\r\n\r\n", size)
			body := noise(size)
			for piece, left := make([]byte, 700_000), size; left > 0; { // in pieces that end anywhere
				n, _ := io.ReadFull(body, piece[:1+dice.IntN(len(piece))])
				left -= n
				_, _ = c.Write(piece[:n])
			}
		}
		c.say(plainGet)
	}()
	for range 2 {
		if seen := take(t, got); seen != want {
			t.Errorf("the endpoint got %s; want %s", seen, want)
		}
		if out := fr.outcome(); out.BytesIn != size || out.Reason != reason.None {
			t.Errorf("%d bytes counted, %v; want %d", out.BytesIn, out.Err, size)
		}
	}
	wantReason(t, fr.outcome(), reason.None)
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 8<<20 {
		t.Errorf("two bodies of %d bytes took %d bytes of memory", size, after.TotalAlloc-before.TotalAlloc)
	}
}

// Whoever stops in the middle of a long request body is found out, and an answer that comes then is passed on.
func TestCarryLongUploadBreaks(t *testing.T) {
	const whole, part = 64 << 20, 2 << 20
	const ( // what an end does after a part
		goesOn     = "goes on"
		leaves     = "leaves"
		standStill = "stands still"
		answers    = "answers"
	)
	for _, tt := range []struct {
		client, endpoint string
		want             reason.Reason
		status           int
	}{
		{leaves, goesOn, reason.ClientGone, 0},
		{standStill, goesOn, reason.ClientTimeout, 0},
		{goesOn, leaves, reason.UpstreamReset, 0},
		{standStill, leaves, reason.UpstreamReset, 0},
		{goesOn, standStill, reason.UpstreamTimeout, 0},
		{goesOn, answers, reason.None, 413},
		{standStill, answers, reason.None, 413},
	} {
		t.Run("the client "+tt.client+", the endpoint "+tt.endpoint, func(t *testing.T) {
			t.Parallel()
			over := make(chan struct{})
			defer close(over)
			u := endpoint(t, func(_ int, c *wire) {
				c.header()
				_, _ = io.CopyN(io.Discard, c.r, part)
				switch tt.endpoint {
				case leaves:
					c.reset()
				case standStill:
					<-over
				case answers:
					c.say("HTTP/1.1 413 no\r\nContent-Length: 0\r\n\r\n")
				}
				_, _ = io.Copy(io.Discard, c.r)
			})
			// Short only where the time itself is the failure.
			timeout, still := patience, patience
			switch tt.want {
			case reason.UpstreamTimeout:
				timeout = 300 * time.Millisecond
			case reason.ClientTimeout:
				still = 300 * time.Millisecond
			}
			fr := carryFront(t, forward.Settings{IdleTimeout: still}, forward.FastTarget{URL: u, Timeout: timeout})
			c := fr.client()
			go func() {
				c.say("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: %d\r\n\r\n", whole)
				_, _ = io.Copy(c, noise(part))
				switch tt.client {
				case leaves:
					c.Close()
				case goesOn:
					_, _ = io.Copy(c, noise(whole-part))
				}
			}()
			out := fr.outcome()
			if wantReason(t, out, tt.want); out.Status != tt.status || out.BytesIn >= whole {
				t.Errorf("status %d after %d bytes; want %d after a part", out.Status, out.BytesIn, tt.status)
			}
		})
	}
}

// A long body that is slow is told of, and its end goes on only if it may.
func TestCarryLongSlowUpload(t *testing.T) {
	const size = 600_000
	for _, verdict := range []reason.Reason{reason.None, reason.Limit} {
		got := make(chan int64, 1)
		u := endpoint(t, func(_ int, c *wire) {
			c.header()
			n, _ := io.CopyN(io.Discard, c.r, size)
			got <- n
			c.say(empty)
		})
		hooks := &told{verdict: verdict}
		fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u, Timeout: time.Second, Hooks: hooks})
		c := fr.client()
		c.say("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: %d\r\n\r\n", size)
		_, _ = io.Copy(c, noise(size/2))
		for deadline := time.Now().Add(patience / 2); hooks.slow.Load() == 0 && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
		}
		_, _ = io.Copy(c, noise(size/2))
		out := fr.outcome()
		wantReason(t, out, verdict)
		if hooks.slow.Load() != 1 || hooks.whole.Load() != 1 {
			t.Errorf("told of a slow body %d times, of its end %d times; want once each", hooks.slow.Load(), hooks.whole.Load())
		}
		if n := take(t, got); (n == size) != (verdict == reason.None) {
			t.Errorf("%s: the endpoint has %d bytes of %d", verdict, n, size)
		}
	}
}
