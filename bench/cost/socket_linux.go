package cost

import (
	"bytes"
	"fmt"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// socket is one connection, of either end: the one reads answers and writes requests, the other the other way round.
type socket struct {
	fd     int
	client bool

	// partial is the beginning of a header; skip is what of the message's body is still to come.
	partial []byte
	inBody  bool
	skip    int64
	// of the message that is read: its length, a client's status, an origin's answer.
	length int64
	status int
	answer request
	hold   bool

	// what waits until the other side reads: bytes, and after them a body of so many.
	out     []byte
	outBody int64
	armed   bool // EPOLLOUT

	asked    bool  // a client waits for an answer
	want     int64 // of that length; 0: of any
	closes   bool  // the answer says so
	intended time.Duration
}

// filler is what bodies are made of.
var filler [256 << 10]byte

const mostHeader = 64 << 10

// read reads once; what is left is told by the next wait.
func (e *ends) read(s *socket) {
	n, errno := transfer(syscall.SYS_READ, s.fd, e.buffer[:])
	if errno == syscall.EAGAIN || errno == syscall.EINTR {
		return
	}
	if n <= 0 || errno != 0 {
		e.over(s)
		return
	}
	data := e.buffer[:n]
	if len(s.partial) > 0 {
		data = append(s.partial, data...)
		s.partial = nil
	}
	for len(data) > 0 && e.byFD[s.fd] == s {
		if s.inBody {
			part := min(s.skip, int64(len(data)))
			s.skip -= part
			data = data[part:]
			if s.client {
				e.count.bytes += part
			}
		} else {
			end := bytes.Index(data, []byte("\r\n\r\n"))
			if end < 0 {
				if len(data) > mostHeader {
					e.failed = fmt.Errorf("a header of more than %d bytes", mostHeader)
				}
				s.partial = bytes.Clone(data)
				return
			}
			if err := s.parse(data[:end+2]); err != nil {
				e.failed = err
				return
			}
			s.inBody = true
			data = data[end+4:]
		}
		if s.inBody && s.skip == 0 {
			s.inBody = false
			e.whole(s)
		}
	}
}

// whole deals with a message that is complete.
func (e *ends) whole(s *socket) {
	switch {
	case s.client && s.status < 200: // 1xx
	case s.client:
		e.answered(s)
	case s.hold:
		e.held = append(e.held, s)
	default:
		e.write(s, s.answer.head, s.answer.body)
	}
}

// release answers what was held back.
func (e *ends) release() {
	for _, s := range e.held {
		if e.byFD[s.fd] == s {
			e.write(s, s.answer.head, s.answer.body)
		}
	}
	e.held = e.held[:0]
}

func (e *ends) over(s *socket) {
	if s.client {
		e.lost(s)
	} else {
		e.drop(s)
	}
}

// write sends a header and a body of so many bytes, as far as the other side takes them.
func (e *ends) write(s *socket, head []byte, body int64) {
	s.out, s.outBody = head, body
	e.flush(s)
}

func (e *ends) flush(s *socket) {
	for len(s.out) > 0 || s.outBody > 0 {
		next := s.out
		if len(next) == 0 {
			next = filler[:min(s.outBody, int64(len(filler)))]
		}
		n, errno := transfer(syscall.SYS_WRITE, s.fd, next)
		switch {
		case errno == syscall.EAGAIN:
			e.arm(s, true)
			return
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			e.over(s)
			return
		case len(s.out) > 0:
			s.out = s.out[n:]
		default:
			s.outBody -= int64(n)
		}
	}
	e.arm(s, false)
}

// arm asks to be told when the socket can be written to, or not any more.
func (e *ends) arm(s *socket, out bool) {
	if s.armed == out {
		return
	}
	s.armed = out
	events := uint32(syscall.EPOLLIN)
	if out {
		events |= syscall.EPOLLOUT
	}
	if err := e.watch(s.fd, events, syscall.EPOLL_CTL_MOD); err != nil {
		e.failed = fmt.Errorf("watching a socket: %w", err)
	}
}

// transfer reads or writes. The socket does not block, so the scheduler need not be told.
func transfer(call uintptr, fd int, data []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)))
	return int(n), errno
}

// parse reads a header without its empty line.
func (s *socket) parse(head []byte) error {
	line, fields, _ := bytes.Cut(head, []byte("\r\n"))
	s.skip, s.length, s.closes = 0, 0, false
	if s.client {
		if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
			return fmt.Errorf("an answer begins with %q: want HTTP/1.1", line)
		}
		s.status = int(line[9]-'0')*100 + int(line[10]-'0')*10 + int(line[11]-'0')
	} else if err := s.resolve(line); err != nil {
		return err
	}
	for len(fields) > 0 {
		var field []byte
		field, fields, _ = bytes.Cut(fields, []byte("\r\n"))
		// By length and first letter first: this is most of what the ends themselves cost.
		switch {
		case len(field) > 15 && field[0]|0x20 == 'c' && bytes.EqualFold(field[:15], []byte("content-length:")):
			n, err := strconv.ParseInt(string(bytes.TrimSpace(field[15:])), 10, 64)
			if err != nil || n < 0 {
				return fmt.Errorf("%q: want a length", field)
			}
			s.skip, s.length = n, n
		case len(field) >= 17 && field[0]|0x20 == 'c' && bytes.EqualFold(field[:11], []byte("connection:")):
			s.closes = bytes.EqualFold(bytes.TrimSpace(field[11:]), []byte("close"))
		case len(field) > 18 && field[0]|0x20 == 't' && bytes.EqualFold(field[:18], []byte("transfer-encoding:")):
			return fmt.Errorf("%q: want every message with its length", field)
		}
	}
	return nil
}

// Targets of requests that the origin treats in their own ways.
const (
	bodyTarget = "/body/"
	holdTarget = "/held/"
)

// resolve prepares what the origin answers to a request line.
func (s *socket) resolve(line []byte) error {
	_, rest, _ := bytes.Cut(line, []byte(" "))
	target, _, ok := bytes.Cut(rest, []byte(" "))
	if !ok {
		return fmt.Errorf("the origin was sent %q: want a request line", line)
	}
	s.answer, s.hold = request{head: ordinary}, bytes.Contains(target, []byte(holdTarget))
	if at := bytes.Index(target, []byte(bodyTarget)); at >= 0 {
		n, err := strconv.ParseInt(string(target[at+len(bodyTarget):]), 10, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("the origin was asked for %q: want a length after %s", target, bodyTarget)
		}
		s.answer = request{head: fmt.Appendf(nil, answerHead, n), body: n}
	}
	return nil
}

// answerHead is what an origin says, with the fields that most send.
const answerHead = "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"

// ordinaryLength is that of the answer to an ordinary request, in bytes.
const ordinaryLength = 128

// ordinary is that answer, for one write.
var ordinary = append(fmt.Appendf(nil, answerHead, ordinaryLength), bytes.Repeat([]byte("x"), ordinaryLength)...)
