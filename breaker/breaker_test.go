package breaker_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"triage/breaker"
)

// log keeps the changes that a breaker told of.
type log struct {
	mu      sync.Mutex
	changes []breaker.Change
}

func (l *log) add(c breaker.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes = append(l.changes, c)
}

func (l *log) last() breaker.Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.changes) == 0 {
		return breaker.Change{}
	}
	return l.changes[len(l.changes)-1]
}

func (l *log) words() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	words := []string{"closed"}
	for _, c := range l.changes {
		words = append(words, c.To.String())
	}
	return strings.Join(words, " ")
}

func newBreaker(t *testing.T, s breaker.Settings) *breaker.Breaker {
	t.Helper()
	b, err := breaker.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func allow(t *testing.T, b *breaker.Breaker) breaker.Pass {
	t.Helper()
	p, ok := b.Allow()
	if !ok {
		t.Fatalf("refused while %v, want a pass", b.State())
	}
	return p
}

// open makes a closed breaker fail until it opens.
func open(t *testing.T, b *breaker.Breaker) (failures int) {
	t.Helper()
	for b.State() == breaker.Closed {
		if p, ok := b.Allow(); ok {
			p.Done(breaker.Failure)
			failures++
		} else {
			time.Sleep(time.Millisecond)
		}
		if failures > 30 {
			t.Fatal("closed after 30 failures in a row, want open")
		}
	}
	return failures
}

// reachHalfOpen opens the breaker and waits for the period to pass.
func reachHalfOpen(t *testing.T, b *breaker.Breaker) {
	t.Helper()
	open(t, b)
	time.Sleep(b.RetryIn())
	wantState(t, b, breaker.HalfOpen)
}

// reachRamp goes through half-open with nothing but successes.
func reachRamp(t *testing.T, b *breaker.Breaker) {
	t.Helper()
	reachHalfOpen(t, b)
	for b.State() == breaker.HalfOpen {
		allow(t, b).Done(breaker.Success)
	}
	wantState(t, b, breaker.Closed)
}

func wantState(t *testing.T, b *breaker.Breaker, want breaker.State) {
	t.Helper()
	if got := b.State(); got != want {
		t.Fatalf("state is %v, want %v", got, want)
	}
}

// scenario runs f in virtual time with a breaker and the log of its changes.
func scenario(t *testing.T, s breaker.Settings, f func(*testing.T, *breaker.Breaker, *log)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var l log
		s.Name, s.Notify = "checkout", l.add
		f(t, newBreaker(t, s), &l)
	})
}

func TestDisabledIsAlwaysClosed(t *testing.T) {
	scenario(t, breaker.Settings{Disabled: true}, func(t *testing.T, b *breaker.Breaker, l *log) {
		for range 1000 {
			allow(t, b).Done(breaker.Failure)
		}
		if b.State() != breaker.Closed || !b.Ready() || b.RetryIn() != 0 || l.words() != "closed" {
			t.Errorf("state %v, ready %v, retry in %v, went %s", b.State(), b.Ready(), b.RetryIn(), l.words())
		}
	})
}

func TestZeroPassIsHarmless(t *testing.T) {
	breaker.Pass{}.Done(breaker.Failure)
}

// TestNotifyMayAsk would deadlock if Notify were called under the lock.
func TestNotifyMayAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *breaker.Breaker
		told := 0
		b = newBreaker(t, breaker.Settings{Notify: func(c breaker.Change) {
			told++
			b.RetryIn()
			if got := b.State(); got != c.To {
				t.Errorf("told of %v while %v", c.To, got)
			}
		}})
		reachRamp(t, b)
		if told != 3 {
			t.Errorf("told %d times, want 3", told)
		}
	})
}
