package http1

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
)

// epoch is where the clock of deadlines begins: it must not move with the time of day.
var epoch = time.Now()

// Now is the time on the clock of deadlines.
func Now() time.Duration { return time.Since(epoch) }

// Conn is a connection of one side. One goroutine reads and writes it.
type Conn struct {
	tcp *net.TCPConn
	raw syscall.RawConn

	// buf holds what was read and not used, from r to w; nil while that is nothing and the connection waits.
	buf  []byte
	r, w int
	// wide is set when larger pieces are worth it.
	wide bool
	// pinned is set while a message's texts are windows on buf; held is the buffer that they are on if reading has gone on in another.
	pinned bool
	held   []byte

	// Where the deadlines stand on the clock Now; 0 where that is not known.
	readBy, writeBy time.Duration

	in, out operation
	peeked  operation
}

// operation is a read or write that the poller calls back.
type operation struct {
	p   []byte
	n   int
	err syscall.Errno
	// end is set when a read found the end.
	end bool
	// call and once are the function as a value, made once: once is for what must not wait.
	call func(fd uintptr) bool
	once func(fd uintptr)
}

// Reset makes c a connection that has read nothing.
func (c *Conn) Reset(tcp *net.TCPConn) error {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return fmt.Errorf("taking a connection over: %w", err)
	}
	*c = Conn{tcp: tcp, raw: raw}
	c.in.call, c.out.call, c.peeked.call = c.tryRead, c.tryWrite, c.tryPeek
	c.in.once = func(fd uintptr) { c.tryRead(fd) }
	c.peeked.once = func(fd uintptr) { c.tryPeek(fd) }
	return nil
}

// TCP is the connection itself.
func (c *Conn) TCP() *net.TCPConn { return c.tcp }

// Buffered is what was read and not used.
func (c *Conn) Buffered() []byte { return c.buf[c.r:c.w] }

// Skip uses n bytes of what is buffered. What was a window on them stays good until the next Fill.
func (c *Conn) Skip(n int) { c.r += n }

// Pin keeps the windows on what is buffered good until Unpin, whatever is read meanwhile.
func (c *Conn) Pin() { c.pinned = true }

// Unpin ends what Pin began.
func (c *Conn) Unpin() {
	c.pinned, c.wide = false, false
	if c.held != nil {
		Release(c.held)
		c.held = nil
	}
}

// Unread takes back that n bytes were used. Nothing must have been read since.
func (c *Conn) Unread(n int) { c.r -= n }

// Rest gives the buffer back if nothing is in it.
func (c *Conn) Rest() {
	if c.r == c.w && c.buf != nil && !c.pinned {
		Release(c.buf)
		c.buf, c.r, c.w = nil, 0, 0
	}
}

// Widen makes the pieces of what is read next larger.
func (c *Conn) Widen() { c.wide = true }

// room makes room for more. Windows on what was used are lost, unless they are pinned.
func (c *Conn) room() error {
	switch {
	case c.pinned:
		c.held, c.pinned = c.buf, false
		c.buf = Buffer()[:smallBuffer]
		if c.wide || c.w-c.r > smallBuffer/2 {
			Release(c.buf)
			c.buf = largeBuffer()[:LargeBuffer]
		}
		c.w = copy(c.buf, c.held[c.r:c.w])
		c.r = 0
	case c.r == c.w && c.wide && cap(c.buf) < LargeBuffer:
		Release(c.buf)
		c.buf = largeBuffer()[:LargeBuffer]
		c.r, c.w = 0, 0
	case c.buf == nil:
		c.buf = Buffer()[:smallBuffer]
		c.r, c.w = 0, 0
	case c.r == c.w:
		c.r, c.w = 0, 0
	case c.w < len(c.buf):
	case c.r > 0:
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	case len(c.buf) < LargeBuffer:
		larger := largeBuffer()[:LargeBuffer]
		copy(larger, c.buf[:c.w])
		Release(c.buf)
		c.buf = larger
	default:
		return ErrTooLarge
	}
	return nil
}

// Fill reads what there is, and waits if there is nothing. While it waits it has no buffer if nothing is in it.
func (c *Conn) Fill() error {
	c.in.n, c.in.err, c.in.end = 0, 0, false
	if c.r < c.w {
		if err := c.room(); err != nil {
			return err
		}
	}
	// What was just asked for is not there yet, and others are ready to run: after them it may be, which saves a read in vain and waking up.
	runtime.Gosched()
	if err := c.raw.Read(c.in.call); err != nil {
		return err
	}
	return c.took()
}

