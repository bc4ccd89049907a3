package breaker

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestPeriod(t *testing.T) {
	for _, c := range []struct {
		n         int
		low, high time.Duration
	}{
		{0, 800 * time.Millisecond, 1200 * time.Millisecond},
		{1, 1600 * time.Millisecond, 2400 * time.Millisecond},
		{4, 12800 * time.Millisecond, 19200 * time.Millisecond},
		{5, 24 * time.Second, 30 * time.Second},
		{6, 24 * time.Second, 30 * time.Second},
		{math.MaxInt, 24 * time.Second, 30 * time.Second},
	} {
		if got := period(time.Second, 30*time.Second, c.n, 0); got != c.low {
			t.Errorf("shortest period %d is %v, want %v", c.n, got, c.low)
		}
		got := period(time.Second, 30*time.Second, c.n, math.Nextafter(1, 0))
		if got > c.high || got < c.high-time.Microsecond {
			t.Errorf("longest period %d is %v, want %v", c.n, got, c.high)
		}
	}
	if got := period(math.MaxInt64, math.MaxInt64, 40, 0.99); got <= 0 {
		t.Errorf("period of the longest durations is %v, want over 0", got)
	}
}

func TestRampIsEven(t *testing.T) {
	const length = 5 * time.Second
	r, passed, since := newRamp(0, length), 0, 0
	perSecond := make([]int, 5)
	for at := time.Duration(0); at < length; at += 10 * time.Millisecond {
		var ok bool
		before := r.share(at)
		if r, ok = r.next(at); !ok {
			since++
			continue
		}
		if limit := int(1/before) + 1; since > limit {
			t.Errorf("at %v: %d turned away in a row at a share of %.2f, want %d at most", at, since, before, limit)
		}
		since = 0
		passed++
		perSecond[at/time.Second]++
	}
	// The mean share in second k is 0.1 + 0.9·(k+0.5)/5.
	for k, got := range perSecond {
		if want := 100 * (0.1 + 0.18*(float64(k)+0.5)); math.Abs(float64(got)-want) > 2 {
			t.Errorf("second %d: %d of 100 passed, want about %.0f", k, got, want)
		}
	}
	if passed < 270 || passed > 280 {
		t.Errorf("%d of 500 passed, want about 275", passed)
	}
}

func TestTrial(t *testing.T) {
	for _, c := range []struct {
		name   string
		trial  trial
		want   verdict
		reason string
	}{
		{"nothing seen", trial{}, undecided, ""},
		{"one failed", trial{failed: 1}, undecided, ""},
		{"two failed", trial{failed: 2}, failing, "2 of 2 probes failed"},
		{"two lost", trial{failed: 2, lost: 2}, failing, "2 of 2 probes failed, 2 of them unanswered"},
		{"two behind", trial{succeeded: 3, failed: 5}, failing, "5 of 8 probes failed"},
		{"five succeeded", trial{succeeded: 5}, undecided, ""},
		{"six succeeded", trial{succeeded: 6}, healthy, "6 of 6 probes succeeded"},
		{"six ahead", trial{succeeded: 9, failed: 3}, healthy, "9 of 12 probes succeeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.trial.verdict(); got != c.want {
				t.Fatalf("verdict on %+v is %d, want %d", c.trial, got, c.want)
			}
			if got := c.trial.reason(); c.reason != "" && got != c.reason {
				t.Errorf("reason is %q, want %q", got, c.reason)
			}
		})
	}
}

// TestTrialRisks checks the shares that doc.go states.
func TestTrialRisks(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ failing, low, high float64 }{
		{0, 1, 1}, {0.1, 0.98, 1}, {0.3, 0.80, 0.84}, {0.7, 0, 0.01}, {1, 0, 0},
	} {
		const runs = 20000
		closed := 0
		for range runs {
			var tr trial
			for tr.verdict() == undecided {
				if dice.Float64() < c.failing {
					tr.failed++
				} else {
					tr.succeeded++
				}
			}
			if tr.verdict() == healthy {
				closed++
			}
		}
		if got := float64(closed) / runs; got < c.low || got > c.high {
			t.Errorf("%v fail: %.3f of the trials closed, want %v to %v", c.failing, got, c.low, c.high)
		}
	}
}
