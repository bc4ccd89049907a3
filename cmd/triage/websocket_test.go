package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
)

// frames makes a conversation of random frames (RFC 6455, section 5.2): every length form, fragments, pings between them, masks, and payloads of nonsense.
func frames(dice *mathrand.Rand, masked bool) []byte {
	var b []byte
	for range 40 {
		opcode := []byte{0x0, 0x1, 0x2, 0x8, 0x9, 0xa}[dice.IntN(6)]
		n := []int{0, 1 + dice.IntN(125), 126 + dice.IntN(2000), 1<<16 + dice.IntN(1000)}[min(dice.IntN(8), 3)]
		b = append(b, opcode|byte(dice.IntN(2)<<7))
		mask := byte(0)
		if masked {
			mask = 0x80
		}
		switch {
		case n < 126:
			b = append(b, mask|byte(n))
		case n < 1<<16:
			b = binary.BigEndian.AppendUint16(append(b, mask|126), uint16(n))
		default:
			b = binary.BigEndian.AppendUint64(append(b, mask|127), uint64(n))
		}
		if masked {
			n += 4
		}
		payload := make([]byte, n)
		_, _ = rand.Read(payload)
		b = append(b, payload...)
	}
	return b
}

// inPieces writes in pieces of every size, and ends the direction.
func inPieces(c net.Conn, dice *mathrand.Rand, p []byte) error {
	for len(p) > 0 {
		n := min(len(p), 1+dice.IntN([]int{2, 100, 5000, 100_000}[dice.IntN(4)]))
		if _, err := c.Write(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return c.(*net.TCPConn).CloseWrite()
}

// After an upgrade the bytes are the two ends' own: each gets what the other sent, all of it, and the end of one direction does not end the other.
func TestWebsocketSplice(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testWebsocketSplice)
}

func testWebsocketSplice(t *testing.T) {
	t.Parallel()
	const pairs = 8
	var up, down [pairs][]byte
	for i := range pairs {
		dice := mathrand.New(mathrand.NewPCG(1, uint64(i)))
		up[i], down[i] = frames(dice, true), frames(dice, false)
	}
	atBackend := make([]chan []byte, pairs)
	for i := range atBackend {
		atBackend[i] = make(chan []byte, 1)
	}
	app := rawBackend(t, func(w *wire) {
		head, i := w.header(), 0
		if _, err := fmt.Sscanf(head, "GET /%d ", &i); err != nil || i >= pairs {
			return
		}
		dice := mathrand.New(mathrand.NewPCG(2, uint64(i)))
		// Frames may come in one piece with the handshake. Half of the backends end last: they begin when the client has ended.
		early := dice.IntN(3000)
		w.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n%s", down[i][:early])
		var work sync.WaitGroup
		tell := func() { _ = inPieces(w.Conn, dice, down[i][early:]) }
		if i%2 == 0 {
			work.Go(tell)
		}
		got, _ := io.ReadAll(w.r)
		atBackend[i] <- got
		if i%2 == 1 {
			tell()
		}
		work.Wait()
	})
	r := start(t, conf("", app, everything))
	var work sync.WaitGroup
	for i := range pairs {
		work.Go(func() {
			w := dial(t, r.url)
			w.say("GET /%d HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", i)
			if head := w.header(); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
				t.Errorf("%d: answered %q, want 101", i, head)
				return
			}
			var sending sync.WaitGroup
			sending.Go(func() { _ = inPieces(w.Conn, mathrand.New(mathrand.NewPCG(3, uint64(i))), up[i]) })
			got, err := io.ReadAll(w.r)
			sending.Wait()
			if err != nil || !bytes.Equal(got, down[i]) {
				t.Errorf("%d: the client got %d bytes of %d, the first that differs is %d, %v", i, len(got), len(down[i]), firstDifference(got, down[i]), err)
			}
			if got := <-atBackend[i]; !bytes.Equal(got, up[i]) {
				t.Errorf("%d: the backend got %d bytes of %d, the first that differs is %d", i, len(got), len(up[i]), firstDifference(got, up[i]))
			}
		})
	}
	work.Wait()
	eventually(t, "the tunnels to be gone", func() bool { return statusOf(t, r.adminURL).Upstreams[0].Endpoints[0].InFlight == 0 })
}

func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
