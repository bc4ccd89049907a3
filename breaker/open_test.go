package breaker_test

import (
	"testing"
	"time"

	"triage/breaker"
)

func TestOpenRefusesUntilThePeriodIsOver(t *testing.T) {
	scenario(t, breaker.Settings{OpenFor: 10 * time.Second}, func(t *testing.T, b *breaker.Breaker, l *log) {
		open(t, b)
		wait := b.RetryIn()
		if wait < 8*time.Second || wait > 12*time.Second {
			t.Fatalf("open for %v, want 8s to 12s", wait)
		}
		time.Sleep(wait - time.Nanosecond)
		if _, ok := b.Allow(); ok || b.Ready() || b.State() != breaker.Open || b.RetryIn() != time.Nanosecond {
			t.Fatalf("a nanosecond early: allowed %v, ready %v, %v, retry in %v", ok, b.Ready(), b.State(), b.RetryIn())
		}
		time.Sleep(time.Nanosecond)
		if !b.Ready() || b.RetryIn() != 0 {
			t.Fatalf("period over: ready %v, retry in %v, want true, 0", b.Ready(), b.RetryIn())
		}
		allow(t, b)
		if got := l.words(); got != "closed open half-open" {
			t.Errorf("went %s, want closed open half-open", got)
		}
	})
}

func TestOpenPeriodsGrowAndAreForgiven(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, _ *log) {
		within := func(n int, low, high time.Duration) {
			t.Helper()
			if got := b.RetryIn(); got < low || got > high {
				t.Errorf("open period %d is %v, want %v to %v", n, got, low, high)
			}
			time.Sleep(b.RetryIn())
		}
		open(t, b)
		nominal := time.Second
		for n := range 8 {
			low, high := nominal*8/10, min(nominal*12/10, 30*time.Second)
			within(n, low, high)
			for b.State() == breaker.HalfOpen {
				allow(t, b).Done(breaker.Failure)
			}
			nominal = min(2*nominal, 30*time.Second)
		}
		within(8, 24*time.Second, 30*time.Second)
		for b.State() == breaker.HalfOpen {
			allow(t, b).Done(breaker.Success)
		}
		time.Sleep(50 * time.Second)
		open(t, b)
		within(9, 24*time.Second, 30*time.Second)
		for b.State() == breaker.HalfOpen {
			allow(t, b).Done(breaker.Success)
		}
		time.Sleep(60 * time.Second)
		open(t, b)
		within(0, 800*time.Millisecond, 1200*time.Millisecond)
	})
}

func TestOpenIgnoresResultsFromBefore(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, l *log) {
		early := make([]breaker.Pass, 50)
		for i := range early {
			early[i] = allow(t, b)
		}
		reachHalfOpen(t, b)
		for _, p := range early[:20] {
			p.Done(breaker.Success)
		}
		wantState(t, b, breaker.HalfOpen)
		for range 6 {
			allow(t, b).Done(breaker.Success)
		}
		for _, p := range early[20:] {
			p.Done(breaker.Failure)
		}
		if got := l.words(); got != "closed open half-open closed" {
			t.Errorf("went %s, want closed open half-open closed", got)
		}
	})
}
