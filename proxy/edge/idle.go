package edge

import (
	"cmp"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"triage/proxy/http1"
)

const (
	// roomEvery is how often somebody who waits for room looks for idle connections again, and the longest that a shortage makes a new
	// connection wait: some have to come in, or nobody could ever see that it is over.
	roomEvery = 100 * time.Millisecond
	// relieveEvery is how often connections are looked at while the process is short of something.
	relieveEvery = 250 * time.Millisecond
	// idleEnough is how long a connection has been idle at least that makes room for a new one.
	idleEnough = time.Second
	// atOnce is which part of the connections makes room at once: each look costs a walk over all.
	atOnce = 64
	// The floors that a shortage does not shorten timeouts below.
	idleFloor, headerFloor, bodyFloor = time.Second, 2 * time.Second, 5 * time.Second
)

// markNow is the instant for a mark. It is a day on, so that no mark is near 0, which stands for none.
func markNow() int64 { return int64(http1.Now() + 24*time.Hour) }

// idler closes a connection if nothing is under way on it.
type idler interface{ expel() bool }

// room waits until there is room for a connection that has come; false: no more are taken. While there is none, or the process is short of something, those that
// have been idle for the longest make room: a crowd of them must not keep others out.
func (l *Listener) room() bool {
	for waited := false; ; waited = true {
		free, short := l.gate.free(!waited), l.short().Worst() >= 1
		if free && (!short || waited) {
			return true
		}
		cause := &l.tally.forRoom
		if short {
			cause = &l.tally.forShortage
		}
		open, _, _ := l.gate.state()
		l.expel(idleEnough, max(1, open/atOnce), cause)
		timer := time.NewTimer(roomEvery)
		select {
		case <-l.gate.freed:
		case <-timer.C:
		case <-l.done:
		}
		timer.Stop()
		select {
		case <-l.done:
			return false
		default:
		}
	}
}

// relieve closes connections sooner than their time while the process is short of something, until nobody accepts any more.
func (l *Listener) relieve() {
	ticker := time.NewTicker(relieveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-ticker.C:
		}
		short := l.short()
		if short.Worst() == 0 {
			continue
		}
		p := l.policy.Load()
		l.expel(short.Scale(p.Idle, idleFloor), l.Connections(), &l.tally.forShortage)
		for _, c := range l.gate.marked(markNow()-int64(short.Scale(p.ReadHeader, headerFloor)), true) {
			l.tally.slowHeader.Add(1)
			_ = c.Close()
		}
	}
}

// expel closes connections that have been idle for so long, those first that have been so for the longest.
func (l *Listener) expel(idle time.Duration, most int, cause *atomic.Uint64) {
	for _, c := range l.gate.marked(markNow()-int64(idle), false) {
		if most == 0 {
			return
		}
		if c.idler == nil {
			_ = c.Close()
		} else if !c.idler.expel() {
			continue
		}
		cause.Add(1)
		most--
	}
}

// marked gives the connections that have been idle, or that have been sending a header, since an instant, the longest first.
func (g *gate) marked(since int64, heading bool) (all []*conn) {
	var marks []int64
	g.mu.Lock()
	for c := g.newest; c != nil; c = c.older {
		mark := c.mark.Load()
		if heading {
			mark = -mark
		}
		if mark > 0 && mark <= since {
			all, marks = append(all, c), append(marks, mark)
		}
	}
	g.mu.Unlock()
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(marks[a], marks[b]) })
	sorted := make([]*conn, len(all))
	for i, at := range order {
		sorted[i] = all[at]
	}
	return sorted
}

// clientKey is what connections of a client are counted by. An IPv6 host has a network of 64 bits to choose its address from (RFC 4291,
// section 2.5.1).
func clientKey(addr netip.Addr) netip.Addr {
	if addr.Is6() {
		if network, err := addr.WithZone("").Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return addr
}

// admit takes a new connection in, or closes it because its client has as many as one may have.
func (l *Listener) admit(c *conn, p *policy) bool {
	if l.gate.enter(c, l.countedAs(c, p)) {
		return true
	}
	l.tooMany(c, p)
	_ = c.TCPConn.Close()
	return false
}

// countedAs is what a connection is counted by. Trusted proxies are not counted, for they bring the connections of many; nor are those that
// have yet to say for whom they connect.
func (l *Listener) countedAs(c *conn, p *policy) netip.Addr {
	addr := addrOf(c.RemoteAddr())
	if p.trusts(addr) || c.introducing.Load() && c.source == nil {
		return netip.Addr{}
	}
	return clientKey(addr)
}

// tooMany counts a connection of a client that has enough of them, and prepares for its end by a reset, so that nothing of it stays in the
// kernel either.
func (l *Listener) tooMany(c *conn, p *policy) {
	l.tally.tooMany.Add(1)
	if missed, ok := l.crowded.allow(time.Now()); ok {
		l.log.Warn("connection refused: its client has as many as one may have; if it is a proxy, name it in trusted_proxies",
			"client", addrOf(c.RemoteAddr()).String(), "most", p.PerClient, "times_before", missed)
	}
	_ = c.SetLinger(0)
}

// plain is the connection below TLS, nil if it is none of ours.
func plain(c net.Conn) *conn {
	switch secure := c.(type) {
	case *overTLS:
		return secure.conn
	case *tls.Conn:
		c = secure.NetConn()
	}
	own, _ := c.(*conn)
	return own
}

// watch notes what net/http's server does with a connection.
func watch(c net.Conn, state http.ConnState) {
	own := plain(c)
	if own == nil {
		return
	}
	switch state {
	case http.StateNew, http.StateActive:
		own.mark.Store(-markNow())
	case http.StateIdle:
		own.mark.Store(markNow())
	default:
		own.mark.Store(0)
	}
}

// note counts a client whose header is not there in time, once.
func (c *conn) note(err error) {
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	if mark := c.mark.Load(); mark < 0 && c.mark.CompareAndSwap(mark, 0) {
		c.from.tally.slowHeader.Add(1)
	}
}
