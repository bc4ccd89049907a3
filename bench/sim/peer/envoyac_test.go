package peer

import (
	"testing"
	"time"

	"triage/bench/sim"
)

func TestGradientFormula(t *testing.T) {
	for _, c := range []struct {
		name      string
		limit     int
		min, now  time.Duration
		wantLimit int
	}{
		{"at minRTT plus buffer: only the root is added", 100, 100 * ms, 125 * ms, 110},
		{"twice as slow: gradient 0.625", 100, 100 * ms, 200 * ms, 70},
		{"five times as slow: gradient is at least a half", 100, 100 * ms, 500 * ms, 57},
		{"faster than minRTT: gradient at most 2", 100, 100 * ms, 10 * ms, 214},
		{"never below three", 3, 100 * ms, time.Second, 3},
		{"never above a thousand", 900, 100 * ms, 50 * ms, 1000},
		{"no time at all", 100, 100 * ms, 0, 214},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := acNextLimit(c.limit, c.min, c.now); got != c.wantLimit {
				t.Errorf("acNextLimit(%d, %v, %v): got %d, want %d", c.limit, c.min, c.now, got, c.wantLimit)
			}
		})
	}
}

func TestEnvoyACBeginsPinned(t *testing.T) {
	s := &stream{t: t, p: NewEnvoyAC(Settings{})}
	if got := s.admitted(10); got != acMinLimit {
		t.Fatalf("before minRTT is known: admitted %d, want %d", got, acMinLimit)
	}
	s.serve(acMinRTTCount-1, 50*ms)
	p := s.p.(*EnvoyAC)
	if p.minRTT != 0 {
		t.Fatalf("after %d samples: minRTT is %v, want none yet", acMinRTTCount-1, p.minRTT)
	}
	s.serve(1, 50*ms)
	if !near(p.minRTT.Seconds(), 0.05, 0.0006) {
		t.Errorf("after %d samples: minRTT is %v, want 50 ms", acMinRTTCount, p.minRTT)
	}
}

// measured gives a controller that knows minRTT and has grown.
func measured(t *testing.T) (*stream, *EnvoyAC) {
	s := &stream{t: t, p: NewEnvoyAC(Settings{Seed: 1})}
	s.serve(acMinRTTCount, 50*ms)
	for range 100 {
		s.batch(200, 50*ms)
	}
	return s, s.p.(*EnvoyAC)
}

func TestEnvoyACGrowsAndShrinks(t *testing.T) {
	s, p := measured(t)
	if p.limit < 500 {
		t.Fatalf("after %v at minRTT: limit %d, want it to have grown far", s.now, p.limit)
	}
	before := p.limit
	s.batch(200, 300*ms)
	s.batch(1, 300*ms)
	if p.limit >= before*6/10 {
		t.Errorf("after latency × 6: limit %d, want about half of %d", p.limit, before)
	}
}

func TestEnvoyACPinsEveryMinute(t *testing.T) {
	s, p := measured(t)
	due := p.nextMinRTT
	if due < acMinRTTEvery || due > s.now+acMinRTTEvery+acMinRTTEvery*15/100 {
		t.Fatalf("next measurement at %v, want a minute and up to 15 %% of jitter after the first", due)
	}
	grown := p.limit
	old := s.want(0, sim.Start, "")
	s.now = due
	if got := s.admitted(500); got != acMinLimit-1 {
		t.Fatalf("while measuring, one in flight from before: admitted %d, want %d", got, acMinLimit-1)
	}
	s.done(old, 0, sim.Success)
	if p.samples.n != 0 {
		t.Errorf("a request from before the measurement was sampled")
	}
	s.serve(acMinRTTCount, 80*ms)
	if p.limit != grown || !near(p.minRTT.Seconds(), 0.08, 0.001) {
		t.Errorf("after measuring: limit %d and minRTT %v, want %d back and 80 ms", p.limit, p.minRTT, grown)
	}
}

func TestEnvoyACMeasuresAgainWhenStuckAtMinimum(t *testing.T) {
	s := &stream{t: t, p: NewEnvoyAC(Settings{})}
	s.serve(acMinRTTCount, 10*ms)
	p := s.p.(*EnvoyAC)
	for range 20 {
		s.batch(3, 500*ms)
	}
	if p.saved == 0 {
		t.Errorf("after 20 windows of 50 × minRTT: no measurement under way, limit %d", p.limit)
	}
}

func TestEnvoyACDoesNotSampleClientsThatLeft(t *testing.T) {
	s := &stream{t: t, p: NewEnvoyAC(Settings{})}
	for range 200 {
		s.done(s.want(0, sim.Start, ""), ms, sim.Abandoned)
	}
	if p := s.p.(*EnvoyAC); p.minRTT != 0 || p.samples.n != 0 {
		t.Errorf("200 clients left: minRTT %v, %d samples, want none", p.minRTT, p.samples.n)
	}
}
