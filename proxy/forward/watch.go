package forward

import (
	"errors"
	"sync"
	"time"
)

// recheck is the least time between two looks at a deadline that was moved because the client is slow.
const recheck = 10 * time.Millisecond

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
	responseBody
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
	if w.phase != nothing {
		w.phase = nothing
		w.timer.Stop()
	}
	return !w.timedOut
}

func (w *watch) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	// A timer that was set anew while it went off comes here early.
	if w.phase == nothing || time.Now().Before(w.deadline) {
		return
	}
	if w.phase == responseHeader {
		w.headerLateLocked()
		return
	}
	w.phase, w.stalled = nothing, true
	w.a.cancel(errStill)
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
