package breaker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"triage/breaker"
)

// passed asks n times, evenly over a time, and says how many passed and the most refusals in a row.
func (h *hand) passed(n int, over time.Duration, o breaker.Outcome) (passed, worst int) {
	row := 0
	for range n {
		h.now += over / time.Duration(n)
		if h.call(o) {
			passed, row = passed+1, 0
		} else {
			row++
			worst = max(worst, row)
		}
	}
	return passed, worst
}

func TestBrownOutLetsATenthPass(t *testing.T) {
	h := newHand(t, breaker.Settings{Trickle: 0.1})
	h.fail()
	passed, worst := h.passed(10000, 100*time.Second, breaker.Failure)
	if passed < 990 || passed > 1010 || worst > 10 {
		t.Errorf("%d of 10000 passed, %d refused in a row at most; want a thousand, evenly", passed, worst)
	}
	h.wants(breaker.Open)
}

// A route with a request now and then is not kept waiting for ten of them.
func TestBrownOutOfAQuietRoute(t *testing.T) {
	h := newHand(t, breaker.Settings{Trickle: 0.1})
	h.fail()
	if passed, _ := h.passed(100, 100*time.Second, breaker.Failure); passed != 100 {
		t.Errorf("%d of 100 passed at one a second, want all", passed)
	}
	if passed, _ := h.passed(200, 100*time.Second, breaker.Failure); passed < 95 || passed > 105 {
		t.Errorf("%d of 200 passed at two a second, want one a second", passed)
	}
}

// It closes a little after the backend is healthy, however long it was open and whatever failed before.
func TestBrownOutEndsAtOnce(t *testing.T) {
	h := newHand(t, breaker.Settings{Trickle: 0.1, RampFor: time.Second})
	h.fail()
	h.passed(60000, 10*time.Minute, breaker.Failure)
	begin := h.now
	for h.State(h.now) == breaker.Open && h.now < begin+time.Minute {
		h.now += 10 * time.Millisecond
		h.call(breaker.Success)
	}
	if took := h.now - begin; took > 700*time.Millisecond {
		t.Errorf("closed %v after the backend was healthy, at a hundred requests a second; want six in ten each: 600ms", took)
	}
	h.wants(breaker.Closed)
	told := h.Changes()
	if last := told[len(told)-1]; len(told) != 2 || last.From != breaker.Open || last.Reason != "6 of 6 probes succeeded" {
		t.Errorf("told of %+v; want open, then closed", told)
	}
}

// Onto a backend with most requests failing it does not close.
func TestBrownOutStays(t *testing.T) {
	h := newHand(t, breaker.Settings{Trickle: 0.1})
	h.fail()
	n := 0
	for range 100000 {
		h.now += 10 * time.Millisecond
		o := breaker.Failure
		if n++; n%70 < 7 {
			o = breaker.Success
		}
		h.call(o)
	}
	h.wants(breaker.Open)
}

// Requests that never come back hold nothing up: the trickle goes on.
func TestBrownOutLosesItsRequests(t *testing.T) {
	h := newHand(t, breaker.Settings{Trickle: 0.1})
	h.fail()
	lost := 0
	for range 1000 {
		h.now += 10 * time.Millisecond
		if p, ok := h.Allow(h.now, 0); ok {
			if lost++; p.Probe() || !p.Awaited() {
				t.Fatal("want a permit that is awaited and is no probe's")
			}
		}
	}
	if lost < 95 {
		t.Errorf("%d passed while none came back, want a tenth of 1000", lost)
	}
	h.passed(200, 2*time.Second, breaker.Success)
	h.wants(breaker.Closed)
}

func TestBrownOutOfABreaker(t *testing.T) {
	scenario(t, breaker.Settings{Trickle: 0.1}, func(t *testing.T, b *breaker.Breaker, l *log) {
		open(t, b)
		passed := 0
		for range 1000 {
			ready := b.Ready()
			p, ok := b.Allow()
			if ready && !ok {
				t.Fatal("ready, and refused")
			}
			if ok {
				passed++
				if !p.Awaited() || p.Probe() {
					t.Fatal("want a pass that is awaited and is no probe's")
				}
				p.Done(breaker.Failure)
			}
		}
		if passed < 90 || passed > 210 || b.RetryIn() != time.Second {
			t.Errorf("%d of 1000 passed, retry in %v; want a tenth of those asked for, 1s", passed, b.RetryIn())
		}
		for range 100 {
			time.Sleep(time.Millisecond)
			if p, ok := b.Allow(); ok {
				p.Done(breaker.Success)
			}
		}
		if got := l.words(); got != "closed open closed" {
			t.Errorf("went %s", got)
		}
	})
}

// Of two copies of a pass one counts, also in a brown-out.
func TestBrownOutCountsAPassOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Settings{Trickle: 0.5})
		open(t, b)
		for range 10 {
			if p, ok := b.Allow(); ok {
				for range 10 {
					p.Done(breaker.Success)
				}
				break
			}
		}
		wantState(t, b, breaker.Open)
	})
}
