package level_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"triage/shed/level"
)

// The sentences of the package comment about the sequential test, at an objective of 2 %.
func TestAlarm(t *testing.T) {
	var test level.Test
	for i := 1; i <= 3; i++ {
		if alarmed := test.Add(1, 1, 0.02); alarmed != (i == 3) {
			t.Errorf("after %d errors in a row alarmed is %v", i, alarmed)
		}
	}
	test.Reset()
	if test.Add(3, 1, 0.02) {
		t.Error("one error in three requests raises the alarm")
	}

	dice := rand.New(rand.NewPCG(1, 1))
	total, runs := 0, 2000
	for range runs {
		var test level.Test
		for n := 1; ; n++ {
			errors := 0
			if dice.Float64() < 0.3 {
				errors = 1
			}
			if test.Add(1, errors, 0.02) {
				total += n
				break
			}
		}
	}
	if mean := float64(total) / float64(runs); mean < 8 || mean > 20 {
		t.Errorf("30 %% errors raise the alarm after %.1f requests on average; want about 13", mean)
	}

	false_, n := 0, 100_000
	var quiet level.Test
	for range n {
		errors := 0
		if dice.Float64() < 0.01 {
			errors = 1
		}
		if quiet.Add(1, errors, 0.02) {
			false_++
			quiet.Reset()
		}
	}
	if false_ > 5 {
		t.Errorf("1 %% errors raised %d alarms in %d requests; want 5 at most", false_, n)
	}
}

// backend is a protected route's errors as a function of the level.
type backend struct {
	law     level.State
	test    level.Test
	now     time.Duration
	dice    *rand.Rand
	errors  func(level float64) float64
	signs   *level.Signs
	recent  []int // errors of the last ticks, of perTick requests each
	offered float64
}

const perTick = 20

func (b *backend) tick(t *testing.T) level.Reason {
	t.Helper()
	b.now += 100 * time.Millisecond
	failed := 0
	for range perTick {
		if b.dice.Float64() < b.errors(b.law.Level) {
			failed++
		}
	}
	b.recent = append(b.recent, failed)
	sum, n := 0, 0
	for i := len(b.recent) - 1; i >= 0 && n < 40; i-- {
		sum += b.recent[i]
		n += perTick
	}
	in := level.Sample{
		Now: b.now, Completed: perTick, Errors: failed, Settle: 20 * time.Millisecond, Alarmed: b.test.Add(perTick, failed, 0.02),
		Recent: float64(sum) / float64(n), RecentN: n, Objective: 0.02, Shares: []float64{0.2, 0.3, 0.3}, Offered: b.offered, Signs: b.signs,
	}
	var why level.Reason
	b.law, why = b.law.Next(in)
	if why != level.None {
		b.test.Reset()
	}
	return why
}

func newBackend(errors func(float64) float64) *backend {
	return &backend{dice: rand.New(rand.NewPCG(3, 4)), errors: errors, offered: 100}
}

// Errors that load causes: the level goes up until they are gone, and comes back when the load does not cause them any more.
func TestLoadErrors(t *testing.T) {
	crowded := true
	b := newBackend(func(level float64) float64 {
		if !crowded || level >= 2 {
			return 0
		}
		return 0.4 - 0.2*level
	})
	for range 100 {
		b.tick(t)
	}
	if b.law.Level < 1.5 || b.law.Level > 3 {
		t.Errorf("level %.2f after ten seconds; want about 2, where the errors end", b.law.Level)
	}
	crowded, b.offered = false, 30
	for range 80 {
		b.tick(t)
	}
	if b.law.Level != 0 {
		t.Errorf("level %.2f eight seconds after the crowd has gone; want 0", b.law.Level)
	}
}

