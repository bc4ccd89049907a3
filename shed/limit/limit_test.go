package limit_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"triage/shed/limit"
)

const (
	tick = 100 * time.Millisecond
	base = 0.05 // seconds
)

// pool answers in base·slow while no more are in it than slots, and in proportion to the crowd above that. Demand is what wants
// to be in it when it is fast.
type pool struct {
	slots, slow, demand float64
	law                 limit.State
	now                 time.Duration
	dice                *rand.Rand
	reasons             map[limit.Reason]int
	lowest              float64
	peaks, critical     float64
}

func newPool(slots, slow, demand float64) *pool {
	p := &pool{slots: slots, slow: slow, demand: demand, dice: rand.New(rand.NewPCG(1, 2)), reasons: map[limit.Reason]int{}}
	p.law = limit.Open(0, demand*slow, 4*slots, 1)
	p.lowest, p.peaks, p.critical = p.law.Limit, 0.5*slots, 0.1*slots
	return p
}

func (p *pool) run(lasts time.Duration) {
	for end := p.now + lasts; p.now < end; {
		p.now += tick
		wanted := p.demand * p.slow
		inFlight := math.Min(p.law.Limit, wanted)
		crowd := math.Max(1, inFlight*1/p.slots)
		if p.demand > p.slots { // more is offered than served: the pool fills up to the limit
			inFlight = p.law.Limit
			crowd = math.Max(1, inFlight/p.slots)
		}
		y := p.slow * crowd * (1 + 0.03*p.dice.NormFloat64())
		rate := inFlight / (base * p.slow * crowd)
		n := int(rate * tick.Seconds())
		in := limit.Sample{
			Now: p.now, Samples: n, Sum: float64(n) * base * y, Base: float64(n) * base, Y: y, SE: 0.05,
			InFlight: int(inFlight), Peak: int(inFlight), Useful: rate * base, Peaks: p.peaks, Critical: p.critical,
		}
		if wanted > p.law.Limit {
			in.Waiting = int(wanted - p.law.Limit)
		}
		var why limit.Reason
		p.law, why = p.law.Next(in)
		p.reasons[why]++
		p.lowest = math.Min(p.lowest, p.law.Limit)
	}
}

func TestOverloadIsHeldAtWhatThePoolCanDo(t *testing.T) {
	for _, slots := range []float64{10, 40, 400} {
		p := newPool(slots, 1, 3*slots)
		p.run(20 * time.Second)
		if got := p.law.Limit / slots; got < 0.9 || got > 1.35 {
			t.Errorf("pool of %.0f: limit %.1f, %.2f of it; want about %.2f", slots, p.law.Limit, got, limit.Target)
		}
		if p.law.Scale > 1.1 {
			t.Errorf("pool of %.0f: accepted a slowness of %.2f that load causes (%v)", slots, p.law.Scale, p.reasons)
		}
	}
}

func TestSlownessThatServesAllIsAcceptedWithoutACut(t *testing.T) {
	p := newPool(100, 3, 20)
	opened := p.law.Limit
	p.run(5 * time.Second)
	if p.lowest < opened {
		t.Errorf("the limit went from %.0f down to %.0f; want no cut", opened, p.lowest)
	}
	if p.law.Scale < 2.5 || p.law.Scale > 3.5 {
		t.Errorf("accepted slowness %.2f; want 3 (%v)", p.law.Scale, p.reasons)
	}
}

// Act, verify, undo: a limit that binds is cut, the latency does not follow and less work is done, so the cut is taken back at once, the slowness is
// accepted, and everybody is let in again.
func TestACutThatDoesNotHelpIsUndone(t *testing.T) {
	p := newPool(100, 3, 20)
	p.law, p.lowest, p.peaks, p.critical = limit.Open(0, 40, 30, 1), 40, 25, 1
	p.run(6 * time.Second)
	if p.reasons[limit.NotLoad] != 1 || p.reasons[limit.OnlyCritical] > 0 || p.lowest == 40 {
		t.Errorf("%v, lowest limit %.1f; want a cut, and one verdict that it was not load", p.reasons, p.lowest)
	}
	if wanted := p.demand * p.slow; p.law.Scale < 2.7 || p.law.Scale > 3.3 || p.law.Limit < wanted {
		t.Errorf("scale %.2f and limit %.1f; want 3 and the %.0f that are asked for", p.law.Scale, p.law.Limit, wanted)
	}
}

func TestSlowAndOverloadedKeepsThePoolBusy(t *testing.T) {
	p := newPool(40, 2, 120)
	p.run(30 * time.Second)
	if got := p.law.Limit / p.slots; got < 0.85 || got > 1.5 {
		t.Errorf("limit %.1f is %.2f of the pool; want about 1.1 (%v, scale %.2f)", p.law.Limit, got, p.reasons, p.law.Scale)
	}
}

func TestTheScaleFallsWhenTheBackendIsFastAgain(t *testing.T) {
	p := newPool(100, 3, 20)
	p.run(5 * time.Second)
	p.slow = 1
	p.run(5 * time.Second)
	if p.law.Scale > 1.1 {
		t.Errorf("scale %.2f five seconds after the backend became fast; want 1", p.law.Scale)
	}
}

