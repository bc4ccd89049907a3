package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

var (
	errUnasked = errors.New("the server sent something that nobody had asked for")
	errBroken  = errors.New("the answer is no HTTP/1.1")
	errTooLong = fmt.Errorf("the answer's header is longer than %d bytes", mostHeader)
)

// The lengths of a body that its header does not give in bytes.
const (
	unsaid  = -1 // until the connection ends
	chunked = -2
)

// framing is what a header says of its message.
type framing struct {
	length int64
	keep   bool
}

// answer reads a response to its end. keep says that the connection may be used again.
func (c *conn) answer(e *Exchange) (keep bool, err error) {
	f := framing{}
	for {
		head, err := c.head()
		if err != nil {
			return false, cutShort(err)
		}
		if f, err = e.Answer.read(head, c.client.settings.Keep); err != nil {
			return false, err
		}
		if e.Answer.Status >= 200 || e.Answer.Status == 101 {
			break
		}
		e.Answer = Answer{} // 100 and other words in between
	}
	if e.bodiless() {
		f.length = 0
	}
	if e.Stream {
		c.told = true
		e.end(nil)
		_, err := c.body(f.length)
		return err == nil && f.keep && f.length != unsaid, err
	}
	e.Answer.Bytes, err = c.body(f.length)
	if err != nil {
		return false, err
	}
	return f.keep && f.length != unsaid, nil
}

// cutShort says that an end came where there should have been more.
func cutShort(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// head takes a header out of the buffer, with the empty line at its end.
func (c *conn) head() ([]byte, error) {
	looked := 0
	for {
		got := c.buf[c.from:c.to]
		if i := bytes.Index(got[looked:], []byte("\r\n\r\n")); i >= 0 {
			end := looked + i + 4
			c.from += end
			return got[:end], nil
		}
		looked = max(len(got)-3, 0)
		if len(got) > mostHeader {
			return nil, errTooLong
		}
		if err := c.more(); err != nil {
			return nil, err
		}
	}
}

// read takes apart a header; keep is the name of a field that is kept.
func (a *Answer) read(head []byte, keep string) (f framing, err error) {
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	if len(line) < 12 || string(line[:7]) != "HTTP/1." || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return f, errBroken
	}
	for _, digit := range line[9:12] {
		if digit < '0' || digit > '9' {
			return f, errBroken
		}
		a.Status = 10*a.Status + int(digit-'0')
	}
	f = framing{length: unsaid, keep: line[7] == '1'}
	for len(rest) > 2 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, found := bytes.Cut(line, []byte{':'})
		if !found {
			return f, errBroken
		}
		if err := a.field(name, bytes.TrimSpace(value), keep, &f); err != nil {
			return f, err
		}
	}
	return f, nil
}

// field looks at one field of a header; most are told apart by their length.
func (a *Answer) field(name, value []byte, keep string, f *framing) error {
	is := func(s string) bool { return len(name) == len(s) && bytes.EqualFold(name, []byte(s)) }
	switch {
	case is("Content-Length"):
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || n < 0 {
			return errBroken
		}
		if f.length != chunked {
			f.length = n
		}
	case is("Transfer-Encoding"):
		if !bytes.EqualFold(value, []byte("chunked")) {
			return errBroken
		}
		f.length = chunked
	case is("Connection"):
		switch {
		case bytes.EqualFold(value, []byte("close")):
			f.keep = false
		case bytes.EqualFold(value, []byte("keep-alive")):
			f.keep = true
		}
	case is("Proxy-Status"):
		a.ProxyStatus = string(value)
	case is("Retry-After"):
		a.RetryAfter = string(value)
	case is("X-Triage-Degraded"):
		a.Degraded = string(value)
	case keep != "" && is(keep):
		a.Kept = string(value)
	}
	return nil
}

// body reads a body and forgets it.
func (c *conn) body(length int64) (read int64, err error) {
	switch length {
	case unsaid:
		n, err := c.skip(math.MaxInt64)
		if err == io.ErrUnexpectedEOF {
			err = nil
		}
		return n, err
	case chunked:
		return c.chunks()
	}
	return c.skip(length)
}

// skip reads so many bytes.
func (c *conn) skip(length int64) (read int64, err error) {
	for {
		n := min(int64(c.to-c.from), length-read)
		c.from += int(n)
		if read += n; read == length {
			return read, nil
		}
		if length-read > bufferSize && len(c.buf) < bulkSize {
			c.buf, c.from, c.to = make([]byte, bulkSize), 0, 0
		}
		if err := c.more(); err != nil {
			return read, cutShort(err)
		}
	}
}

// chunks reads a body in chunks, and the trailer.
func (c *conn) chunks() (read int64, err error) {
	for {
		line, err := c.line()
		if err != nil {
			return read, err
		}
		size, _, _ := bytes.Cut(line, []byte{';'})
		n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 62)
		if err != nil {
			return read, errBroken
		}
		if n == 0 {
			break
		}
		if _, err := c.skip(int64(n)); err != nil {
			return read, err
		}
		read += int64(n)
		if line, err = c.line(); err != nil || len(line) > 0 {
			return read, errors.Join(errBroken, err)
		}
	}
	for {
		if line, err := c.line(); err != nil || len(line) == 0 {
			return read, err
		}
	}
}

// line takes a line out of the buffer.
func (c *conn) line() ([]byte, error) {
	for {
		got := c.buf[c.from:c.to]
		if i := bytes.IndexByte(got, '\n'); i >= 0 {
			c.from += i + 1
			return bytes.TrimSuffix(got[:i], []byte{'\r'}), nil
		}
		if len(got) > mostHeader {
			return nil, errTooLong
		}
		if err := c.more(); err != nil {
			return nil, cutShort(err)
		}
	}
}
