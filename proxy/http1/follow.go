package http1

import (
	"bytes"
	"sync"
)

// Follower reads along on a client's connection that somebody else serves, to know where its requests begin, and from where on that is not certain. It
// parses as strictly as ParseRequest and Body do; who serves the connection may bear more.
type Follower struct {
	// MaxHeader is how long a header may be, MaxFields how many fields it may have.
	MaxHeader, MaxFields int

	conn   Conn
	body   Body
	inside bool // in a body
	// kept is the beginning of what is not complete.
	kept []byte
	// heads is how many requests have begun.
	heads int
	lost  error
}

var requests = sync.Pool{New: func() any { return new(Request) }}

// Follow is told what has been read.
func (f *Follower) Follow(p []byte) {
	if f.lost != nil {
		return
	}
	more := p
	if len(f.kept) > 0 {
		f.kept = append(f.kept, p...)
		p = f.kept
	}
	// What is long has come in many pieces, and need not be looked at again for each.
	if len(p) == len(more) || f.inside || bytes.IndexByte(more, '\n') >= 0 {
		f.conn.buf, f.conn.r, f.conn.w = p, 0, len(p)
		for on := true; on && f.lost == nil; {
			on, f.lost = f.step()
		}
		p = f.conn.Buffered()
		f.conn.buf = nil
	}
	if f.lost == nil && len(p) > f.MaxHeader {
		f.lost = ErrTooLarge
	}
	if f.kept = append(f.kept[:0], p...); len(p) == 0 || f.lost != nil {
		f.kept = nil
	}
}

// step goes on to the next head, or to the next piece of a body. False: more has to be read.
func (f *Follower) step() (on bool, err error) {
	if f.inside {
		piece, err := f.body.Next()
		f.inside = !f.body.Whole()
		return err == nil && (!f.inside || len(piece) > 0), err
	}
	if len(f.conn.Buffered()) == 0 {
		return false, nil
	}
	r := requests.Get().(*Request)
	defer requests.Put(r)
	n, err := ParseRequest(f.conn.Buffered(), r, f.MaxFields)
	switch {
	case err != nil || n == 0:
		return false, err
	case r.Foreign():
		return false, ErrHost
	}
	f.conn.Skip(n)
	f.body.Reset(&f.conn, r.Framing)
	f.heads++
	f.inside = true
	return true, nil
}

// Lost gives the first request of which it is not certain where it begins or ends, counted from 0, and why; nil if there is none.
func (f *Follower) Lost() (first int, err error) {
	if f.inside {
		return f.heads - 1, f.lost
	}
	return f.heads, f.lost
}
