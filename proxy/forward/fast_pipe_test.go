package forward_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"runtime"
	"testing"
	"time"

	"triage/proxy/forward"
	"triage/proxy/reason"
)

// noise is a long body that is not the same anywhere.
func noise(n int) io.Reader {
	return io.LimitReader(mathrand.NewChaCha8([32]byte{1}), int64(n))
}

// A long body goes through the kernel. It arrives as it was sent, is counted, and takes no memory, however its ends send and read.
func TestCarryLongBody(t *testing.T) {
	const size = 24<<20 + 7
	want := sha256.New()
	_, _ = io.Copy(want, noise(size))
	dice := mathrand.New(mathrand.NewPCG(1, 2))
	u := endpoint(t, func(_ int, c *wire) {
		for c.header() != "" {
			body := noise(size)
			c.say("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
			for piece, left := make([]byte, 700_000), size; left > 0; { // in pieces that end anywhere
				n, _ := io.ReadFull(body, piece[:1+dice.IntN(len(piece))])
				left -= n
				_, _ = c.Write(piece[:n])
			}
		}
	})
	fr := carryFront(t, forward.Settings{}, forward.FastTarget{URL: u})
	for range 2 { // the second one finds a pipe that is kept
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c := fr.client()
		c.say(plainGet + plainGet)
		for range 2 {
			response, err := http.ReadResponse(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := sha256.New()
			if n, err := io.Copy(got, response.Body); n != size || err != nil || !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
				t.Fatalf("%d bytes, %v; want %d, the same ones", n, err, size)
			}
			if out := fr.outcome(); out.BytesOut != size || out.Reason != reason.None {
				t.Errorf("%d bytes counted, %v; want %d", out.BytesOut, out.Err, size)
			}
		}
		c.Close()
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 4<<20 {
			t.Errorf("two bodies of %d bytes took %d bytes of memory", size, after.TotalAlloc-before.TotalAlloc)
		}
	}
}

// Whoever stops in the middle of a long body is found out: an endpoint that ends or rests, a client that leaves.
func TestCarryLongBodyBreaks(t *testing.T) {
	const size = 64 << 20
	endless := func(stop string) func(int, *wire) {
		return func(_ int, c *wire) {
			c.header()
			c.say("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
			if stop == "" {
				_, _ = io.Copy(c, noise(size))
				return
			}
			_, _ = io.Copy(c, noise(1<<20))
			if stop == "rests" {
				_, _ = c.rest()
			}
		}
	}
	for _, tt := range []struct {
		name, endpoint, client string
		want                   reason.Reason
	}{
		{"an endpoint that ends", "ends", "reads", reason.UpstreamIncomplete},
		{"an endpoint that rests", "rests", "reads", reason.UpstreamIncomplete},
		{"a client that leaves", "", "leaves", reason.ClientGone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			idle := patience / 2
			if tt.endpoint == "rests" {
				idle = 200 * time.Millisecond
			}
			fr := carryFront(t, forward.Settings{IdleTimeout: idle}, forward.FastTarget{URL: endpoint(t, endless(tt.endpoint))})
			c := fr.client()
			c.say(plainGet)
			switch tt.client {
			case "reads":
				_, _ = io.Copy(io.Discard, c)
			case "leaves":
				_, _ = io.CopyN(io.Discard, c, 2<<20)
				c.Close()
			}
			if out := fr.outcome(); out.Reason != tt.want || !out.Abort || out.BytesOut >= size {
				t.Errorf("%s after %d bytes, %v; want %s", out.Reason, out.BytesOut, out.Err, tt.want)
			}
		})
	}
}