func TestNothingMovesWithoutSamples(t *testing.T) {
	law := limit.Open(0, 50, 80, 1)
	for now := time.Duration(0); now < 10*time.Second; now += tick {
		var why limit.Reason
		before := law.Limit
		law, why = law.Next(limit.Sample{Now: now, InFlight: 50, Peak: 50, Waiting: 9})
		if law.Limit != before || why != limit.None {
			t.Fatalf("at %v the limit moved from %.1f to %.1f: %q", now, before, law.Limit, why)
		}
	}
}

// Whatever is fed in, the limit stays a number of at least one and the scale too.
func FuzzNext(f *testing.F) {
	f.Add(int64(1), 20.0, 1.5, 3)
	f.Add(int64(2), 0.0, 1e300, 0)
	f.Fuzz(func(t *testing.T, seed int64, inFlight, y float64, waiting int) {
		if math.IsNaN(inFlight) || math.IsNaN(y) || math.IsInf(y, 0) || math.IsInf(inFlight, 0) || inFlight < 0 || y < 0 || y > 1e12 || inFlight > 1e9 {
			return
		}
		dice := rand.New(rand.NewPCG(uint64(seed), 1))
		law := limit.Open(0, inFlight, 2*inFlight, 1)
		for now := time.Duration(0); now < 10*time.Second; now += tick {
			n := dice.IntN(100)
			law, _ = law.Next(limit.Sample{
				Now: now, Samples: n, Sum: float64(n) * base * y, Base: float64(n) * base, Y: y * dice.Float64(), SE: dice.Float64(),
				InFlight: int(inFlight), Peak: int(inFlight), Waiting: max(0, waiting%100), Useful: inFlight * dice.Float64(), Peaks: inFlight, Critical: inFlight * dice.Float64(),
			})
			if !(law.Limit >= 1) || !(law.Scale >= 1) || math.IsInf(law.Limit, 0) || math.IsInf(law.Scale, 0) {
				t.Fatalf("at %v limit %v, scale %v", now, law.Limit, law.Scale)
			}
		}
	})
}

// Where nothing is known of what the backend takes the limit begins low, and looks upward fast: a process that was started in the middle of a
// crowd must not keep it out for long.
func TestTheIgnorantLookUpwardFast(t *testing.T) {
	p := newPool(40, 1, 120)
	p.peaks = 2
	p.law, _ = limit.Open(0, 500, 2, 1).Next(limit.Sample{ // the flood as it is found
		Now: tick, Samples: 20, Sum: 20 * base * 6, Base: 20 * base, Y: 6, SE: 0.1, InFlight: 500, Peak: 500, Waiting: 50, Useful: 3, Peaks: 2,
	})
	if p.law.Limit > 10 {
		t.Fatalf("the limit begins at %.1f; want a low one", p.law.Limit)
	}
	p.run(4 * time.Second)
	if got := p.law.Limit / p.slots; got < 0.8 || got > 1.5 {
		t.Errorf("after four seconds the limit is %.2f of the pool; want about %.2f (%v)", got, limit.Target, p.reasons)
	}
}

// An experiment upward that is broken off, for the group has another member now, leaves nothing behind of what was only tried.
func TestWhatWasOnlyTriedUpwardIsTakenBack(t *testing.T) {
	p := newPool(40, 1, 120)
	p.critical, p.peaks = 100, 100
	for range 100 {
		before := p.law.Limit
		p.run(tick)
		if p.reasons[limit.OnlyCritical] == 0 {
			continue
		}
		if got := p.law.Grow(5, 5).Limit; math.Abs(got-before-5) > 0.1 {
			t.Errorf("the limit was %.1f before the experiment and is %.1f with a member that brings 5; want %.1f", before, got, before+5)
		}
		return
	}
	t.Errorf("no experiment upward was begun: %v", p.reasons)
}

// "Every step is paced by samples, however high the latency": a few answers after an experiment move the limit by a few hundredths.
func TestAStepIsPacedBySamples(t *testing.T) {
	p := newPool(40, 1, 120)
	for range 300 {
		if p.run(tick); p.reasons[limit.Relieved] > 0 {
			break
		}
	}
	if p.reasons[limit.Relieved] == 0 {
		t.Fatalf("no experiment: %v", p.reasons)
	}
	before := p.law.Limit
	law, why := p.law.Next(limit.Sample{
		Now: p.now + tick, Samples: 4, Sum: 4 * base * 6, Base: 4 * base, Y: 6, SE: 0.1, InFlight: int(before), Peak: int(before), Waiting: 9, Useful: 5, Peaks: 20, Critical: 1,
	})
	if why != limit.TooSlow || law.Limit > 0.999*before || law.Limit < (1-0.15*4/48-0.001)*before {
		t.Errorf("four answers at six times the baseline moved the limit from %.2f to %.2f (%s); want a step of 15 %% times 4/48 at most", before, law.Limit, why)
	}
}
