package http1

import (
	"io"
	"os"
	"runtime"
	"syscall"
)

// Conn is a connection of one side. One goroutine reads and writes it.
type Conn struct {
	Socket

	// buf holds what was read and not used, from r to w; nil while that is nothing and the connection waits.
	buf  []byte
	r, w int
	// wide is set when larger pieces are worth it.
	wide bool
	// pinned is set while a message's texts are windows on buf; held is the buffer that they are on if reading has gone on in another.
	pinned bool
	held   []byte
}

// Reset makes c a connection that has read nothing.
func (c *Conn) Reset(s Socket) { *c = Conn{Socket: s} }

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
	if c.r < c.w {
		if err := c.room(); err != nil {
			return err
		}
	}
	// What was just asked for is not there yet, and others are ready to run: after them it may be, which saves a read in vain and waking up.
	runtime.Gosched()
	for {
		n, errno := c.tryRead()
		if errno != syscall.EAGAIN {
			return c.took(n, errno)
		}
		if err := c.slot.wait(&c.slot.read); err != nil {
			return err
		}
	}
}

// FillNow reads what there is, and does not wait. It reports whether there was something.
func (c *Conn) FillNow() (bool, error) {
	if c.r < c.w {
		if err := c.room(); err != nil {
			return false, err
		}
	}
	n, errno := c.tryRead()
	if errno == syscall.EAGAIN {
		return false, nil
	}
	return n > 0, c.took(n, errno)
}

func (c *Conn) took(n int, errno syscall.Errno) error {
	switch {
	case errno != 0:
		return os.NewSyscallError("read", errno)
	case n == 0:
		return io.EOF
	}
	c.w += n
	return nil
}

func (c *Conn) tryRead() (n int, errno syscall.Errno) {
	if c.r == c.w {
		_ = c.room() // it can only fail while something is buffered
	}
	for {
		n, errno = sysRead(c.fd, c.buf[c.w:])
		switch errno {
		case 0:
			return n, 0
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			c.Rest()
		}
		return 0, errno
	}
}

// Write writes all of p. With an error it says how much was written; after a deadline the rest may be tried again.
func (c *Conn) Write(p []byte) (written int, err error) {
	for written < len(p) {
		n, errno := sysWrite(c.fd, p[written:])
		switch errno {
		case 0:
			written += n
		case syscall.EINTR:
		case syscall.EAGAIN:
			if err := c.slot.wait(&c.slot.write); err != nil {
				return written, err
			}
		default:
			return written, os.NewSyscallError("write", errno)
		}
	}
	return written, nil
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
	return c.look()
}

// look is Peek at the socket.
func (s Socket) look() Sight {
	for {
		switch n, errno := sysPeek(s.fd); {
		case errno == syscall.EINTR:
		case errno == syscall.EAGAIN:
			return Quiet
		case errno != 0 || n == 0:
			return Ended
		default:
			return Data
		}
	}
}

// Close closes the connection and gives its buffer back.
func (c *Conn) Close() error {
	c.drop()
	return c.Socket.Close()
}

// drop gives the buffer back, whatever is in it.
func (c *Conn) drop() {
	c.Unpin()
	if c.buf != nil {
		Release(c.buf)
		c.buf, c.r, c.w = nil, 0, 0
	}
}
