package forward_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"triage/proxy/forward"
	"triage/proxy/reason"
)

const (
	handshake = "GET /ws HTTP/1.1\r\nHost: s\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\n"
	switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\nContent-Length: 0\r\n\r\n"
)

// echo agrees to an upgrade and says hello in the same packet, then gives back what it gets.
func echo(_ int, c *wire) {
	c.header()
	c.say(switching + "hello")
	for {
		b, err := c.r.ReadByte()
		if err != nil {
			return
		}
		c.Write([]byte{b})
	}
}

func TestUpgrade(t *testing.T) {
	fr := newFront(t, forward.Settings{}, forward.Target{URL: endpoint(t, echo), Timeout: patience / 2})
	c := fr.client()
	c.say(handshake)
	header := c.header()
	wantContains(t, "answer", header, "HTTP/1.1 101 Switching Protocols\r\n", "Upgrade: websocket\r\n", "Connection: Upgrade\r\n", "Sec-Websocket-Accept: a\r\n")
	wantLacks(t, "answer", header, "content-length")
	if got := c.read(5); got != "hello" {
		t.Errorf("got %q, want what came with the 101", got)
	}
	c.say("ab")
	if got := c.read(2); got != "ab" {
		t.Errorf("got %q, want ab", got)
	}
	if n := fr.f.Upgraded(); n != 1 {
		t.Errorf("upgraded = %d, want 1", n)
	}
	// The client is done speaking; the endpoint ends the tunnel when it has heard that.
	c.CloseWrite()
	if rest, err := c.rest(); rest != "" || err != nil {
		t.Errorf("end = %q, %v", rest, err)
	}
	out := fr.outcome()
	wantReason(t, out, reason.None)
	if !out.Upgraded || !out.Started || out.Abort || out.Status != 101 || out.BytesIn != 2 || out.BytesOut != 7 {
		t.Errorf("outcome = %+v", out)
	}
	if n := fr.f.Upgraded(); n != 0 {
		t.Errorf("upgraded = %d after the end, want 0", n)
	}
}

func TestUpgradeEnds(t *testing.T) {
	rows := []struct {
		name  string
		idle  time.Duration
		end   func(*front, *wire)
		wants string
	}{
		{"idle", 20 * time.Millisecond, func(*front, *wire) {}, "idle timeout"},
		{"closed by the operator", 0, func(fr *front, _ *wire) { fr.f.CloseUpgraded() }, ""},
		{"reset by the client", 0, func(_ *front, c *wire) { c.reset() }, "reset"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			fr := newFront(t, forward.Settings{IdleTimeout: row.idle}, forward.Target{URL: endpoint(t, echo)})
			c := fr.client()
			c.say(handshake)
			c.header()
			c.read(5)
			row.end(fr, c)
			out := fr.outcome()
			if out.Reason != reason.None || !out.Upgraded {
				t.Errorf("outcome = %+v", out)
			}
			if row.wants != "" && (out.Err == nil || !strings.Contains(out.Err.Error(), row.wants)) {
				t.Errorf("err = %v, want %q", out.Err, row.wants)
			}
			c.rest()
		})
	}
}

// TestUpgradeStaysOpen: bytes in either direction keep a tunnel alive.
func TestUpgradeStaysOpen(t *testing.T) {
	fr := newFront(t, forward.Settings{IdleTimeout: 200 * time.Millisecond}, forward.Target{URL: endpoint(t, echo)})
	retried(t, func() error {
		c := fr.client()
		defer func() {
			c.Close()
			fr.outcome()
		}()
		c.say(handshake)
		c.header()
		c.read(5)
		for range 30 {
			time.Sleep(8 * time.Millisecond)
			c.say("x")
			if got := c.read(1); got != "x" {
				return errors.New("closed in spite of traffic")
			}
		}
		return nil
	})
}

// TestUpgradeTakesNothing: a client that goes on speaking and takes nothing of what it is told is cut, and so is such an endpoint.
func TestUpgradeTakesNothing(t *testing.T) {
	flood := strings.Repeat("x", 64<<10)
	ended := make(chan struct{}, 2)
	fr := newFront(t, forward.Settings{IdleTimeout: 200 * time.Millisecond}, forward.Target{URL: endpoint(t, func(_ int, c *wire) {
		c.header()
		c.say(switching)
		for {
			if _, err := c.Write([]byte(flood)); err != nil {
				ended <- struct{}{}
				return
			}
		}
	})})
	c := fr.client()
	c.say(handshake)
	c.header()
	go func() {
		for {
			if _, err := c.Write([]byte("x")); err != nil {
				ended <- struct{}{}
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	for range 2 {
		select {
		case <-ended:
		case <-time.After(patience):
			t.Fatal("the tunnel is still open")
		}
	}
	if out := fr.outcome(); !out.Upgraded || out.Err == nil {
		t.Errorf("outcome = %+v, want a tunnel that was given up", out)
	}
}

// TestUpgradeRefused: the endpoint says no, and the connection stays a plain one.
func TestUpgradeRefused(t *testing.T) {
	u := endpoint(t, func(_ int, c *wire) {
		for strings.Contains(c.header(), "HTTP/1.1") {
			c.say("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")
		}
	})
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
	c := fr.client()
	for range 2 {
		c.say(handshake)
		wantContains(t, "answer", c.header(), "426")
		wantReason(t, fr.outcome(), reason.None)
	}
}

// TestEarlyBytes: what a client sends before it has seen the 101 reaches the endpoint neither before nor after it.
func TestEarlyBytes(t *testing.T) {
	early, late := make(chan int, 1), make(chan string, 1)
	u := endpoint(t, func(_ int, c *wire) {
		c.header()
		c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		c.r.Peek(1)
		early <- c.r.Buffered()
		c.SetReadDeadline(time.Now().Add(patience))
		c.say(switching)
		rest, _ := c.rest()
		late <- rest
	})
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
	c := fr.client()
	c.say(handshake + "GET /admin HTTP/1.1\r\nHost: s\r\n\r\n")
	out := fr.outcome()
	wantReason(t, out, reason.BadRequest)
	if out.Abort || !out.Upgraded {
		t.Errorf("outcome = %+v", out)
	}
	if n, rest := <-early, <-late; n != 0 || rest != "" {
		t.Errorf("%d bytes before the 101, %q after it; want none", n, rest)
	}
	if got, _ := c.rest(); got != "" {
		t.Errorf("the client got %q, want a closed connection", got)
	}
}

func TestWrongProtocol(t *testing.T) {
	u := endpoint(t, func(_ int, c *wire) {
		c.header()
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
		c.rest()
	})
	fr := newFront(t, forward.Settings{}, forward.Target{URL: u})
	c := fr.client()
	c.say(handshake)
	wantContains(t, "answer", c.header(), "502")
	wantReason(t, fr.outcome(), reason.UpstreamGarbage)
}
