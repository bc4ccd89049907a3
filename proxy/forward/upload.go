package forward

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"sync"
	"time"

	"triage/proxy/reason"
)

const (
	// tearGrace is how long a read from the client that is under way may still take when nobody wants its bytes any more. A
	// client that is sending comes back at once, and its connection stays in step; only one that stands still is cut short.
	tearGrace = 20 * time.Millisecond
	// linger is how long net/http may take what the client still sends after the answer, so that closing the connection
	// does not reset it before the client has read the answer (RFC 9112, section 9.6).
	linger = 500 * time.Millisecond
	// slowBody is how long a body may take to come before it is slow. What a client sends in one go takes milliseconds, over a
	// radio link one round trip more.
	slowBody = 50 * time.Millisecond
)

var (
	errTorn     = errors.New("the request body is not wanted any more")
	errTooLarge = errors.New("the request body is larger than allowed")
	errConsumed = errors.New("the request body was read and cannot be sent again")
)

// refusal ends an exchange whose body was slow and is not wanted any more now that it is whole.
type refusal struct{ why reason.Reason }

func (r *refusal) Error() string { return "refused when the request body was whole: " + r.why.String() }

// upload is the request body on its way to the endpoint. The transport reads it in a goroutine of its own, which may be
// stuck in a read from the client when the exchange ends; then the upload is torn: the read is ended by a deadline.
type upload struct {
	a     *attempt
	src   io.ReadCloser
	limit int64
	// trailer is the map that the transport sends after the body.
	trailer http.Header

	mu      sync.Mutex
	idle    sync.Cond
	reading bool
	since   time.Time
	waited  time.Duration
	n       int64
	started bool
	whole   bool
	torn    bool
	over    bool
	// gone is whether the client had left when the upload was torn: tearing ends the client's context too.
	gone bool
	// nudged is when the read under way ends by our deadline, zero before there is one.
	nudged time.Time
	// unbound is set when the writer has no read deadlines; then nothing can end a read.
	unbound bool
	// ctx ends with the exchange. late calls SlowBody; slow is set when it has, asked when WholeBody was called.
	ctx         context.Context
	late        *time.Timer
	slow, asked bool
	// err is the client's fault.
	err error
}

// attach makes the upload the body of out.
func (u *upload) attach(out *http.Request) {
	u.src, u.limit = u.a.r.Body, u.a.to.BodyLimit
	u.trailer = announcedTrailer(u.a.r.Trailer)
	u.ctx = out.Context()
	out.Body = u
	out.GetBody = u.again
	out.Trailer = u.trailer
	if out.ContentLength < 0 || len(u.trailer) > 0 {
		out.ContentLength = -1
		// Said aloud, or the transport waits 200 ms for a first byte when the method usually has no body.
		out.TransferEncoding = []string{"chunked"}
	}
}

// again serves the transport's retry on another connection after nothing was sent on the first.
func (u *upload) again() (io.ReadCloser, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.started {
		return nil, errConsumed
	}
	return u, nil
}

// Close does nothing for HTTP/1: the server closes its body when the handler returns, and the transport may want it again.
func (u *upload) Close() error {
	if u.a.to.HTTP2 {
		u.closeStream()
	}
	return nil
}

func (u *upload) Read(p []byte) (int, error) {
	p, first, err := u.begin(p)
	if err != nil {
		return 0, err
	}
	if first {
		u.a.head.goOn()
	}
	n, err := u.src.Read(p)
	if why := u.ask(n, err); why != reason.None {
		n, err = 0, &refusal{why}
	}
	return u.took(n, err)
}

// ask asks whether a body that was slow may go on to its end.
func (u *upload) ask(n int, err error) reason.Reason {
	u.mu.Lock()
	whole := err == io.EOF || err == nil && u.a.r.ContentLength >= 0 && u.n+int64(n) >= u.a.r.ContentLength
	asks := whole && u.slow && !u.asked
	u.asked = u.asked || whole
	u.mu.Unlock()
	if !asks {
		return reason.None
	}
	return u.a.to.WholeBody(u.ctx)
}

