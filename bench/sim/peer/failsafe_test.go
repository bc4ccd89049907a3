package peer

import (
	"testing"
	"time"

	"triage/bench/sim"
)

func TestFailsafeChange(t *testing.T) {
	for _, c := range []struct {
		name                                string
		queue                               int
		full                                bool
		throughputCorr, throughputCV, rtCor float64
		want                                int
	}{
		{"queue above β", 7, false, 1, 1, 0, -1},
		{"queue at β holds", 6, false, 1, 1, 0, 0},
		{"queue below α grows", 2, false, 1, 1, 0, 1},
		{"queue at α holds", 3, false, 1, 1, 0, 0},
		{"full, throughput falls with in-flight", 0, true, -0.1, 1, 0, -1},
		{"not full: correlations do not count", 0, false, -0.1, 0, 1, 1},
		{"full, weak throughput, latency follows", 0, true, 0.2, 1, 0.6, -1},
		{"full, throughput flat, latency follows", 0, true, 0.9, 0.1, 0.6, -1},
		{"full, throughput follows", 0, true, 0.9, 0.5, 0.6, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := failsafeChange(c.queue, 1, c.full, c.throughputCorr, c.throughputCV, c.rtCor); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestFailsafeRate(t *testing.T) {
	for _, c := range []struct {
		queued, limit int
		want          float64
	}{{0, 20, 0}, {39, 20, 0}, {40, 20, 0}, {50, 20, 0.5}, {59, 20, 0.95}, {60, 20, 1}, {600, 20, 1}} {
		if got := failsafeRate(c.queued, c.limit); !near(got, c.want, 1e-9) {
			t.Errorf("%d queued at a limit of %d: got %v, want %v", c.queued, c.limit, got, c.want)
		}
	}
}

func TestFailsafeLevels(t *testing.T) {
	l := failsafeLevels{dice: Settings{}.dice(3)}
	if got := l.quantile(0.9); got != 0 {
		t.Errorf("nothing recorded: got level %d, want 0", got)
	}
	for _, c := range []struct{ class, low int }{{0, 400}, {1, 300}, {3, 100}, {4, 0}, {9, 0}, {-1, 0}} {
		for range 1000 {
			if got := l.draw(c.class); got < c.low || got >= c.low+failsafeWide {
				t.Fatalf("class %d: got level %d, want one of %d to %d", c.class, got, c.low, c.low+failsafeWide-1)
			}
		}
	}
	for i := range 2000 {
		l.record(i % 500)
	}
	if l.n != failsafeRemembered {
		t.Errorf("%d remembered, want %d", l.n, failsafeRemembered)
	}
	for _, c := range []struct {
		q    float64
		want int
	}{{0.002, 0}, {0.2, 99}, {0.5, 249}, {1, 499}} {
		if got := l.quantile(c.q); got != c.want {
			t.Errorf("quantile %v of levels 0 to 499: got %d, want %d", c.q, got, c.want)
		}
	}
}

func TestFailsafeLimit(t *testing.T) {
	feed := func(l *failsafeLimiter, windows int, rtt float64, inFlight int) {
		for range windows {
			l.move(rtt, inFlight, false)
		}
	}
	t.Run("one up a window while there is no queue", func(t *testing.T) {
		l := newFailsafeLimiter()
		feed(&l, 10, 50e6, 20)
		if l.limit != 30 {
			t.Errorf("limit %v, want 30", l.limit)
		}
	})
	t.Run("at most five times in-flight", func(t *testing.T) {
		l := newFailsafeLimiter()
		feed(&l, 50, 50e6, 6)
		if l.limit != 30 {
			t.Errorf("limit %v, want 30", l.limit)
		}
		feed(&l, 5, 50e6, 2)
		if l.limit != 25 {
			t.Errorf("five windows of two in flight: limit %v, want 25: down by one each", l.limit)
		}
	})
	t.Run("one down a window in overload, and the baseline follows", func(t *testing.T) {
		l := newFailsafeLimiter()
		feed(&l, 70, 50e6, 100)
		before := l.limit
		feed(&l, 5, 200e6, 100)
		if l.limit != before-5 {
			t.Errorf("limit %v, want %v", l.limit, before-5)
		}
		feed(&l, 100, 200e6, 100)
		if l.limit <= before {
			t.Errorf("after 100 windows of the new latency: limit %v, want it above %v: the baseline has drifted", l.limit, before)
		}
	})
	t.Run("between 1 and 200", func(t *testing.T) {
		l := newFailsafeLimiter()
		feed(&l, 400, 50e6, 1000)
		if l.limit != 200 {
			t.Errorf("limit %v, want 200", l.limit)
		}
		for i := range 300 { // two in flight carry less than one
			l.move([]float64{50e6, 500e6}[i%2], 1+i%2, true)
		}
		if l.limit != 1 {
			t.Errorf("limit %v, want 1", l.limit)
		}
	})
}

func TestCorrelate(t *testing.T) {
	var up, down, flat []float64
	for i := range 20 {
		up, down, flat = append(up, float64(10+i)), append(down, float64(100-i)), append(flat, 5)
	}
	if got, _ := correlate(up, down); !near(got, -1, 1e-9) {
		t.Errorf("against each other: got %v, want -1", got)
	}
	if got, _ := correlate(up, up); !near(got, 1, 1e-9) {
		t.Errorf("together: got %v, want 1", got)
	}
	if got, cv := correlate(up, flat); got != 0 || cv != 0 {
		t.Errorf("a flat one: got %v and %v, want 0 and 0", got, cv)
	}
	if got, cv := correlate(up[:9], down[:9]); got != 0 || cv != 0 {
		t.Errorf("before the warm-up: got %v and %v, want 0 and 0", got, cv)
	}
}

func TestFailsafeQueue(t *testing.T) {
	s := &stream{t: t, p: NewFailsafe(Settings{Classes: 4})}
	p := s.p.(*Failsafe)
	var running, queued []*sim.Request
	for range failsafeInitial {
		running = append(running, s.want(3, sim.Start, ""))
	}
	for range 50 {
		queued = append(queued, s.want(3, sim.Wait, ""))
	}
	if p.NextWake() != 0 {
		t.Errorf("next wake at %v, want never: the library waits without a deadline", p.NextWake())
	}
	critical := s.want(0, sim.Wait, "")
	s.done(running[0], 50*ms, sim.Success)
	if got := p.Woken(s.now); len(got) != 1 || got[0].Request != queued[0] || !got[0].Start {
		t.Errorf("a slot: got %+v, want the first in line", got)
	}
	// 50 of 40 to 60 wait: a rate of a half, among levels recorded while full, which are nearly all of class 3.
	s.now = failsafeCalibrate
	p.Tick(s.now)
	if p.threshold < 130 || p.threshold > 170 {
		t.Errorf("threshold %d, want the middle of the lowest class in use, about 150", p.threshold)
	}
	for range 10 {
		s.want(0, sim.Wait, "")
	}
	s.want(0, sim.Refuse, "queue_full")
	if !p.Leave(s.now, critical) || p.Leave(s.now, critical) {
		t.Errorf("a waiting request may leave once")
	}
	if r, v := s.arrive(4, 0); v != sim.Refuse || r.Reason != "priority" {
		t.Errorf("below the threshold: got %d %q, want a refusal by priority", v, r.Reason)
	}
}

func TestFailsafeDropsTheCancelled(t *testing.T) {
	for _, c := range []struct {
		o    sim.Outcome
		want int
	}{{sim.Success, 1}, {sim.Failure, 1}, {sim.Timeout, 0}, {sim.Abandoned, 0}} {
		s := &stream{t: t, p: NewFailsafe(Settings{})}
		s.done(s.want(0, sim.Start, ""), 50*ms, c.o)
		if p := s.p.(*Failsafe); p.limiter.recent.n != c.want || p.inFlight != 0 {
			t.Errorf("outcome %d: %d samples and %d in flight, want %d and 0", c.o, p.limiter.recent.n, p.inFlight, c.want)
		}
	}
}

func TestFailsafeWindow(t *testing.T) {
	s := &stream{t: t, p: NewFailsafe(Settings{})}
	p := s.p.(*Failsafe)
	for range 100 { // 49 samples a second: no window is full at its second
		s.batch(7, 143*ms)
	}
	moved := len(p.limiter.rtt.values)
	if want := int(s.now / time.Second); moved < want-3 || moved > want {
		t.Errorf("after %v: %d windows, want about one a second", s.now, moved)
	}
}
