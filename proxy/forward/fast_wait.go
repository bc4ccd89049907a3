package forward

import (
	"errors"
	"io"
	"time"

	"triage/proxy/http1"
)

// fillPeer waits for the endpoint to send more, until an instant; 0 is for ever. Meanwhile it looks after the client.
func (x *Carrier) fillPeer(until time.Duration) error { return x.takePeer(until, nil) }

// takePeer is fillPeer into the connection's buffer or, if there is one, into a pipe.
func (x *Carrier) takePeer(until time.Duration, p *http1.Pipe) error {
	for {
		earliest, latest := x.now+lookEvery/2, x.now+lookEvery*3/2
		if until > 0 && until < latest {
			earliest, latest = until, until
		}
		x.peer.ReadBy(earliest, latest)
		_, err := take(&x.peer.Conn, p, x.peer.Body.Left())
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

// take reads what there is into a connection's buffer or, if there is one, into a pipe, and waits if there is nothing.
func take(c *http1.Conn, p *http1.Pipe, most int64) (n int, err error) {
	if p != nil {
		return p.Draw(c, most)
	}
	had := len(c.Buffered())
	err = c.Fill()
	return len(c.Buffered()) - had, err
}

// clientLeft reports whether the client has left. While the pump reads from it, that knows.
func (x *Carrier) clientLeft() bool {
	if x.pump != nil {
		return x.pump.gone.Load()
	}
	return x.c.Gone()
}

// deadline is when the response header has to be there: the time that was spent waiting for the client does not count.
func (x *Carrier) deadline() time.Duration {
	if x.to.Timeout <= 0 {
		return 0
	}
	return x.begun + x.to.Timeout + x.wait
}

// takeClient waits for more of the request body, in the connection's buffer or, if there is one, in a pipe. Meanwhile it looks after the
// endpoint, and tells of a body that is slow.
func (x *Carrier) takeClient(p *http1.Pipe) error {
	x.now = http1.Now()
	begun := x.now
	if x.wanted == 0 {
		x.wanted = begun
	}
	still := begun + x.c.Patience
	for now := begun; ; {
		latest := min(now+lookEvery, still)
		if slowAt := x.wanted + slowBody; !x.slow {
			latest = min(latest, max(slowAt, now+time.Millisecond))
		}
		x.c.ReadBy(min(latest, now+lookEvery/2), latest)
		n, err := take(&x.c.Conn, p, x.c.Body.Left())
		now = http1.Now()
		x.now = now
		switch {
		case err == nil:
			x.wait += now - begun
			x.c.Waited(now-begun, n)
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

// load is what goes to the endpoint: bytes, or what is in a pipe.
type load struct {
	bytes []byte
	pipe  *http1.Pipe
}

func (l *load) left() int {
	if l.pipe != nil {
		return l.pipe.Held()
	}
	return len(l.bytes)
}

// write sends of it what can be sent, and says how much that was.
func (l *load) write(to *http1.Conn) (n int, err error) {
	if l.pipe != nil {
		return l.pipe.Pour(to, pourPiece)
	}
	n, err = to.Write(l.bytes)
	l.bytes = l.bytes[n:]
	return n, err
}

// rest is what has not been sent.
func (l *load) rest() ([]byte, error) {
	if l.pipe != nil {
		return l.pipe.TakeBack()
	}
	return l.bytes, nil
}

// tell writes to the endpoint. One that answers meanwhile need not take the rest.
func (x *Carrier) tell(l load) error {
	for l.left() > 0 {
		x.peer.WriteBy(x.now+lookEvery/2, x.now+lookEvery*3/2)
		n, err := l.write(&x.peer.Conn)
		x.sent = x.sent || n > 0
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
			if x.unsent, err = l.rest(); err != nil {
				return err
			}
			return errReply
		}
		if until := x.deadline(); until > 0 && x.now >= until {
			return errTimeout
		}
	}
	return nil
}

// afterWrite looks whether an endpoint that takes no more has answered before it closed.
func (x *Carrier) afterWrite(err error) error {
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
