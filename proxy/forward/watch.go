package forward

import (
	"errors"
	"sync"
	"time"
)

const (
	// headerHold is how long a response header waits for the first bytes of its body, so that both leave in one packet.
	headerHold = 2 * time.Millisecond
	// recheck is the least time between two looks at a deadline that was moved because the client is slow.
	recheck = 10 * time.Millisecond
)

var (
	errTimeout = errors.New("no response header within the timeout")
	errStill   = errors.New("the response body stood still for longer than the idle timeout")
	errEnded   = errors.New("the exchange is over")
)

// phase is what the watch is waiting for.
type phase uint8

const (
	nothing phase = iota
	responseHeader
	firstBody
	moreBody
)

// watch is the clock of an exchange: one timer, whatever is waited for.
type watch struct {
	a *attempt

	mu       sync.Mutex
	timer    *time.Timer
	phase    phase
	deadline time.Time
	timedOut bool
	stalled  bool
}

// start begins to wait for the response header.
func (w *watch) start(timeout time.Duration) {
	if timeout > 0 {
		w.wait(responseHeader, timeout)
	}
}

func (w *watch) wait(p phase, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waitLocked(p, d)
}

func (w *watch) waitLocked(p phase, d time.Duration) {
	w.phase, w.deadline = p, time.Now().Add(d)
	if w.timer == nil {
		w.timer = time.AfterFunc(d, w.expire)
		return
	}
	w.timer.Reset(d)
}

// stop ends the waiting and reports whether it was in time.
func (w *watch) stop() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.phase = nothing
	if w.timer != nil {
		w.timer.Stop()
	}
	return !w.timedOut
}

// rest ends the waiting for a body read that came back. The timer is left alone: the next read sets it anew, and what it
// finds when it goes off in between is that nothing is waited for.
func (w *watch) rest() {
	w.mu.Lock()
	w.phase = nothing
	w.mu.Unlock()
}

func (w *watch) expire() {
	if w.runOut() {
		w.a.head.flush()
	}
}

// runOut acts on a deadline that has passed and reports whether the response header should leave now.
func (w *watch) runOut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	// A timer that was reset while it went off comes here early.
	if w.phase == nothing || time.Now().Before(w.deadline) {
		return false
	}
	switch w.phase {
	case responseHeader:
		w.headerLateLocked()
	case firstBody:
		w.waitLocked(moreBody, w.a.f.settings.IdleTimeout)
		return true
	case moreBody:
		w.phase, w.stalled = nothing, true
		w.a.cancel(errStill)
	}
	return false
}

// headerLateLocked gives the endpoint the time that was spent waiting for the client.
func (w *watch) headerLateLocked() {
	_, wait := w.a.upload.progress()
	if left := w.a.to.Timeout - (time.Since(w.a.begun) - wait); left > 0 {
		w.waitLocked(responseHeader, max(left, recheck))
		return
	}
	w.phase, w.timedOut = nothing, true
	w.a.cancel(errTimeout)
}

// verdict says what has run out.
func (w *watch) verdict() (timedOut, stalled bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.timedOut, w.stalled
}