// FillNow reads what there is, and does not wait. It reports whether there was something.
func (c *Conn) FillNow() (bool, error) {
	c.in.n, c.in.err, c.in.end = 0, 0, false
	if c.r < c.w {
		if err := c.room(); err != nil {
			return false, err
		}
	}
	if err := c.raw.Control(c.in.once); err != nil {
		return false, err
	}
	if c.in.err == syscall.EAGAIN {
		return false, nil
	}
	return c.in.n > 0, c.took()
}

func (c *Conn) took() error {
	switch {
	case c.in.err != 0:
		return os.NewSyscallError("read", c.in.err)
	case c.in.end:
		return io.EOF
	}
	c.w += c.in.n
	return nil
}

func (c *Conn) tryRead(fd uintptr) bool {
	if c.r == c.w {
		_ = c.room() // it can only fail while something is buffered
	}
	for {
		n, errno := sysRead(fd, c.buf[c.w:])
		switch errno {
		case 0:
			c.in.n, c.in.err, c.in.end = n, 0, n == 0
			return true
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			c.Rest()
			c.in.err = errno
			return false
		default:
			c.in.err = errno
			return true
		}
	}
}

// Write writes all of p. With an error it says how much was written; after a deadline the rest may be tried again.
func (c *Conn) Write(p []byte) (int, error) {
	c.out.p, c.out.n, c.out.err = p, 0, 0
	err := c.raw.Write(c.out.call)
	c.out.p = nil
	if err == nil && c.out.err != 0 {
		err = os.NewSyscallError("write", c.out.err)
	}
	return c.out.n, err
}

func (c *Conn) tryWrite(fd uintptr) bool {
	for c.out.n < len(c.out.p) {
		n, errno := sysWrite(fd, c.out.p[c.out.n:])
		switch errno {
		case 0:
			c.out.n += n
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			c.out.err = errno
			return true
		}
	}
	return true
}

// What a look at a connection finds.
type Sight uint8

// The sights.
const (
	// Quiet: there is nothing to read.
	Quiet Sight = iota
	// Data: there is.
	Data
	// Ended: the other side has closed, or the connection is broken.
	Ended
)

// Peek looks whether the other side has sent something or left, without reading it and without waiting.
func (c *Conn) Peek() Sight {
	if c.r < c.w {
		return Data
	}
	if err := c.raw.Control(c.peeked.once); err != nil {
		return Ended
	}
	return c.sight()
}

func (c *Conn) sight() Sight {
	switch {
	case c.peeked.err == syscall.EAGAIN:
		return Quiet
	case c.peeked.err != 0 || c.peeked.n == 0:
		return Ended
	}
	return Data
}

func (c *Conn) tryPeek(fd uintptr) bool {
	for {
		c.peeked.n, c.peeked.err = sysPeek(fd)
		if c.peeked.err != syscall.EINTR {
			return c.peeked.err != syscall.EAGAIN
		}
	}
}

// ReadBy sees to it that a read ends between two instants. Where the deadline stands between them already it is not touched.
func (c *Conn) ReadBy(earliest, latest time.Duration) {
	if c.readBy >= earliest && c.readBy <= latest && c.readBy != 0 {
		return
	}
	c.readBy = latest
	// A connection that takes no deadline is closed, and the read will say so.
	_ = c.tcp.SetReadDeadline(epoch.Add(latest))
}

// WriteBy is the same for writes.
func (c *Conn) WriteBy(earliest, latest time.Duration) {
	if c.writeBy >= earliest && c.writeBy <= latest && c.writeBy != 0 {
		return
	}
	c.writeBy = latest
	_ = c.tcp.SetWriteDeadline(epoch.Add(latest))
}

// Unbound takes the deadlines away.
func (c *Conn) Unbound() {
	c.readBy, c.writeBy = 0, 0
	_ = c.tcp.SetDeadline(time.Time{})
}

// Close closes the connection and gives its buffer back.
func (c *Conn) Close() error {
	c.Unpin()
	if c.buf != nil {
		Release(c.buf)
		c.buf, c.r, c.w = nil, 0, 0
	}
	return c.tcp.Close()
}

// Late reports whether an error is a deadline that has passed.
func Late(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
