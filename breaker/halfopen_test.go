package breaker_test

import (
	"testing"
	"time"

	"triage/breaker"
)

func TestHalfOpenLeasesAFewProbes(t *testing.T) {
	scenario(t, breaker.Settings{Probes: 2, LeaseFor: 3 * time.Second}, func(t *testing.T, b *breaker.Breaker, _ *log) {
		reachHalfOpen(t, b)
		first := allow(t, b)
		time.Sleep(time.Second)
		allow(t, b)
		if _, ok := b.Allow(); ok || b.Ready() {
			t.Fatalf("two of two leases out: allowed %v, ready %v, want no", ok, b.Ready())
		}
		if got := b.RetryIn(); got != 2*time.Second {
			t.Errorf("retry in %v, want 2s, when the first lease runs out", got)
		}
		first.Done(breaker.Ignored)
		if !b.Ready() || b.RetryIn() != 0 {
			t.Errorf("a lease came back: ready %v, retry in %v, want true, 0", b.Ready(), b.RetryIn())
		}
	})
}

func TestHalfOpenClosesOnSuccesses(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, l *log) {
		reachHalfOpen(t, b)
		allow(t, b).Done(breaker.Failure)
		for range 7 {
			wantState(t, b, breaker.HalfOpen)
			allow(t, b).Done(breaker.Success)
		}
		wantState(t, b, breaker.Closed)
		if got, want := l.last().Reason, "7 of 8 probes succeeded"; got != want {
			t.Errorf("reason is %q, want %q", got, want)
		}
	})
}

func TestHalfOpenLearnsNothingFromClientFaults(t *testing.T) {
	scenario(t, breaker.Settings{Probes: 1}, func(t *testing.T, b *breaker.Breaker, l *log) {
		reachHalfOpen(t, b)
		for range 1000 {
			allow(t, b).Done(breaker.Ignored)
		}
		if got := l.words(); got != "closed open half-open" {
			t.Errorf("went %s, want closed open half-open", got)
		}
	})
}

func TestHalfOpenTakesBackLostProbes(t *testing.T) {
	scenario(t, breaker.Settings{LeaseFor: 2 * time.Second}, func(t *testing.T, b *breaker.Breaker, l *log) {
		reachHalfOpen(t, b)
		lost := []breaker.Pass{allow(t, b), allow(t, b), allow(t, b)}
		time.Sleep(2*time.Second - time.Nanosecond)
		wantState(t, b, breaker.HalfOpen)
		time.Sleep(time.Nanosecond)
		wantState(t, b, breaker.Open)
		if got, want := l.last().Reason, "2 of 2 probes failed, 2 of them unanswered"; got != want {
			t.Errorf("reason is %q, want %q", got, want)
		}
		time.Sleep(b.RetryIn())
		for _, p := range lost {
			for range 4 {
				p.Done(breaker.Success)
			}
		}
		wantState(t, b, breaker.HalfOpen)
		for range 6 {
			allow(t, b).Done(breaker.Success)
		}
		wantState(t, b, breaker.Closed)
	})
}

func TestHalfOpenIgnoresALateResult(t *testing.T) {
	scenario(t, breaker.Settings{LeaseFor: 2 * time.Second}, func(t *testing.T, b *breaker.Breaker, _ *log) {
		reachHalfOpen(t, b)
		late := allow(t, b)
		time.Sleep(2 * time.Second)
		// The lease ran out, which is one failure: seven successes are needed now, and this is none.
		late.Done(breaker.Success)
		for range 6 {
			allow(t, b).Done(breaker.Success)
		}
		wantState(t, b, breaker.HalfOpen)
		allow(t, b).Done(breaker.Success)
		wantState(t, b, breaker.Closed)
	})
}

func TestHalfOpenCountsAProbeOnce(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, _ *log) {
		reachHalfOpen(t, b)
		p := allow(t, b)
		for range 10 {
			p.Done(breaker.Success)
		}
		wantState(t, b, breaker.HalfOpen)
	})
}

func TestHalfOpenPassesSayThatTheyAreProbes(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, _ *log) {
		if p := allow(t, b); p.Probe() {
			t.Errorf("a pass of a closed breaker is a probe")
		}
		reachHalfOpen(t, b)
		if p := allow(t, b); !p.Probe() {
			t.Errorf("a pass of a half-open breaker is no probe")
		}
		if (breaker.Pass{}).Probe() {
			t.Errorf("no pass at all is a probe")
		}
	})
}
