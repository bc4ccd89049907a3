package peer

import (
	"testing"
	"time"

	"triage/bench/sim"
)

const ms = time.Millisecond

// stream feeds a policy with requests in virtual time, without a backend.
type stream struct {
	t   *testing.T
	p   sim.Policy
	now time.Duration
	id  uint64
}

func (s *stream) arrive(class int, session uint64) (*sim.Request, sim.Verdict) {
	s.id++
	r := &sim.Request{ID: s.id, Class: class, Session: session}
	return r, s.p.Arrive(s.now, r)
}

// want fails unless the next request of that class is answered so.
func (s *stream) want(class int, want sim.Verdict, reason string) *sim.Request {
	s.t.Helper()
	r, got := s.arrive(class, s.id)
	if got != want || r.Reason != reason {
		s.t.Fatalf("at %v, class %d: got verdict %d %q, want %d %q", s.now, class, got, r.Reason, want, reason)
	}
	return r
}

func (s *stream) done(r *sim.Request, after time.Duration, o sim.Outcome) {
	s.now += after
	s.p.Done(s.now, r, o)
}

// serve runs n requests one after the other, each of that latency; refused ones are skipped.
func (s *stream) serve(n int, latency time.Duration) {
	for range n {
		if r, v := s.arrive(0, s.id); v == sim.Start {
			s.done(r, latency, sim.Success)
		} else {
			s.now += latency
		}
	}
}

// batch runs n requests at the same time, each of that latency, and gives how many were let in.
func (s *stream) batch(n int, latency time.Duration) int {
	var running []*sim.Request
	for range n {
		if r, v := s.arrive(0, s.id); v == sim.Start {
			running = append(running, r)
		}
	}
	s.now += latency
	for _, r := range running {
		s.p.Done(s.now, r, sim.Success)
	}
	return len(running)
}

// admitted counts how many of n requests that arrive now are let in, and gives their slots back unsampled.
func (s *stream) admitted(n int) int {
	var running []*sim.Request
	for range n {
		if r, v := s.arrive(0, s.id); v == sim.Start {
			running = append(running, r)
		}
	}
	for _, r := range running {
		s.p.Done(s.now, r, sim.Abandoned)
	}
	return len(running)
}

func near(got, want, within float64) bool { return got >= want-within && got <= want+within }
