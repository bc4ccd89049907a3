package breaker_test

import (
	"testing"
	"time"

	"triage/breaker"
)

func TestClosedOpensWhenEverythingFails(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, l *log) {
		if got := open(t, b); got != 9 {
			t.Errorf("opened after %d failures, want 9", got)
		}
		got := l.last()
		if got.Name != "checkout" || got.From != breaker.Closed || got.To != breaker.Open || !got.Time.Equal(time.Now()) {
			t.Errorf("told of %+v, want checkout, closed to open, now", got)
		}
		if want := "9 of 9 failed, evidence 7.6 of 7.5 needed"; got.Reason != want {
			t.Errorf("reason is %q, want %q", got.Reason, want)
		}
	})
}

func TestClosedStaysAtThirtyPercent(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, l *log) {
		for i := range 20000 {
			outcome := breaker.Success
			if i*7%10 < 3 {
				outcome = breaker.Failure
			}
			allow(t, b).Done(outcome)
			time.Sleep(2500 * time.Microsecond)
		}
		if got := l.words(); got != "closed" {
			t.Errorf("went %s, want closed", got)
		}
	})
}

func TestClosedCountsHealthyTrafficAgainstFailures(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, _ *log) {
		for range 400 * 300 {
			allow(t, b).Done(breaker.Success)
			time.Sleep(2500 * time.Microsecond)
		}
		if got := open(t, b); got != 19 {
			t.Errorf("after five minutes at 400 a second: opened after %d failures, want 19", got)
		}
	})
}

func TestClosedIgnoresClientFaults(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, _ *log) {
		for range 1000 {
			allow(t, b).Done(breaker.Ignored)
			allow(t, b).Done(breaker.Outcome(200))
		}
		wantState(t, b, breaker.Closed)
		// Nor do they dilute: between failures they are as if they had not been.
		for range 9 {
			allow(t, b).Done(breaker.Failure)
			p, _ := b.Allow()
			p.Done(breaker.Ignored)
		}
		wantState(t, b, breaker.Open)
	})
}

func TestClosedCountsAPassOnce(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, _ *log) {
		first := allow(t, b)
		first.Done(breaker.Success)
		for range 8 {
			p := allow(t, b)
			p.Done(breaker.Failure)
			p.Done(breaker.Failure)
			first.Done(breaker.Failure)
		}
		wantState(t, b, breaker.Closed)
	})
}

func TestClosedForgetsLastWeek(t *testing.T) {
	scenario(t, breaker.Settings{}, func(t *testing.T, b *breaker.Breaker, _ *log) {
		for range 24 * 7 {
			allow(t, b).Done(breaker.Failure)
			time.Sleep(time.Hour)
		}
		wantState(t, b, breaker.Closed)
	})
}
