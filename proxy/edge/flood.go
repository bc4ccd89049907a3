package edge

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"
)

// The bounds of what a connection may cost beside its requests. A frame of PING or SETTINGS takes 15 bytes of the client and an answer of
// ours, so 64 KiB a second are 4,000 of them, a hundredth of a core; whoever sends real requests is never near.
const (
	// idleBytes is how much may come at once that belongs to no request, idleRate how much of it a second. The windows of HTTP/2 let
	// 1 MiB of bodies come before anybody reads them.
	idleBytes = 2 << 20
	idleRate  = 64 << 10
	// requestBytes is what a request may bring by itself: its header, and a body that nobody reads as far as its stream's window goes.
	requestBytes = 128 << 10
	// framing is how many bytes may come for one of the body: small pieces have 9 bytes of frame before them, and padding.
	framing = 4
	// updates is for how many bytes of a response one may come, in WINDOW_UPDATE frames.
	updates = 8
	// abandonedMost is how many requests may be abandoned in a second if they are half of all: twice as many as a client that is given
	// 100 streams has at a time, and loses together.
	abandonedMost = 200
)

// effort counts what a client makes us do that serves no request. nil counts nothing.
type effort struct {
	mu    sync.Mutex
	spare int64
	last  time.Time
	// released is set when the connection is no HTTP any more.
	released bool

	second           time.Time
	ended, abandoned int
}

func newEffort() *effort { return &effort{spare: idleBytes} }

// took is told of bytes that have come, and says whether that is still bearable.
func (e *effort) took(n int) bool {
	if e == nil {
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.spare -= int64(n)
	if e.spare >= 0 || e.released {
		return true
	}
	e.fillLocked(time.Now())
	return e.spare >= 0
}

func (e *effort) fillLocked(now time.Time) {
	if !e.last.IsZero() {
		e.spare = min(idleBytes, e.spare+int64(now.Sub(e.last).Seconds()*idleRate))
	}
	e.last = now
}

// owed is told of bytes that have, or may have, a reason.
func (e *effort) owed(n int64) {
	if e == nil {
		return
	}
	e.mu.Lock()
	e.spare = min(idleBytes, e.spare+n)
	e.mu.Unlock()
}

// release ends the counting.
func (e *effort) release() {
	if e == nil {
		return
	}
	e.mu.Lock()
	e.released = true
	e.mu.Unlock()
}

// over is told that a request has ended, and says whether the client abandons too many.
func (e *effort) over(now time.Time, abandoned bool) (tooMany bool) {
	if e == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if now.Sub(e.second) >= time.Second {
		e.second, e.ended, e.abandoned = now, 0, 0
	}
	e.ended++
	if abandoned {
		e.abandoned++
	}
	return e.abandoned >= abandonedMost && 2*e.abandoned >= e.ended
}

type peerKey struct{}

// peer is the other end of a connection.
type peer struct {
	addr netip.Addr
	conn *conn

	once        sync.Once
	certificate string
}

// name is what the client's certificate says who it is. It is read once a connection.
func (p *peer) name(state *tls.ConnectionState) string {
	if p == nil {
		return identity(state)
	}
	p.once.Do(func() { p.certificate = identity(state) })
	return p.certificate
}

// withPeer parses the peer's address once a connection instead of once a request.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, &peer{addr: addrOf(c.RemoteAddr()), conn: plain(c)})
}

func peerOf(ctx context.Context) *peer {
	p, _ := ctx.Value(peerKey{}).(*peer)
	return p
}

// effort is what the request's connection is counted by, nil if it is not.
func (p *peer) effort() *effort {
	if p == nil || p.conn == nil {
		return nil
	}
	return p.conn.effort
}

// busy notes that a request is under way.
func (p *peer) busy() {
	if p != nil && p.conn != nil {
		p.conn.mark.Store(0)
	}
}

// reset ends a connection by RST: to a client of HTTP/1.0 any other end is the end of the answer.
func (p *peer) reset() {
	if p != nil && p.conn != nil {
		_ = p.conn.SetLinger(0)
		_ = p.conn.Close()
	}
}

// ended notes how a request ended, and closes the connection of a client that abandons what it asks for (CVE-2023-44487, "rapid reset",
// and CVE-2025-8671, where the client makes us reset).
func (l *Listener) ended(ctx context.Context) {
	p := peerOf(ctx)
	if p.effort().over(time.Now(), ctx.Err() != nil) {
		l.flooded(p.conn)
		_ = p.conn.Close()
	}
}

func (l *Listener) flooded(c *conn) {
	l.tally.floods.Add(1)
	if missed, ok := l.floods.allow(time.Now()); ok {
		l.log.Warn("connection closed: it cost more than its requests do", "peer", c.RemoteAddr().String(), "times_before", missed)
	}
}
