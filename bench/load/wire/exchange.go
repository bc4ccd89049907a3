package wire

import (
	"errors"
	"time"
)

// ErrDeadline is how an exchange ends whose deadline has passed.
var ErrDeadline = errors.New("no answer by the deadline")

// errClosed is how an exchange ends whose client was closed.
var errClosed = errors.New("the client was closed")

// Exchange is a request and what became of it. It may be used again after Done.
type Exchange struct {
	// Request is its bytes: request line, header, empty line and, if it is not large, the body. They must not change any more, for
	// they may be looked at after Done.
	Request []byte
	// Body is what is sent after that.
	Body []byte
	// Head says that it is a HEAD request, whose answer has no body.
	Head bool
	// Safe says that it may be sent twice.
	Safe bool
	// Stream answers the exchange with the header. The body is read on without a deadline until it ends or the client is closed.
	Stream   bool
	Deadline time.Time
	// Done is called when it has ended, by another goroutine than that which sent it, or by that.
	Done func(*Exchange)
	// Tag is the sender's own.
	Tag any

	// Err is nil if a whole answer came.
	Err    error
	Answer Answer

	again bool // it was sent a second time
}

// Answer is what is kept of a response.
type Answer struct {
	Status int
	// Bytes is the length of its body.
	Bytes int64
	// These fields of the header, "" if they were not there.
	ProxyStatus, RetryAfter, Degraded string
	// Kept is the field that Settings.Keep names.
	Kept string
}

// bodiless says that an answer has no body, whatever its header says.
func (e *Exchange) bodiless() bool { return e.Head || e.Answer.Status == 204 || e.Answer.Status == 304 }

// end tells the sender.
func (e *Exchange) end(err error) {
	e.Err = err
	e.Done(e)
}
