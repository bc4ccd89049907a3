package breaker_test

import (
	"testing"
	"time"

	"triage/breaker"
)

func TestRampLetsAGrowingSharePass(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, _ *log) {
		reachRamp(t, b)
		// A storm in the first instant: seventeen times a hundred requests.
		passed := 0
		for range 1700 {
			if p, ok := b.Allow(); ok {
				p.Done(breaker.Success)
				passed++
			}
		}
		if passed != 170 {
			t.Errorf("right after closing %d of 1700 passed, want 170", passed)
		}
		time.Sleep(2500 * time.Millisecond)
		passed = 0
		for range 1000 {
			if p, ok := b.Allow(); ok {
				p.Done(breaker.Success)
				passed++
			}
		}
		if passed < 549 || passed > 551 {
			t.Errorf("half-way %d of 1000 passed, want 550", passed)
		}
		time.Sleep(2500 * time.Millisecond)
		for range 1000 {
			allow(t, b).Done(breaker.Success)
		}
	})
}

func TestRampFeedsABalancerThatAsksFirst(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, _ *log) {
		reachRamp(t, b)
		passed := 0
		for range 1000 {
			if b.Ready() {
				allow(t, b).Done(breaker.Success)
				passed++
			}
		}
		if passed < 99 || passed > 101 {
			t.Errorf("%d of 1000 passed, want 100", passed)
		}
	})
}

func TestRampOpensAgain(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, l *log) {
		reachRamp(t, b)
		// One more than the first time: the route is remembered to be a little busier.
		if got := open(t, b); got != 10 {
			t.Errorf("opened again after %d failures, want 10", got)
		}
		if got := l.words(); got != "closed open half-open closed open" {
			t.Errorf("went %s", got)
		}
		if got := b.RetryIn(); got < 1600*time.Millisecond {
			t.Errorf("opened again at once for %v, want twice as long as before", got)
		}
	})
}

func TestRampEndsWithoutAChangeOfGeneration(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, _ *log) {
		reachRamp(t, b)
		var during []breaker.Pass
		for len(during) < 20 {
			if p, ok := b.Allow(); ok {
				during = append(during, p)
			}
		}
		time.Sleep(5 * time.Second)
		allow(t, b)
		for _, p := range during {
			p.Done(breaker.Failure)
		}
		wantState(t, b, breaker.Open)
	})
}
