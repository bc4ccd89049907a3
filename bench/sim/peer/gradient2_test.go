package peer

import (
	"testing"
	"time"

	"triage/bench/sim"
)

func TestGradient2Formula(t *testing.T) {
	for _, c := range []struct {
		name      string
		limit     float64
		rtt       time.Duration // after ten windows of 100 ms
		inFlight  int
		wantLimit float64
	}{
		{"steady: grows by a fifth of the queue", 100, 100 * ms, 100, 100.8},
		{"inside the tolerance", 100, 145 * ms, 100, 100.8},
		{"twice: 1.5 · 100.33 ÷ 200", 100, 200 * ms, 100, 95.850},
		{"far beyond: the gradient is at least a half", 100, time.Second, 100, 90.8},
		{"application-limited: left alone", 100, time.Second, 49, 100},
		{"never below the minimum", 21, time.Second, 20, 20},
		{"never above the maximum", 199.9, 100 * ms, 150, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := NewGradient2(Settings{}).(*Gradient2)
			for range g2Warmup {
				p.update(100*ms, 0)
			}
			p.limit = c.limit
			p.update(c.rtt, c.inFlight)
			if !near(p.limit, c.wantLimit, 0.01) {
				t.Errorf("rtt %v, %d in flight, limit %v: got %.3f, want %.3f", c.rtt, c.inFlight, c.limit, p.limit, c.wantLimit)
			}
		})
	}
}

func TestGradient2LongAverageComesDown(t *testing.T) {
	p := NewGradient2(Settings{}).(*Gradient2)
	for range g2Warmup {
		p.update(time.Second, 0)
	}
	p.update(100*ms, 0)
	if want := 0.95 * (1 - 0.9*2/601) * 1e9; !near(p.long.value, want, 1e3) {
		t.Errorf("long average %v ns, want %v: cut by 5 %% when it is twice the short one", p.long.value, want)
	}
}

func TestGradient2Windows(t *testing.T) {
	t.Run("fewer than ten samples do not count", func(t *testing.T) {
		s := &stream{t: t, p: NewGradient2(Settings{})}
		for range 20 {
			s.batch(9, 1100*ms)
		}
		if p := s.p.(*Gradient2); p.long.count > 1 {
			t.Errorf("%d windows counted, want at most one", p.long.count)
		}
	})
	t.Run("faster than 100 µs is ignored", func(t *testing.T) {
		s := &stream{t: t, p: NewGradient2(Settings{})}
		s.serve(200_000, 50*time.Microsecond)
		if p := s.p.(*Gradient2); p.long.count != 0 || p.count != 0 {
			t.Errorf("%d windows and %d samples counted, want none", p.long.count, p.count)
		}
	})
	t.Run("a full limit grows while latency is steady", func(t *testing.T) {
		s := &stream{t: t, p: NewGradient2(Settings{})}
		for range 1000 {
			s.batch(300, 100*ms)
		}
		if p := s.p.(*Gradient2); p.limit < 90 {
			t.Errorf("after 100 s: limit %.1f, want nearly 0.8 a second more than 20", p.limit)
		}
	})
}

func TestGradient2Partitions(t *testing.T) {
	s := &stream{t: t, p: NewGradient2(Settings{Classes: 4})}
	for range g2Initial {
		s.want(3, sim.Start, "") // spare capacity is for everybody
	}
	s.want(3, sim.Refuse, "limit")
	s.want(2, sim.Start, "") // a partition of no share keeps one slot
	s.want(2, sim.Refuse, "limit")
	for range g2Initial {
		s.want(0, sim.Start, "") // all of the limit is guaranteed to class 0
	}
	s.want(0, sim.Refuse, "limit")

	t.Run("shares by hand", func(t *testing.T) {
		s := &stream{t: t, p: NewGradient2(Settings{Classes: 2, Hand: map[string]float64{"share:0": 0.6, "share:1": 0.4}})}
		for range g2Initial {
			s.want(0, sim.Start, "")
		}
		s.want(0, sim.Refuse, "limit")
		for range 8 {
			s.want(1, sim.Start, "")
		}
		s.want(1, sim.Refuse, "limit")
	})
}
