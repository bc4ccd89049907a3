package wire

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Settings describes a Client. Address is needed.
type Settings struct {
	// Address is host:port of whom requests go to.
	Address string
	// TLS makes connections secure; nil leaves them plain.
	TLS *tls.Config
	// Keep is the name of a field of answers' headers that is kept besides those that always are; "" is none.
	Keep string
	// CloseEach opens a connection for every request, and does not use it again. Requests should say Connection: close.
	CloseEach bool
}

// Client keeps connections to one server. Its methods may be called by several goroutines.
type Client struct {
	settings Settings
	dial     func(context.Context, string, string) (net.Conn, error)
	// opening is done when the client is closed.
	opening context.Context
	close   context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
	idle   []*conn // the one that was used last is used first, and so no more are open than there is use for
	all    map[*conn]bool
	looped int // connections of the loop
	opened uint64

	// loop deals with connections in one goroutine, to which free belongs; nil: each has its own.
	loop *Loop
	to   netip.AddrPort
	free []*looped
}

// New makes a client. It opens no connection.
func New(s Settings) *Client {
	c := &Client{settings: s, all: map[*conn]bool{}}
	// No keep-alive probes: these are four system calls a connection, and an overload makes thousands of them.
	plain := &net.Dialer{KeepAlive: -1}
	c.dial = plain.DialContext
	if s.TLS != nil {
		c.dial = (&tls.Dialer{NetDialer: plain, Config: s.TLS}).DialContext
	}
	c.opening, c.close = context.WithCancel(context.Background())
	return c
}

// Send sends an exchange and returns without waiting for its end.
func (c *Client) Send(e *Exchange) {
	e.Answer, e.Err, e.again = Answer{}, nil, false
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		e.end(errClosed)
		return
	}
	if c.fits(e) && len(c.idle) == 0 {
		c.mu.Unlock()
		c.loop.send(c, e)
		return
	}
	if last := len(c.idle) - 1; last >= 0 {
		cn := c.idle[last]
		c.idle = c.idle[:last]
		cn.current.Store(e)
		c.mu.Unlock()
		cn.write(e.Request, e.Body, e.Deadline)
		return
	}
	c.open(e)
	c.mu.Unlock()
}

// open begins to open a connection for an exchange. The client's lock is held.
func (c *Client) open(e *Exchange) {
	c.running.Go(func() {
		ctx, cancel := context.WithDeadline(c.opening, e.Deadline)
		nc, err := c.dial(ctx, "tcp", c.settings.Address)
		cancel()
		switch {
		case err == nil:
			c.serve(nc, e)
		case !time.Now().Before(e.Deadline):
			e.end(ErrDeadline)
		default:
			e.end(err)
		}
	})
}

// serve runs a new connection until it ends.
func (c *Client) serve(nc net.Conn, e *Exchange) {
	cn := &conn{client: c, net: nc, buf: make([]byte, bufferSize)}
	if c.add(cn, e) {
		c.mu.Lock()
		c.opened++
		c.mu.Unlock()
		cn.write(e.Request, e.Body, e.Deadline)
		cn.run()
	}
}

// add takes in a connection with an exchange on it, if the client is not closed.
func (c *Client) add(cn *conn, e *Exchange) bool {
	cn.current.Store(e)
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.all[cn] = true
	}
	c.mu.Unlock()
	if closed {
		cn.net.Close()
		e.end(errClosed)
	}
	return !closed
}

// adopt runs a connection of a loop, on which the beginning of an answer has come, until it ends.
func (c *Client) adopt(nc net.Conn, e *Exchange, came []byte, used bool) {
	cn := &conn{client: c, net: nc, buf: make([]byte, max(bufferSize, len(came))), used: used, to: len(came), armed: e.Deadline}
	copy(cn.buf, came)
	_ = nc.SetReadDeadline(e.Deadline)
	if c.add(cn, e) {
		c.running.Go(cn.run)
	}
}

func (c *Client) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// put makes a connection free.
func (c *Client) put(cn *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cn.current.Store(nil)
	cn.used = true
	c.idle = append(c.idle, cn)
}

// gone takes a connection out that has ended for a reason, and deals with the exchange that was on it.
func (c *Client) gone(cn *conn, why error) {
	cn.net.Close()
	c.mu.Lock()
	delete(c.all, cn)
	for i, other := range c.idle {
		if other == cn {
			c.idle = append(c.idle[:i], c.idle[i+1:]...)
			break
		}
	}
	e := cn.current.Load()
	retry := e != nil && cn.used && !cn.heard && e.Safe && !e.again && !c.closed && why != ErrDeadline
	if retry {
		e.again = true
		c.open(e)
	}
	closed := c.closed
	c.mu.Unlock()
	switch {
	case e == nil || retry || cn.told:
	case closed:
		e.end(errClosed)
	default:
		e.end(why)
	}
}

// Connections is how many are open, and how many have been opened in all.
func (c *Client) Connections() (open int, opened uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all) + c.looped, c.opened
}

// Close ends every connection and what is under way, and waits for it. What is sent after that ends at once.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	for cn := range c.all {
		cn.net.Close()
	}
	c.mu.Unlock()
	c.close()
	c.running.Wait()
}
