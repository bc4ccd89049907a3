package http1

import (
	"os"
	"sync/atomic"
	"time"
)

// slot is what the poller knows of a connection.
type slot struct {
	read, write side
	owner       Sleeper
	index       int32
}

// side is one direction of a connection. Whoever waits for it is told once; to be told for nothing does no harm, since everybody tries again.
type side struct {
	state atomic.Uint32
	// until is when waiting ends, on the clock Now; 0 is never.
	until atomic.Int64
	// wake is for a goroutine that waits; made when the first one does.
	wake chan struct{}
}

// The states of a side.
const (
	quiet   uint32 = iota // nobody waits, nothing has happened
	stirred               // something has happened since somebody looked
	parked                // a goroutine waits
	asleep                // nobody waits, and the owner wants to be told
)

// Sleeper is who wants to be told when a connection that sleeps can go on. Awake must not block.
type Sleeper interface{ Awake() }

// fire tells who waits.
func (s *slot) fire(d *side) {
	for {
		switch state := d.state.Load(); state {
		case stirred:
			return
		case quiet:
			if d.state.CompareAndSwap(quiet, stirred) {
				return
			}
		case parked:
			if d.state.CompareAndSwap(parked, quiet) {
				d.wake <- struct{}{}
				return
			}
		case asleep:
			if d.state.CompareAndSwap(asleep, quiet) {
				s.owner.Awake()
				return
			}
		}
	}
}

// due reports whether waiting is over at an instant.
func (d *side) due(now time.Duration) bool {
	until := d.until.Load()
	return until != 0 && until <= int64(now)
}

// wait parks the goroutine until something may have happened. It is the deadline's error if that has passed.
func (s *slot) wait(d *side) error {
	if d.until.Load() != 0 && d.due(Now()) {
		return os.ErrDeadlineExceeded
	}
	if d.wake == nil {
		d.wake = make(chan struct{}, 1)
	}
	if !d.state.CompareAndSwap(quiet, parked) {
		d.state.CompareAndSwap(stirred, quiet)
		return nil
	}
	shared.by(d.until.Load())
	<-d.wake
	return nil
}

// hurry ends waiting at an instant. It may be called by any goroutine while the connection is not closed.
func (s *slot) hurry(d *side, at time.Duration) {
	d.until.Store(int64(max(at, 1)))
	if at <= Now() {
		s.fire(d)
		return
	}
	shared.by(int64(at))
}

func (d *side) reset() {
	d.state.Store(quiet)
	d.until.Store(0)
}
