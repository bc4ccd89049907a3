package forward

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// conn is a connection to an endpoint that remembers what the endpoint did on it, as evidence.
type conn struct {
	net.Conn
	buffers *sync.Pool
	// attempt is the exchange that uses the connection.
	attempt atomic.Pointer[attempt]
	// received is set when bytes came since the attempt took the connection, unasked when they came while nobody had it,
	// ended when the endpoint ended it.
	received atomic.Bool
	unasked  atomic.Bool
	ended    atomic.Bool

	// dead is closed when nothing can be read any more.
	dead chan struct{}
	die  sync.Once
}

func newConn(c net.Conn, buffers *sync.Pool) *conn {
	return &conn{Conn: c, buffers: buffers, dead: make(chan struct{})}
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.received.Load() {
		c.received.Store(true)
	}
	if n > 0 && c.attempt.Load() == nil {
		c.unasked.Store(true)
	}
	if err != nil {
		if !errors.Is(err, net.ErrClosed) {
			c.ended.Store(true)
		}
		c.die.Do(func() { close(c.dead) })
	}
	return n, err
}

// Write holds an error back until everything that the endpoint had sent was read. An endpoint that answers early and
// closes makes writing fail while its answer is still in the receive buffer; the transport would drop the answer.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if n > 0 {
		if a := c.attempt.Load(); a != nil && !a.sent.Load() {
			a.sent.Store(true)
		}
	}
	if err != nil {
		<-c.dead
	}
	return n, err
}

// ReadFrom keeps io.Copy from making a buffer for every upload.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	buf := c.buffers.Get().(*[copyBuffer]byte)
	defer c.buffers.Put(buf)
	return io.CopyBuffer(onlyWriter{c}, r, buf[:])
}

type onlyWriter struct{ io.Writer }

func (c *conn) Close() error {
	err := c.Conn.Close()
	c.die.Do(func() { close(c.dead) })
	if a := c.attempt.Load(); a != nil {
		a.upload.connClosed()
	}
	return err
}

// CloseWrite ends a tunnel in one direction.
func (c *conn) CloseWrite() error {
	switch half := c.Conn.(type) {
	case *net.TCPConn:
		return half.CloseWrite()
	case *tls.Conn:
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
