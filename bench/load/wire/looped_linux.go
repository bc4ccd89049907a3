package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// looped is a connection of a Loop.
type looped struct {
	fd     int
	client *Client
	// current is the exchange that is on it, its number so-and-so; nil: it is free.
	current *Exchange
	number  uint64

	connecting bool
	used       bool // an exchange has ended well on it
	heard      bool // something of the present answer has come

	out  []byte // what of the request has not been written
	head []byte // the beginning of a header that has not come to its end
	rest int64  // what of the body is still to come
	keep bool   // the answer says that the connection may be used again
}

// Join has a client's connections dealt with by a loop, as far as it can; before anything is sent. Names are for the resolver, and so
// for goroutines: a client whose address has one does not join.
func (c *Client) Join(l *Loop) {
	address, err := netip.ParseAddrPort(c.settings.Address)
	if err != nil || c.settings.TLS != nil || l == nil {
		return
	}
	c.loop, c.to = l, address
}

// fits says whether a loop can deal with an exchange: it writes in one go, and reads to the end of a body.
func (c *Client) fits(e *Exchange) bool {
	return c.loop != nil && !e.Stream && len(e.Body) == 0 && len(e.Request) <= mostAtOnce
}

// send sends an exchange on a connection that is free, or on a new one.
func (l *Loop) send(c *Client, e *Exchange) {
	if last := len(c.free) - 1; last >= 0 {
		cn := c.free[last]
		c.free = c.free[:last]
		l.begin(cn, e)
		l.write(cn)
		return
	}
	l.open(c, e)
}

// begin puts an exchange on a connection.
func (l *Loop) begin(cn *looped, e *Exchange) {
	cn.current, cn.out, cn.heard = e, e.Request, false
	cn.number++
	l.dues.add(due{e.Deadline.Sub(l.begun), cn, cn.number})
}

// open begins to connect.
func (l *Loop) open(c *Client, e *Exchange) {
	cn := &looped{client: c, connecting: true}
	var err error
	if cn.fd, err = dial(c.to); err != nil {
		e.end(&net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(c.to), Err: err})
		return
	}
	err = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, cn.fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(cn.fd)})
	if err != nil {
		unix.Close(cn.fd)
		e.end(os.NewSyscallError("epoll_ctl", err))
		return
	}
	if cn.fd >= len(l.byFD) {
		l.byFD = append(l.byFD, make([]*looped, cn.fd+64-len(l.byFD))...)
	}
	l.byFD[cn.fd] = cn
	l.begin(cn, e)
}

// dial begins to connect a socket.
func dial(to netip.AddrPort) (fd int, err error) {
	family, address := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: int(to.Port()), Addr: [4]byte{}})
	if ip := to.Addr().Unmap(); ip.Is4() {
		address.(*unix.SockaddrInet4).Addr = ip.As4()
	} else {
		family, address = unix.AF_INET6, &unix.SockaddrInet6{Port: int(to.Port()), Addr: ip.As16()}
	}
	if fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err = unix.Connect(fd, address); err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return -1, os.NewSyscallError("connect", err)
	}
	return fd, nil
}

// connected finds out how connecting has ended, and writes.
func (l *Loop) connected(cn *looped) {
	code, err := unix.GetsockoptInt(cn.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	if err != nil {
		l.gone(cn, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(cn.client.to), Err: os.NewSyscallError("connect", err)})
		return
	}
	cn.connecting = false
	cn.client.mu.Lock()
	cn.client.looped++
	cn.client.opened++
	cn.client.mu.Unlock()
	l.write(cn)
}

