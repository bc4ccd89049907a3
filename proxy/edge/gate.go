package edge

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// gate counts open connections. One goroutine accepts and waits for room; any may close.
type gate struct {
	// freed wakes the one that waits.
	freed chan struct{}

	mu     sync.Mutex
	open   int
	limit  int
	waited uint64
}

func newGate(limit int) *gate { return &gate{limit: limit, freed: make(chan struct{}, 1)} }

// room waits until there is room for one more connection; false means that done came first.
func (g *gate) room(done <-chan struct{}) bool {
	for first := true; ; first = false {
		g.mu.Lock()
		free := g.open < g.limit
		if !free && first {
			g.waited++
		}
		g.mu.Unlock()
		if free {
			return true
		}
		select {
		case <-g.freed:
		case <-done:
			return false
		}
	}
}

func (g *gate) add(n int) {
	g.mu.Lock()
	g.open += n
	g.mu.Unlock()
	g.wake()
}

func (g *gate) setLimit(limit int) {
	g.mu.Lock()
	g.limit = limit
	g.mu.Unlock()
	g.wake()
}

func (g *gate) wake() {
	select {
	case g.freed <- struct{}{}:
	default:
	}
}

func (g *gate) state() (open, limit int, waited uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open, g.limit, g.waited
}

// conn is a connection that gives its place back when it is closed. It embeds the TCP connection, not net.Conn: net/http
// needs CloseWrite to end a connection without destroying the last response.
type conn struct {
	*net.TCPConn
	gate   *gate
	server *server
	closed atomic.Bool
	from   *Listener
	// effort counts what costs us something and is no request; nil where there is no HTTP/2.
	effort *effort
	// before is what the fast lane had read when it gave the connection away.
	before []byte
}

// Read reads what was read before, then what comes.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.before) > 0 {
		n := copy(p, c.before)
		c.before = c.before[n:]
		return n, nil
	}
	n, err := c.TCPConn.Read(p)
	if !c.effort.took(n) {
		c.from.flooded(c)
		return 0, net.ErrClosed
	}
	return n, err
}

// WriteTo does not leave out what was read before.
func (c *conn) WriteTo(w io.Writer) (int64, error) {
	if len(c.before) == 0 {
		return c.TCPConn.WriteTo(w)
	}
	n, err := w.Write(c.before)
	c.before = c.before[n:]
	if err != nil {
		return int64(n), err
	}
	more, err := c.TCPConn.WriteTo(w)
	return int64(n) + more, err
}

// Close closes the connection.
func (c *conn) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		c.gate.add(-1)
		if c.server != nil {
			c.server.open.Add(-1)
		}
	}
	if c.TCPConn == nil {
		return nil // the fast lane has it
	}
	return c.TCPConn.Close()
}
