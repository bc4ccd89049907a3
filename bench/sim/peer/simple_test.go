package peer

import (
	"testing"

	"triage/bench/sim"
)

func TestNoneRunsEverything(t *testing.T) {
	s := &stream{t: t, p: NewNone(Settings{})}
	for i := range 10_000 {
		s.want(i%5, sim.Start, "")
	}
}

func TestStaticHoldsTheLimit(t *testing.T) {
	s := &stream{t: t, p: NewStatic(Settings{Hand: map[string]float64{"limit": 3}})}
	first := s.want(0, sim.Start, "")
	s.want(3, sim.Start, "")
	s.want(3, sim.Start, "")
	s.want(0, sim.Refuse, "limit")
	s.done(first, 10*ms, sim.Failure)
	s.want(3, sim.Start, "")
	s.want(0, sim.Refuse, "limit")
}

func TestStaticPerRoute(t *testing.T) {
	p := NewStatic(Settings{
		Routes: []RouteInfo{{Name: "checkout"}, {Name: "search", Class: 3}},
		Hand:   map[string]float64{"limit": 0, "limit:search": 1},
	})
	arrive := func(route int) (*sim.Request, sim.Verdict) {
		r := &sim.Request{Route: route}
		return r, p.Arrive(0, r)
	}
	search, v := arrive(1)
	if v != sim.Start {
		t.Fatalf("first search: got verdict %d, want start", v)
	}
	if r, v := arrive(1); v != sim.Refuse || r.Reason != "route_limit" {
		t.Errorf("second search: got %d %q, want a refusal by route_limit", v, r.Reason)
	}
	for range 500 {
		if _, v := arrive(0); v != sim.Start {
			t.Fatalf("checkout: got verdict %d, want start: it has no limit", v)
		}
	}
	p.Done(0, search, sim.Success)
	if _, v := arrive(1); v != sim.Start {
		t.Errorf("search after the first is done: got verdict %d, want start", v)
	}
}

func TestStaticGuess(t *testing.T) {
	s := &stream{t: t, p: NewStatic(Settings{})}
	if got := s.admitted(200); got != staticLimit {
		t.Errorf("without a hand: admitted %d, want %d", got, staticLimit)
	}
}