// transfer is read or write without telling the scheduler: the sockets do not block.
func transfer(call uintptr, fd int, b []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// write writes what of the request has not been.
func (l *Loop) write(cn *looped) {
	n, err := transfer(unix.SYS_WRITE, cn.fd, cn.out)
	if cn.out = cn.out[n:]; err == nil || err == unix.EAGAIN {
		return // what is left waits for the socket's word
	}
	// A server may answer and close before it has read everything: then there is an answer to be read.
	if l.read(cn, true); l.byFD[cn.fd] == cn && cn.current != nil {
		l.gone(cn, os.NewSyscallError("write", err))
	}
}

// read reads what has come; to the end, if the other side has said that it sends no more. Else a read that does not fill the buffer has emptied the
// socket, and what comes later is told again.
func (l *Loop) read(cn *looped, toEnd bool) {
	for {
		n, err := transfer(unix.SYS_READ, cn.fd, l.buffer[:])
		switch {
		case err == unix.EAGAIN:
			return
		case err != nil:
			l.gone(cn, os.NewSyscallError("read", err))
			return
		case n == 0:
			l.gone(cn, io.EOF)
			return
		}
		l.feed(cn, l.buffer[:n])
		if l.byFD[cn.fd] != cn || n < len(l.buffer) && !toEnd {
			return
		}
	}
}

// feed takes what has come.
func (l *Loop) feed(cn *looped, data []byte) {
	e := cn.current
	if e == nil {
		l.gone(cn, errUnasked)
		return
	}
	cn.heard = true
	if cn.rest > 0 {
		part := min(cn.rest, int64(len(data)))
		if cn.rest -= part; cn.rest == 0 {
			l.whole(cn, len(data) > int(part))
		}
		return
	}
	if len(cn.head) > 0 {
		cn.head = append(cn.head, data...)
		data = cn.head
	}
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 {
		if len(data) > mostHeader {
			l.gone(cn, errTooLong)
		} else if len(cn.head) == 0 {
			cn.head = append(cn.head, data...)
		}
		return
	}
	f, err := e.Answer.read(data[:end+4], cn.client.settings.Keep)
	switch {
	case err != nil:
		l.gone(cn, err)
		return
	case e.Answer.Status < 200, f.length < 0 && !e.bodiless():
		l.handOver(cn, data)
		return
	case e.bodiless():
		f.length = 0
	}
	data = data[end+4:]
	cn.head = cn.head[:0]
	e.Answer.Bytes, cn.keep = f.length, f.keep && !cn.client.settings.CloseEach
	if cn.rest = f.length - int64(len(data)); cn.rest <= 0 {
		l.whole(cn, cn.rest < 0)
	}
}

// whole ends an exchange whose answer has come; more says that something came behind it, which nobody had asked for.
func (l *Loop) whole(cn *looped, more bool) {
	e := cn.current
	cn.current, cn.rest, cn.used = nil, 0, true
	if cn.keep && !more && len(cn.out) == 0 {
		cn.client.free = append(cn.client.free, cn)
	} else {
		l.drop(cn)
	}
	e.end(nil)
}

// drop takes a connection out and closes it.
func (l *Loop) drop(cn *looped) {
	l.forget(cn)
	unix.Close(cn.fd)
}

func (l *Loop) forget(cn *looped) {
	l.byFD[cn.fd] = nil
	if !cn.connecting {
		cn.client.mu.Lock()
		cn.client.looped--
		cn.client.mu.Unlock()
	}
}

// gone takes a connection out that has ended for a reason, and deals with the exchange that was on it.
func (l *Loop) gone(cn *looped, why error) {
	l.drop(cn)
	e, c := cn.current, cn.client
	cn.current = nil
	if e == nil {
		if i := slices.Index(c.free, cn); i >= 0 {
			c.free = slices.Delete(c.free, i, i+1)
		}
		return
	}
	switch {
	case c.isClosed():
		e.end(errClosed)
	case cn.used && !cn.heard && e.Safe && !e.again && !errors.Is(why, ErrDeadline):
		e.again = true
		l.open(c, e)
	case cn.heard:
		e.end(cutShort(why))
	default:
		e.end(why)
	}
}

// handOver gives a connection, with what of an answer has come, to a goroutine of its own.
func (l *Loop) handOver(cn *looped, data []byte) {
	l.forget(cn)
	e := cn.current
	cn.current, e.Answer = nil, Answer{}
	_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, cn.fd, nil)
	file := os.NewFile(uintptr(cn.fd), "connection")
	nc, err := net.FileConn(file) // on a descriptor of its own
	file.Close()
	if err != nil {
		e.end(err)
		return
	}
	cn.client.adopt(nc, e, data, cn.used)
}
