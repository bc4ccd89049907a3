package forward

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
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
	// reading is set while the transport reads.
	reading atomic.Bool

	// dead is closed when nothing can be read any more.
	dead chan struct{}
	die  sync.Once

	// raw is for trial, nil where the connection cannot be asked whether something has arrived (TLS).
	raw   syscall.RawConn
	trial trial
}

// trial is a read that does not wait. Only one goroutine reads a connection at a time.
type trial struct {
	p    []byte
	n    int
	err  error
	done bool
	// call is try as a value, made once.
	call func(fd uintptr) bool
}

func newConn(c net.Conn, buffers *sync.Pool) *conn {
	wrapped := &conn{Conn: c, buffers: buffers, dead: make(chan struct{})}
	if plain, ok := c.(*net.TCPConn); ok {
		// Without a raw connection every read counts as one that waits.
		wrapped.raw, _ = plain.SyscallConn()
	}
	wrapped.trial.call = wrapped.trial.try
	return wrapped
}

// read sends off what the client has not seen yet before it waits for the endpoint.
func (c *conn) read(p []byte) (int, error) {
	a := c.attempt.Load()
	if a == nil || !a.head.inBody() {
		return c.Conn.Read(p)
	}
	if n, err, done := c.readNow(p); done {
		return n, err
	}
	a.head.beforeWait()
	return c.Conn.Read(p)
}

// readNow reads if that does not wait.
func (c *conn) readNow(p []byte) (n int, err error, done bool) {
	if c.raw == nil || len(p) == 0 {
		return 0, nil, false
	}
	t := &c.trial
	t.p, t.n, t.err, t.done = p, 0, nil, false
	err = c.raw.Read(t.call)
	t.p = nil
	if err != nil {
		return 0, nil, false
	}
	return t.n, t.err, t.done
}

func (c *conn) Read(p []byte) (int, error) {
	c.reading.Store(true)
	n, err := c.read(p)
	c.reading.Store(false)
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

// inStep waits until the transport has used up all that came, or has found more than was asked for and closed. It gives a connection
// away before it looks: the next request would be answered with what was left over of the last one.
func (c *conn) inStep() {
	for spins := 0; !c.reading.Load(); spins++ {
		select {
		case <-c.dead:
			return
		default:
		}
		if spins < 100 {
			runtime.Gosched()
		} else {
			time.Sleep(20 * time.Microsecond)
		}
	}
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
