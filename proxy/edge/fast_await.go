package edge

import (
	"errors"
	"runtime"
	"time"

	"triage/proxy/http1"
)

// errNothing says that there is nothing to serve yet.
var errNothing = errors.New("no request has come yet")

// await reads a request's head and parses it. 0 without an error: there is none, and nobody wants an answer.
func (f *Fast) await(p *policy) (n int, err error) {
	if len(f.Buffered()) == 0 {
		// The client has not had its answer for long; when others have run the next request may be there.
		runtime.Gosched()
		switch some, err := f.FillNow(); {
		case err != nil || !some && (f.line.state.Load() != waiting || !f.fresh && f.late()):
			return 0, nil
		case !some:
			if f.fresh {
				f.rest(p)
			}
			return 0, errNothing
		}
	}
	// One that is to be closed is served all the same: what has come is not lost.
	f.line.state.CompareAndSwap(waiting, serving)
	until := time.Duration(0)
	if !f.line.begun {
		// The time that it has been silent for counts.
		f.line.begun, until = true, f.ReadUntil()
	}
	for seen := 0; ; {
		if newLine(f.Buffered()[seen:]) {
			n, err = http1.ParseRequest(f.Buffered(), &f.Request, maxFields)
		}
		switch seen = len(f.Buffered()); {
		case err != nil:
			return 0, err
		case n > int(p.MaxHeader) || n == 0 && seen > int(p.MaxHeader):
			return 0, http1.ErrTooLarge
		case n > 0:
			return n, nil
		}
		if until == 0 {
			until = http1.Now() + p.Shortage.Scale(p.ReadHeader, headerFloor)
		}
		f.ReadBy(until, until)
		switch err := f.Fill(); {
		case err == http1.ErrTooLarge:
			return 0, err
		case err != nil:
			if http1.Late(err) {
				f.from.tally.slowHeader.Add(1)
			}
			return 0, nil
		}
	}
}

// rest says how long the connection may wait for a request now: a new one as long as for a header, since it owes its first.
func (f *Fast) rest(p *policy) {
	now, limit := http1.Now(), p.Idle
	if !f.line.begun {
		limit = p.Shortage.Scale(p.ReadHeader, headerFloor)
		f.ReadBy(now+limit, now+limit)
	} else {
		f.ReadBy(now+limit, now+limit+http1.Slack(limit))
	}
	f.line.conn.mark.Store(markNow())
}

// late reports whether the connection has waited for long enough.
func (f *Fast) late() bool {
	if !f.Overdue() {
		return false
	}
	if !f.line.begun && f.line.state.CompareAndSwap(waiting, leaving) {
		f.from.tally.slowHeader.Add(1)
	}
	return true
}

func newLine(b []byte) bool {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] == '\n' {
			return true
		}
	}
	return false
}