// isLate notes that the body is slow, if it is the client that is waited for and not the endpoint.
func (u *upload) isLate() {
	u.mu.Lock()
	missing := !u.asked && !u.torn && !u.over
	u.slow = missing && u.reading
	if missing && !u.reading {
		u.late.Reset(slowBody)
	}
	slow := u.slow
	u.mu.Unlock()
	if slow {
		u.a.to.SlowBody()
	}
}

func (u *upload) begin(p []byte) (_ []byte, first bool, _ error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.torn || u.over {
		return nil, false, errTorn
	}
	first = !u.started
	u.started, u.reading, u.since = true, true, time.Now()
	if first && u.a.to.SlowBody != nil {
		u.late = time.AfterFunc(slowBody, u.isLate)
	}
	if u.limit > 0 {
		// One byte more than allowed is enough to know.
		p = p[:min(int64(len(p)), u.limit-u.n+1)]
	}
	return p, first, nil
}

// took notes what a read from the client brought and decides what the transport gets.
func (u *upload) took(n int, err error) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reading = false
	u.waited += time.Since(u.since)
	u.idle.Broadcast()
	u.n += int64(n)
	switch {
	case u.limit > 0 && u.n > u.limit:
		n, err = n-int(u.n-u.limit), errTooLarge
		u.err = err
	case err == io.EOF:
		u.whole = true
		u.lateTrailerLocked()
	case u.torn && (err == nil || !u.gone || u.byNudgeLocked(err)):
		// What the teardown did to the read is not the client's fault.
		err = errTorn
	case err != nil && u.err == nil:
		u.err = err
	}
	return n, err
}

// byNudgeLocked tells our deadline from one that somebody above has set for slow clients.
func (u *upload) byNudgeLocked(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && !u.nudged.IsZero() && !time.Now().Before(u.nudged)
}

// lateTrailerLocked takes over the trailers that came, those that were not announced too. The transport writes them next,
// in the goroutine that is reading now.
func (u *upload) lateTrailerLocked() {
	clear(u.trailer)
	maps.Copy(u.trailer, endToEndTrailer(u.a.r.Trailer))
}

// connClosed is called when the endpoint's connection is closed: the transport would wait for the read from the client
// before it says so.
func (u *upload) connClosed() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.started || u.whole || u.over {
		return
	}
	u.tearLocked()
}

func (u *upload) tearLocked() {
	if !u.torn {
		u.torn, u.gone = true, u.a.r.Context().Err() != nil
	}
	if u.reading && u.nudged.IsZero() {
		u.nudgeLocked()
	}
}

// nudgeLocked ends the read under way. It comes back to it because somebody above may set a deadline of his own between
// our look and his read.
func (u *upload) nudgeLocked() {
	u.nudged = time.Now().Add(tearGrace)
	if err := u.a.rc.SetReadDeadline(u.nudged); err != nil {
		u.unbound = true
		u.idle.Broadcast()
		return
	}
	time.AfterFunc(2*tearGrace, func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.reading && !u.over {
			u.nudgeLocked()
		}
	})
}

// end sees to it that nobody reads the request body any more, and that the server does not wait long for what is left.
func (u *upload) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.late != nil {
		u.late.Stop()
	}
	if u.src != nil && !u.whole {
		if u.started {
			u.tearLocked()
		}
		for u.reading && !u.unbound {
			u.idle.Wait()
		}
		// A writer without deadlines has no connection to linger on.
		_ = u.a.rc.SetReadDeadline(time.Now().Add(linger))
	}
	u.over = true
}

// unfinished reports whether the client still has something to send.
func (u *upload) unfinished() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.src != nil && !u.whole
}

// tornBy reports whether the upload was torn and whether that was because the client had left.
func (u *upload) tornBy() (torn, gone bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.torn, u.gone
}

// wasTorn reports whether something of the body was taken and the rest was not.
func (u *upload) wasTorn() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.torn || u.err != nil
}

func (u *upload) fault() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// progress gives the bytes read and the time that was spent waiting for them, up to now.
func (u *upload) progress() (int64, time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	wait := u.waited
	if u.reading {
		wait += time.Since(u.since)
	}
	return u.n, wait
}
