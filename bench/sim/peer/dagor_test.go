package peer

import (
	"testing"
	"time"

	"triage/bench/sim"
)

func TestDagorCursor(t *testing.T) {
	// Ten requests on each of the first 20 levels.
	for _, c := range []struct {
		name       string
		cursor     int
		overloaded bool
		want       int
	}{
		{"overload: 5 % of 200 admitted is one level", 19, true, 18},
		{"overload from the top: empty levels are walked over", 511, true, 18},
		{"overload: 5 % of 100 admitted is half a level, so one", 9, true, 8},
		{"calm: 1 % of 200 that came is a part of a level, so one", 9, false, 10},
		{"calm and nothing held back: up to the next that is used", 18, false, 19},
		{"overload: the first level always passes", 0, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := NewDagor(Settings{Classes: 4}).(*Dagor)
			for level := range 20 {
				p.levels[level] = 10
			}
			p.cursor, p.came, p.admitted = c.cursor, 200, min(c.cursor+1, 20)*10
			p.move(c.overloaded)
			if p.cursor != c.want {
				t.Errorf("cursor %d, overloaded %t: got %d, want %d", c.cursor, c.overloaded, p.cursor, c.want)
			}
		})
	}
}

// second sends n requests of mixed classes in one second, all of that latency, and gives how many of each class were let in.
func second(s *stream, n int, latency time.Duration, o sim.Outcome) (admitted [4]int) {
	type end struct {
		at time.Duration
		r  *sim.Request
	}
	var ends []end
	start := s.now
	for i := range n {
		s.now = start + time.Duration(i)*time.Second/time.Duration(n)
		for len(ends) > 0 && ends[0].at <= s.now {
			s.p.Done(s.now, ends[0].r, o)
			ends = ends[1:]
		}
		if r, v := s.arrive(i%4, uint64(i)); v == sim.Start {
			admitted[i%4]++
			ends = append(ends, end{s.now + latency, r})
		}
	}
	s.now = start + time.Second
	for _, e := range ends {
		s.p.Done(max(s.now, e.at), e.r, o)
		s.now = max(s.now, e.at)
	}
	return admitted
}

func TestDagorCutsFromTheBottom(t *testing.T) {
	s := &stream{t: t, p: NewDagor(Settings{Classes: 4})}
	for range 5 {
		second(s, 400, 50*ms, sim.Success)
	}
	if got := second(s, 400, 65*ms, sim.Success); got != [4]int{100, 100, 100, 100} {
		t.Fatalf("15 ms above the baseline: admitted %v of 100 each, want all", got)
	}
	for range 8 {
		second(s, 400, 150*ms, sim.Success)
	}
	got := second(s, 400, 150*ms, sim.Success)
	if got[0] != 100 || got[1] != 100 || got[3] > 5 {
		t.Errorf("after 8 windows 100 ms above: admitted %v of 100 each, want all of 0 and 1 and next to nothing of 3", got)
	}
	for range 60 {
		second(s, 400, 50*ms, sim.Success)
	}
	if got := second(s, 400, 50*ms, sim.Success); got != [4]int{100, 100, 100, 100} {
		t.Errorf("a minute after: admitted %v of 100 each, want all", got)
	}
}

func TestDagorCountsTimeoutsNotFastErrors(t *testing.T) {
	for _, c := range []struct {
		name    string
		latency time.Duration
		o       sim.Outcome
		want    bool
	}{
		{"timeouts", time.Second, sim.Timeout, true},
		{"clients that leave late", time.Second, sim.Abandoned, true},
		{"slow errors", time.Second, sim.Failure, true},
		{"fast errors", ms, sim.Failure, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &stream{t: t, p: NewDagor(Settings{Classes: 4})}
			for range 5 {
				second(s, 400, 50*ms, sim.Success)
			}
			for range 3 {
				second(s, 400, c.latency, c.o)
			}
			if got := second(s, 400, c.latency, c.o); (got[3] < 100) != c.want {
				t.Errorf("admitted %v of 100 each; want class 3 cut: %t", got, c.want)
			}
		})
	}
}

func TestDagorFastErrorsDoNotHideOverload(t *testing.T) {
	s := &stream{t: t, p: NewDagor(Settings{Classes: 4})}
	for range 5 {
		second(s, 400, 50*ms, sim.Success)
	}
	top := s.p.(*Dagor).cursor
	for i := range 400 { // half fail in 1 ms, half take 60 ms too long: the mean of all would be 5 ms too long
		if r, v := s.arrive(i%4, uint64(i)); v == sim.Start && i%8 < 4 {
			s.p.Done(s.now+ms, r, sim.Failure)
		} else if v == sim.Start {
			s.p.Done(s.now+110*ms, r, sim.Success)
		}
		s.now += ms
	}
	s.now += time.Second
	s.p.Tick(s.now)
	if got := s.p.(*Dagor).cursor; got >= top {
		t.Errorf("cursor %d, want it below %d", got, top)
	}
}

func TestDagorWindowOfRequests(t *testing.T) {
	s := &stream{t: t, p: NewDagor(Settings{})}
	for range dagorRequests {
		s.want(0, sim.Start, "")
	}
	p := s.p.(*Dagor)
	if p.came != dagorRequests {
		t.Fatalf("after %d requests at once: %d in the window", dagorRequests, p.came)
	}
	s.want(0, sim.Start, "")
	if p.came != 1 {
		t.Errorf("after one more: %d in the window, want a new window", p.came)
	}
}

func TestCohorts(t *testing.T) {
	counts := [cohorts]int{}
	moved := 0
	for session := range uint64(128_000) {
		c := cohortOf(session, 5)
		if c != cohortOf(session, 5) {
			t.Fatalf("session %d: two cohorts in one epoch", session)
		}
		counts[c]++
		if c != cohortOf(session, 6) {
			moved++
		}
	}
	for c, n := range counts {
		if n < 850 || n > 1150 {
			t.Errorf("cohort %d: %d of 128,000 sessions, want about 1,000", c, n)
		}
	}
	if moved < 126_000 {
		t.Errorf("%d of 128,000 sessions moved with the epoch, want nearly all", moved)
	}
}
