package wire

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// bufferSize is what a connection reads at a time, in bytes; more only for long headers and bodies.
	bufferSize = 4 << 10
	// bulkSize is the buffer for long bodies.
	bulkSize = 64 << 10
	// mostHeader bounds a response's header.
	mostHeader = 64 << 10
	// mostAtOnce is the length up to which a request is written by whoever sends it.
	mostAtOnce = 16 << 10
)

// conn is a connection. Its goroutine reads, whoever has taken it writes.
type conn struct {
	client *Client
	net    net.Conn
	// current is the exchange that is on it; nil if it is free.
	current atomic.Pointer[Exchange]
	// used says that an exchange has ended well on it.
	used bool
	// heard says that something of the present answer has come, told that Done has been called although the body goes on.
	heard, told bool

	// buf holds what has been read and not looked at between from and to.
	buf      []byte
	from, to int

	// bulk says that a large body is being written.
	bulk atomic.Bool

	mu sync.Mutex // of writing, and of the timer
	// armed is the deadline that is set on the socket; zero if none is. It is not moved for every request: who wakes up too early
	// sets it again.
	armed time.Time
}

// write sends a request. If that fails the reader notices, for the connection is closed.
func (c *conn) write(request, body []byte, deadline time.Time) {
	c.mu.Lock()
	if c.armed.IsZero() || deadline.Before(c.armed) {
		c.armed = deadline
		_ = c.net.SetReadDeadline(deadline)
	}
	if len(request)+len(body) > mostAtOnce {
		c.bulk.Store(true)
		c.client.running.Go(func() {
			defer c.mu.Unlock()
			_ = c.net.SetWriteDeadline(deadline)
			c.writeAll(request, body)
			_ = c.net.SetWriteDeadline(time.Time{})
			c.bulk.Store(false)
		})
		return
	}
	defer c.mu.Unlock()
	c.writeAll(request, body)
}

// writeAll sends both as one message where the system can.
func (c *conn) writeAll(request, body []byte) {
	var err error
	if len(body) == 0 {
		_, err = c.net.Write(request)
	} else {
		_, err = (&net.Buffers{request, body}).WriteTo(c.net)
	}
	// A server may answer and close before it has read everything: then there is an answer to be read.
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		if half, can := c.net.(interface{ CloseWrite() error }); !can || half.CloseWrite() != nil {
			c.net.Close()
		}
	}
}

// run reads answers until the connection ends.
func (c *conn) run() {
	for {
		c.heard, c.told = false, false
		if c.from == c.to {
			if err := c.more(); err != nil {
				c.client.gone(c, err)
				return
			}
		}
		e := c.current.Load()
		if e == nil { // nobody asked
			c.client.gone(c, errUnasked)
			return
		}
		c.heard = true
		keep, err := c.answer(e)
		if err != nil {
			c.client.gone(c, err)
			return
		}
		told := c.told
		// Who was answered before the end of a large body has a connection on which that is still being written.
		keep = keep && !c.client.settings.CloseEach && !c.bulk.Load()
		if keep {
			c.client.put(c)
		} else {
			c.current.Store(nil)
			c.client.gone(c, nil)
		}
		if !told {
			e.end(nil)
		}
		if !keep {
			return
		}
	}
}

// more reads something into the buffer.
func (c *conn) more() error {
	if c.from == c.to {
		c.from, c.to = 0, 0
	} else if c.to == len(c.buf) {
		if c.from > 0 {
			c.to = copy(c.buf, c.buf[c.from:c.to])
			c.from = 0
		} else {
			c.buf = append(c.buf, make([]byte, len(c.buf))...)
		}
	}
	for {
		n, err := c.net.Read(c.buf[c.to:])
		c.to += n
		if n > 0 {
			return nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if !c.rearm() {
			return ErrDeadline
		}
	}
}

// rearm sets the socket's deadline to that of the present exchange, and reports whether that lies ahead.
func (c *conn) rearm() bool {
	// Not under the lock of writing: a body that cannot be written must not keep its client waiting.
	e := c.current.Load()
	if e != nil && !c.told && !time.Now().Before(e.Deadline) {
		return false
	}
	if !c.mu.TryLock() {
		// Somebody writes, and so knows a deadline that counts: look again soon.
		_ = c.net.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		return true
	}
	defer c.mu.Unlock()
	c.armed = time.Time{}
	if e = c.current.Load(); e != nil && !c.told {
		c.armed = e.Deadline
	}
	_ = c.net.SetReadDeadline(c.armed)
	return true
}
