package edge

import (
	"time"

	"triage/proxy/http1"
)

// smallRest is how much of a body that nobody wants is read so that the connection can go on.
const smallRest = 256 << 10

// finish ends a request, and reports whether another one may come.
func (f *Fast) finish(p *policy) bool {
	if f.Cut {
		return false
	}
	if !f.Ends() && !f.Body.Whole() && !f.discard() {
		f.Last = true
	}
	if f.Ends() {
		f.linger()
		return false
	}
	f.End()
	f.fresh = true
	return f.line.state.CompareAndSwap(serving, waiting)
}

// discard reads what is left of a small body.
func (f *Fast) discard() bool {
	if f.Body.Left() > smallRest {
		return false
	}
	for read := 0; ; {
		piece, err := f.Body.Next()
		if read += len(piece); err != nil || read > smallRest {
			return false
		}
		if f.Body.Whole() {
			return true
		}
		if len(piece) > 0 {
			continue
		}
		now, had := http1.Now(), len(f.Buffered())
		f.ReadBy(now+f.Patience, now+f.Patience+http1.Slack(f.Patience))
		if f.Fill() != nil {
			return false
		}
		f.Waited(http1.Now()-now, len(f.Buffered())-had)
	}
}

// lingerAfter is how long what the client still sends is taken after the last answer: closing at once would reset the connection before
// the client has read the answer (RFC 9112, section 9.6).
const lingerAfter = 500 * time.Millisecond

func (f *Fast) linger() {
	if f.Body.Whole() && len(f.Buffered()) == 0 && f.Peek() == http1.Quiet {
		return
	}
	if f.CloseWrite() != nil {
		return
	}
	until := http1.Now() + lingerAfter
	f.ReadBy(until, until)
	for {
		f.Skip(len(f.Buffered()))
		if f.Fill() != nil {
			return
		}
	}
}
