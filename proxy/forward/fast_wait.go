package forward

import (
	"errors"
	"io"
	"time"

	"triage/proxy/http1"
)

// fillPeer waits for the endpoint to send more, until an instant; 0 is for ever. Meanwhile it looks after the client.
func (x *carrier) fillPeer(until time.Duration) error { return x.takePeer(until, nil) }

// takePeer is fillPeer into the connection's buffer or, if there is one, into a pipe.
func (x *carrier) takePeer(until time.Duration, p *http1.Pipe) error {
	for {
		earliest, latest := x.now+lookEvery/2, x.now+lookEvery*3/2
		if until > 0 && until < latest {
			earliest, latest = until, until
		}
		x.peer.ReadBy(earliest, latest)
		var err error
		if p == nil {
			err = x.peer.Fill()
		} else {
			_, err = p.Draw(&x.peer.Conn, x.peer.Body.Left())
		}
		x.now = http1.Now()
		if err == nil {
			x.answered = true
			return nil
		}
		if !http1.Late(err) {
			return err
		}
		if x.clientLeft() {
			return errGone
		}
		if until > 0 && x.now >= until {
			return errTimeout
		}
	}
}

// clientLeft reports whether the client has left. While the pump reads from it, that knows.
func (x *carrier) clientLeft() bool {
	if x.pump != nil {
		return x.pump.gone.Load()
	}
	return x.c.Gone()
}

// deadline is when the response header has to be there: the time that was spent waiting for the client does not count.
func (x *carrier) deadline() time.Duration {
	if x.to.Timeout <= 0 {
		return 0
	}
	return x.begun + x.to.Timeout + x.wait
}

// fillClient waits for more of the request body. Meanwhile it looks after the endpoint, and tells of a body that is slow.
func (x *carrier) fillClient() error {
	x.now = http1.Now()
	begun := x.now
	if x.wanted == 0 {
		x.wanted = begun
	}
	still, had := begun+x.c.Patience, len(x.c.Buffered())
	for now := begun; ; {
		latest := min(now+lookEvery, still)
		if slowAt := x.wanted + slowBody; !x.slow {
			latest = min(latest, max(slowAt, now+time.Millisecond))
		}
		x.c.ReadBy(min(latest, now+lookEvery/2), latest)
		err := x.c.Fill()
		now = http1.Now()
		x.now = now
		switch {
		case err == nil:
			x.wait += now - begun
			x.c.Waited(now-begun, len(x.c.Buffered())-had)
			return nil
		case !http1.Late(err):
			x.wait += now - begun
			return &clientError{err}
		case x.peer.Peek() != http1.Quiet:
			x.wait += now - begun
			return errReply
		case now >= still:
			x.wait += now - begun
			return &clientError{err}
		}
		if !x.slow && now-x.wanted >= slowBody {
			x.slow = true
			x.to.Hooks.SlowBody()
		}
	}
}

// clientError is a read from the client that failed.
type clientError struct{ err error }

func (e *clientError) Error() string { return "reading the request body: " + e.err.Error() }
func (e *clientError) Unwrap() error { return e.err }

// tell writes to the endpoint. One that answers meanwhile need not take the rest.
func (x *carrier) tell(p []byte) error {
	for len(p) > 0 {
		x.peer.WriteBy(x.now+lookEvery/2, x.now+lookEvery*3/2)
		n, err := x.peer.Write(p)
		x.sent = x.sent || n > 0
		p = p[n:]
		switch {
		case err == nil:
			continue
		case !http1.Late(err):
			return x.afterWrite(err)
		}
		x.now = http1.Now()
		switch {
		case x.clientLeft():
			return errGone
		case x.peer.Peek() != http1.Quiet:
			x.unsent = p
			return errReply
		}
		if until := x.deadline(); until > 0 && x.now >= until {
			return errTimeout
		}
	}
	return nil
}

// afterWrite looks whether an endpoint that takes no more has answered before it closed.
func (x *carrier) afterWrite(err error) error {
	if !x.sent {
		return err
	}
	some, readErr := x.peer.FillNow()
	switch {
	case some:
		x.answered = true
		return errReply
	case readErr != nil && !errors.Is(readErr, io.EOF):
		return readErr
	case readErr != nil:
		return io.EOF
	}
	return err
}
