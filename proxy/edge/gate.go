package edge

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// gate knows the open connections. One goroutine accepts and waits for room; any may close.
type gate struct {
	// freed wakes the one that waits.
	freed chan struct{}

	mu     sync.Mutex
	open   int
	limit  int
	waited uint64
	// newest begins the list of the open connections.
	newest *conn
	// clients counts them by address. It has no more entries than there are connections.
	clients   map[netip.Addr]int
	perClient int
}

func newGate(limit, perClient int) *gate {
	return &gate{limit: limit, perClient: perClient, freed: make(chan struct{}, 1), clients: map[netip.Addr]int{}}
}

// free reports whether there is room for one more connection; waits is set when somebody begins to wait for it.
func (g *gate) free(waits bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open < g.limit {
		return true
	}
	if waits {
		g.waited++
	}
	return false
}

// enter takes a connection in; false: its client, if it is to be counted, has as many as one may have.
func (g *gate) enter(c *conn, client netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if client.IsValid() {
		if g.clients[client] >= g.perClient {
			return false
		}
		g.clients[client]++
	}
	c.client = client
	if c.older = g.newest; c.older != nil {
		c.older.newer = c
	}
	g.newest = c
	g.open++
	return true
}

// leave takes it out.
func (g *gate) leave(c *conn) {
	g.mu.Lock()
	g.open--
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		g.newest = c.older
	}
	if c.older != nil {
		c.older.newer = c.newer
	}
	c.older, c.newer = nil, nil
	if c.client.IsValid() {
		if g.clients[c.client]--; g.clients[c.client] == 0 {
			delete(g.clients, c.client)
		}
	}
	g.mu.Unlock()
	g.wake()
}

func (g *gate) setLimits(limit, perClient int) {
	g.mu.Lock()
	g.limit, g.perClient = limit, perClient
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
	// doubt follows what net/http reads as HTTP/1.1; nil where somebody else does.
	doubt  *doubt
	secure bool
	// before is what the fast lane had read when it gave the connection away.
	before []byte
	// introducing is set until a balancer has said for whom it connects, source is whom it named, nil if nobody; shaking during TLS's handshake.
	introducing, shaking atomic.Bool
	source               *net.TCPAddr
	// mark says since when it waits for a request, or, negative, for the rest of a request's header; 0 if for neither. See idle.go.
	mark atomic.Int64

	// The gate's: whom it counts for, its neighbours, and who closes it if nothing is under way; nil for net/http.
	client       netip.Addr
	older, newer *conn
	idler        idler
}

// Read reads what was read before, then what comes.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.before) > 0 {
		n := copy(p, c.before)
		c.before = c.before[n:]
		c.heard(p[:n])
		return n, nil
	}
	n, err := c.TCPConn.Read(p)
	c.note(err)
	c.heard(p[:n])
	if !c.effort.took(n) {
		c.from.flooded(c)
		return 0, net.ErrClosed
	}
	return n, err
}

// heard is told what was read of a connection that is not TLS; of one that is overTLS is.
func (c *conn) heard(p []byte) {
	if !c.secure {
		c.doubt.heard(p)
	}
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
		c.gate.leave(c)
		if c.server != nil {
			c.server.open.Add(-1)
		}
	}
	if c.TCPConn == nil {
		return nil // the fast lane has it
	}
	return c.TCPConn.Close()
}
