package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
)

// Server gives every request the same answer, for as little as that can cost: what is measured through it is whatever stands before it.
// It reads requests of up to 64 KiB of header, with bodies that say their length.
type Server struct {
	listener net.Listener
	answer   []byte

	mu      sync.Mutex
	closed  bool
	open    map[net.Conn]bool
	serving sync.WaitGroup
}

// Listen opens an address for a server whose answers have a body of so many bytes.
func Listen(address string, body int) (*Server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + strconv.Itoa(body) + "\r\n\r\n")
	s := &Server{listener: l, answer: append(answer, bytes.Repeat([]byte{'x'}, body)...), open: map[net.Conn]bool{}}
	s.serving.Go(s.accept)
	return s, nil
}

// Address is where it listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Close ends it with all its connections, and waits for that.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for nc := range s.open {
		nc.Close()
	}
	s.mu.Unlock()
	s.listener.Close()
	s.serving.Wait()
}

func (s *Server) accept() {
	for {
		nc, err := s.listener.Accept()
		if err != nil {
			var passing interface{ Temporary() bool }
			if errors.As(err, &passing) && passing.Temporary() {
				continue // too many open files: those who are served give some back
			}
			return
		}
		s.mu.Lock()
		if s.closed {
			nc.Close()
		} else {
			s.open[nc] = true
			s.serving.Go(func() { s.serve(nc) })
		}
		s.mu.Unlock()
	}
}

func (s *Server) serve(nc net.Conn) {
	defer func() {
		nc.Close()
		s.mu.Lock()
		delete(s.open, nc)
		s.mu.Unlock()
	}()
	buf, have := make([]byte, bufferSize), 0
	for {
		end := bytes.Index(buf[:have], []byte("\r\n\r\n"))
		if end < 0 {
			if have == len(buf) {
				if have > mostHeader {
					return
				}
				buf = append(buf, make([]byte, have)...)
			}
			n, err := nc.Read(buf[have:])
			if have += n; err != nil && n == 0 {
				return
			}
			continue
		}
		took := end + 4
		body := bodyLength(buf[:took])
		if rest := body - int64(have-took); rest > 0 {
			took = have
			if _, err := io.CopyN(io.Discard, nc, rest); err != nil {
				return
			}
		} else {
			took += int(body)
		}
		have = copy(buf, buf[took:have])
		if _, err := nc.Write(s.answer); err != nil {
			return
		}
	}
}

// bodyLength is what a request's header says; 0 if it does not.
func bodyLength(head []byte) int64 {
	for len(head) > 2 {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte{':'})
		if len(name) == len("Content-Length") && bytes.EqualFold(name, []byte("Content-Length")) {
			n, _ := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 62)
			return max(n, 0)
		}
	}
	return 0
}
