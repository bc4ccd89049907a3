package shed

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// The share of a lognormal's answers that come within the time is the share that was asked for.
func TestWithin(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for _, test := range []struct{ mean, cv, z, share float64 }{
		{0.1, 0.5, quickAt, 0.5}, {0.1, 0.5, surelyAt, 0.95}, {3, 1.3, surelyAt, 0.95}, {0.0004, 0.1, quickAt, 0.5}, {1, 3, surelyAt, 0.95},
	} {
		within := within(test.mean, test.cv, test.z)
		sigma := math.Sqrt(math.Log1p(test.cv * test.cv))
		const n = 40_000
		met, sum := 0, 0.0
		for range n {
			answer := test.mean * math.Exp(sigma*dice.NormFloat64()-sigma*sigma/2)
			sum += answer
			if answer <= within.Seconds() {
				met++
			}
		}
		if got := float64(met) / n; math.Abs(got-test.share) > 0.01 {
			t.Errorf("mean %v, cv %v: %.3f of the answers come within %v; want %v", test.mean, test.cv, got, within, test.share)
		}
		if mean := sum / n; math.Abs(mean/test.mean-1) > 0.1 {
			t.Errorf("mean %v, cv %v: the answers have the mean %v; the test draws another distribution", test.mean, test.cv, mean)
		}
	}
	if got := within(0, 1, surelyAt); got != 0 {
		t.Errorf("without evidence: %v, want 0", got)
	}
}

func TestSoonest(t *testing.T) {
	for _, test := range []struct {
		ahead       int
		every, want time.Duration
	}{
		{0, 0, 0}, {9, 0, 0}, {0, time.Millisecond, time.Millisecond}, {9, 4 * time.Millisecond, 40 * time.Millisecond},
		{math.MaxInt - 1, math.MaxInt64, math.MaxInt64 / 2},
	} {
		if got := soonest(test.ahead, test.every); got < test.want || got > test.want+1 {
			t.Errorf("behind %d, a slot every %v: %v, want %v", test.ahead, test.every, got, test.want)
		}
	}
}

func TestNeeds(t *testing.T) {
	r := &Route{quick: 100 * time.Millisecond, surely: 180 * time.Millisecond}
	for _, test := range []struct{ patience, want time.Duration }{
		{time.Second, 180 * time.Millisecond},
		{math.MaxInt64 - time.Hour, 180 * time.Millisecond},
		{260 * time.Millisecond, 180 * time.Millisecond},
		{160 * time.Millisecond, 130 * time.Millisecond}, // half of the slack of 60 ms may be spent waiting
		{100 * time.Millisecond, 100 * time.Millisecond},
		{60 * time.Millisecond, 80 * time.Millisecond}, // more than it has
		{-time.Hour, -1799950 * time.Millisecond},
	} {
		ticket := &Ticket{Route: r, Deadline: time.Hour + test.patience, since: time.Hour}
		if got := ticket.needs(); got != test.want {
			t.Errorf("with a patience of %v: needs %v, want %v", test.patience, got, test.want)
		}
		hopeless := (&domain{}).hopeless(time.Hour, ticket)
		if want := test.patience < 100*time.Millisecond; hopeless != want && ticket.Deadline > 0 {
			t.Errorf("with a patience of %v, behind nobody: hopeless %v, want %v", test.patience, hopeless, want)
		}
	}
	if got := (&Ticket{Route: r, Deadline: math.MaxInt64}).needs(); got != r.surely {
		t.Errorf("with all the time there is: needs %v, want %v", got, r.surely)
	}
}

// A baseline that was only guessed, from the first answers of a new process, is no evidence.
func TestAGuessIsNoEvidence(t *testing.T) {
	r := newRoute(RouteSettings{Name: "new"}, 0)
	for range 8 {
		r.base.Early(0.05)
	}
	if r.base.Seconds() == 0 {
		t.Fatal("there is no guess: the test shows nothing")
	}
	if got := r.mean(); got != 0 {
		t.Errorf("an answer is expected to take %v s by a guess; want 0, which is no evidence", got)
	}
}
