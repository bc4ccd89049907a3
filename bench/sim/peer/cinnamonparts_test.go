package peer

import (
	"testing"
	"time"
)

func TestPI(t *testing.T) {
	for _, c := range []struct {
		name                       string
		integral                   float64
		inflow, outflow, free, lim float64
		want                       float64
	}{
		{"balance", 0, 100, 100, 0, 50, 0},
		{"balance holds the ratio", 0.4, 100, 100, 0, 50, 0.4},
		{"20 % too much: 0.1 · 0.2 + 1.4 · 0.2 · 0.5", 0, 120, 100, 0, 50, 0.16},
		{"free slots bring it down", 0.5, 100, 100, 20, 50, 0.34},
		{"nothing came out: measured against the limit", 0, 10, 0, 0, 50, 0.16},
		{"never above its maximum", 0.9, 1000, 100, 0, 50, 0.95},
		{"never below nothing", 0.1, 100, 100, 500, 50, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := pi{integral: c.integral}
			if got := p.next(c.inflow, c.outflow, c.free, c.lim); !near(got, c.want, 1e-9) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestPIDoesNotWindUp(t *testing.T) {
	p := pi{}
	for range 1000 {
		p.next(1000, 100, 0, 50) // eight minutes of ten times too much
	}
	intervals := 0
	for ; p.next(10, 10, 20, 50) > 0; intervals++ {
		if intervals > 2 {
			t.Fatalf("still rejecting %v three intervals after the overload", p.integral)
		}
	}
}

func TestRecentLevels(t *testing.T) {
	r := newRecentLevels(10)
	for level := range 10 {
		for range 10 {
			r.add(0, level)
		}
	}
	for _, c := range []struct {
		ratio float64
		want  int
	}{{0, 9}, {-1, 9}, {0.10, 8}, {0.25, 7}, {0.5, 4}, {0.95, 0}} {
		if got := r.threshold(0, c.ratio); got != c.want {
			t.Errorf("to reject %v: got threshold %d, want %d", c.ratio, got, c.want)
		}
	}
	r.add(30*time.Second, 0)
	if got := r.threshold(59*time.Second, 0.5); got != 4 {
		t.Errorf("within the minute: got threshold %d, want 4", got)
	}
	if r.rotate(60 * time.Second); r.n != 1 || r.total[0] != 1 {
		t.Errorf("after a minute: %d remembered, want the one of half a minute ago", r.n)
	}
	if r.rotate(1000 * time.Hour); r.n != 0 {
		t.Errorf("after a jump: %d remembered, want none", r.n)
	}
}

func TestVegas(t *testing.T) {
	for _, c := range []struct {
		name                   string
		limit, target, latency float64
		want                   float64
	}{
		{"no queue", 100, 50, 50, 12},
		{"a queue of four, below α", 100, 96, 100, 2},
		{"between α and β", 100, 90, 100, 0},
		{"a queue of thirteen, above β", 100, 87, 100, -2},
		{"small limits move by one", 5, 50, 50, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := vegasStep(c.limit, c.target, c.latency); !near(got, c.want, 1e-9) {
				t.Errorf("limit %v, target %v, latency %v: got %v, want %v", c.limit, c.target, c.latency, got, c.want)
			}
		})
	}
}

// intervals feeds the tuner with intervals of 4 s.
func intervals(tn *tuner, now *time.Duration, n int, latency time.Duration, inFlight, samples int) {
	for range n {
		for range samples {
			*now += 4 * time.Second / time.Duration(samples)
			tn.observe(*now, latency, inFlight)
			tn.update(*now)
		}
	}
}

func TestTuner(t *testing.T) {
	t.Run("grows without a queue", func(t *testing.T) {
		tn, now := newTuner(), time.Duration(0)
		intervals(&tn, &now, 10, 50*ms, 90, 300)
		if tn.limit <= tunerInitial {
			t.Errorf("limit %v, want above %v", tn.limit, tunerInitial)
		}
	})
	t.Run("holds while not in use", func(t *testing.T) {
		tn, now := newTuner(), time.Duration(0)
		intervals(&tn, &now, 10, 50*ms, 49, 300)
		if tn.limit != tunerInitial {
			t.Errorf("limit %v, want %v", tn.limit, tunerInitial)
		}
	})
	t.Run("shrinks with a queue", func(t *testing.T) {
		tn, now := newTuner(), time.Duration(0)
		intervals(&tn, &now, 3, 50*ms, 60, 300)
		before := tn.limit
		intervals(&tn, &now, 6, 100*ms, 110, 300)
		if tn.limit >= before {
			t.Errorf("limit %v, want below %v", tn.limit, before)
		}
	})
	t.Run("shrinks when more in flight carry less", func(t *testing.T) {
		tn, now := newTuner(), time.Duration(0)
		for i := range 12 { // in-flight up, throughput down, latency the same: Vegas alone would grow
			intervals(&tn, &now, 1, 50*ms, 80+i, 400-10*i)
		}
		before := tn.limit
		intervals(&tn, &now, 6, 50*ms, 100, 260)
		if tn.limit >= before {
			t.Errorf("limit %v, want below %v", tn.limit, before)
		}
	})
	t.Run("too few samples are no interval", func(t *testing.T) {
		tn, now := newTuner(), time.Duration(0)
		intervals(&tn, &now, 1, 50*ms, 90, tunerSamples-1)
		if len(tn.p90.values) != 0 {
			t.Errorf("%d intervals, want none", len(tn.p90.values))
		}
	})
}
