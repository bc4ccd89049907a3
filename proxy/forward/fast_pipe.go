package forward

import (
	"errors"

	"triage/proxy/http1"
)

const (
	// longBody is how much must be missing of a body of known length for the kernel to move it from one connection to the other.
	longBody = 256 << 10
	// pourPiece is how much of it a client has to take within its time, as of what is copied.
	pourPiece = 64 << 10
)

// pipeUp sends what is missing of the request's body without its coming here. False: there is no pipe to be had.
func (x *Carrier) pipeUp() (done bool, err error) {
	p := http1.OpenPipe()
	if p == nil {
		return false, nil
	}
	defer p.Close()
	for body := &x.c.Body; !body.Whole(); {
		switch err := x.takeClient(p); {
		case errors.Is(err, http1.ErrNoPipe):
			return false, nil
		case err != nil:
			return true, err
		}
		x.out.BytesIn += int64(p.Held())
		body.Passed(p.Held())
		if err := x.ask(); err != nil {
			return true, err
		}
		if err := x.tell(load{pipe: p}); err != nil {
			return true, err
		}
		if !body.Whole() && x.peer.Peek() != http1.Quiet {
			return true, errReply
		}
	}
	return true, nil
}

// pipe passes on what is missing of a response's body without its coming here. False without an error: there is no pipe to be had.
func (x *Carrier) pipe() (done bool, err error) {
	p := http1.OpenPipe()
	if p == nil {
		x.peer.Widen()
		return false, nil
	}
	defer p.Close()
	for body := &x.peer.Body; !body.Whole(); {
		switch err := x.takePeer(x.now+x.f.settings.IdleTimeout, p); {
		case errors.Is(err, http1.ErrNoPipe):
			return false, nil
		case err != nil:
			return true, err
		}
		body.Passed(p.Held())
		for p.Held() > 0 {
			x.c.WriteBy(x.now+x.c.Stall, x.now+x.c.Stall+http1.Slack(x.c.Stall))
			n, err := p.Pour(&x.c.Conn, pourPiece)
			x.out.BytesOut += int64(n)
			x.now = http1.Now()
			if err != nil {
				return true, &sendError{err}
			}
		}
	}
	return true, nil
}
