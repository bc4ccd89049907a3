package edge

import (
	"net/netip"
	"time"
)

// Servers is how many http.Servers the listener holds.
func Servers(l *Listener) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.servers)
}

// Walk reads X-Forwarded-For.
func Walk(lines []string, peer netip.Addr, trust []netip.Prefix) netip.Addr {
	return walk(lines, peer, &policy{Settings: Settings{TrustedProxies: trust}})
}

// Age makes what every connection waits for older.
func (l *Listener) Age(by time.Duration) {
	l.gate.mu.Lock()
	defer l.gate.mu.Unlock()
	for c := l.gate.newest; c != nil; c = c.older {
		switch mark := c.mark.Load(); {
		case mark > 0:
			c.mark.CompareAndSwap(mark, max(mark-int64(by), 1))
		case mark < 0:
			c.mark.CompareAndSwap(mark, min(mark+int64(by), -1))
		}
	}
}

// Idle is how many connections wait for a request, Heading for the rest of one's header.
func (l *Listener) Idle() int    { return len(l.gate.marked(markNow(), false)) }
func (l *Listener) Heading() int { return len(l.gate.marked(markNow(), true)) }