// Errors that load does not cause: the others are touched for a moment, then left alone, ever more rarely.
func TestBadDeploy(t *testing.T) {
	b := newBackend(func(float64) float64 { return 0.4 })
	touched, tries := 0, 0
	const ticks = 1200 // two minutes
	for range ticks {
		if b.tick(t) == level.Climbing {
			tries++
		}
		if b.law.Level > 0 {
			touched++
		}
	}
	if share := float64(touched) / ticks; share > 0.03 {
		t.Errorf("the level was up %.1f %% of the time; want 3 %% at most", 100*share)
	}
	if tries < 2 || tries > 5 {
		t.Errorf("%d attempts in two minutes; want 2 to 5: at 0, 15, 45 and 105 seconds", tries)
	}
	if b.law.Level != 0 {
		t.Errorf("level %.2f at the end", b.law.Level)
	}
}

// With nothing below that could be refused, nothing moves.
func TestNobodyBelow(t *testing.T) {
	var law level.State
	law, why := law.Next(level.Sample{Now: time.Second, Completed: 10, Errors: 10, Alarmed: true, Recent: 1, RecentN: 40, Shares: []float64{0, 0}})
	if law.Level != 0 || why != level.None {
		t.Errorf("level %.1f, %q", law.Level, why)
	}
}

func TestSigns(t *testing.T) {
	for _, c := range []struct {
		signs level.Signs
		load  bool
	}{
		{level.Signs{}, false}, {level.Signs{Slow: true}, true}, {level.Signs{OthersFail: true}, true}, {level.Signs{OthersGrow: true}, true},
		{level.Signs{Slow: true, OthersFail: true, OthersGrow: true, OneEndpoint: true}, false},
	} {
		if got := c.signs.Load(); got != c.load {
			t.Errorf("%+v: load %v, want %v", c.signs, got, c.load)
		}
	}
}

// Errors without a sign of load: nobody is touched for a minute, it is told why, and after that hardly ever.
func TestNoSignOfLoad(t *testing.T) {
	for want, signs := range map[level.Reason]*level.Signs{level.NoSign: {}, level.Endpoint: {Slow: true, OneEndpoint: true}} {
		b := newBackend(func(float64) float64 { return 0.4 })
		b.signs = signs
		said := map[level.Reason]int{}
		for range 590 {
			said[b.tick(t)]++
			if b.law.Level > 0 {
				t.Fatalf("level %.2f at %v; want nobody touched for a minute", b.law.Level, b.now)
			}
		}
		if said[want] != 1 || len(said) != 2 {
			t.Errorf("it said %v in the first minute; want %q, once", said, want)
		}
		touched := 0
		const ticks = 6000 // ten minutes
		for range ticks {
			if said[b.tick(t)]++; b.law.Level > 0 {
				touched++
			}
		}
		if share := float64(touched) / ticks; share > 0.01 || said[level.Climbing] < 2 {
			t.Errorf("in ten minutes the level was up %.2f %% of the time, in %d attempts; want a few, 1 %% at most", 100*share, said[level.Climbing])
		}
	}
}

// While most of the protected route's requests are refused nothing is tried, whatever the signs say.
func TestNothingIsTriedInABrownOut(t *testing.T) {
	b := newBackend(func(float64) float64 { return 1 })
	b.signs = &level.Signs{OthersFail: true, OthersGrow: true, Refused: true}
	for range 1200 {
		if b.tick(t); b.law.Level > 0 {
			t.Fatalf("level %.2f at %v", b.law.Level, b.now)
		}
	}
	b.signs.Refused = false
	if b.tick(t); b.law.Level == 0 {
		t.Error("level 0 when the requests reach the backend again, and fail")
	}
}

// A sign of load that appears later ends the doubt at once.
func TestLateSignOfLoad(t *testing.T) {
	b := newBackend(func(level float64) float64 { return max(0, 0.4-0.2*level) })
	b.signs = &level.Signs{}
	for range 100 {
		b.tick(t)
	}
	b.signs = &level.Signs{OthersGrow: true}
	for range 5 {
		b.tick(t)
	}
	if b.law.Level == 0 {
		t.Error("level 0 half a second after a sign of load; want it up")
	}
	b.signs = &level.Signs{} // verified: it stands on its own
	for range 20 {
		b.tick(t)
	}
	if b.law.Level < 1.5 {
		t.Errorf("level %.2f after it was found to help; want it kept", b.law.Level)
	}
}
