package sim_test

import (
	"strings"
	"testing"
	"time"

	"triage/bench/sim"
)

// broken is a shop on four machines with a fault in the middle.
func broken(fault sim.Phase) sim.Scenario {
	s := shop(40, 40*time.Millisecond)
	s.Endpoints = 4
	rates := calm(40, 40*time.Millisecond, 1)
	fault.Name, fault.For, fault.Label, fault.Rates = "broken", 10*sec, sim.Errors, rates
	s.Phases = []sim.Phase{{Name: "calm", For: 10 * sec, Rates: rates}, fault, {Name: "after", For: 10 * sec, Rates: rates}}
	return s
}

// changes are the breakers' entries of a run, as words.
func changes(r *sim.Result, subject string) (words []string) {
	for _, e := range r.Entries {
		if e.Kind == "breaker" && e.Subject == subject {
			state, _, _ := strings.Cut(e.Reason, ":")
			words = append(words, state)
		}
	}
	return words
}

// A route that always fails is refused by its own breaker, nobody else notices, and it is back within seconds.
func TestRouteBreaker(t *testing.T) {
	r := run(t, broken(sim.Phase{Fail: map[string]float64{"recs": 1}}), 1)
	went := changes(r, "recs")
	if len(went) < 3 || went[0] != "open" || went[1] != "half-open" || went[len(went)-1] != "closed" {
		t.Errorf("the breaker of recs went %v; want open, half-open and at last closed", went)
	}
	recs := r.Phases[1]["recs"]
	if recs.Refused < 9*recs.Offered/10 || r.Reasons["recs breaker"] < recs.Refused {
		t.Errorf("%d of %d refused, for %v; want nine in ten, by the breaker", recs.Refused, recs.Offered, r.Reasons)
	}
	if after := r.Phases[2]["recs"]; after.Share() < 0.7 {
		t.Errorf("%.2f of recs served in the ten seconds after; want seven tenths at least", after.Share())
	}
	for _, name := range []string{"checkout", "cart", "search", "static"} {
		if got := r.Phases[1][name].Share(); got < 0.999 {
			t.Errorf("%.3f of %s served while recs is broken; want all", got, name)
		}
	}
}

// Checkout that always fails is browned out: a tenth is tried all the time, and it is back within two seconds.
func TestCheckoutIsBrownedOut(t *testing.T) {
	r := run(t, broken(sim.Phase{Fail: map[string]float64{"checkout": 1}}), 1)
	if went := changes(r, "checkout"); strings.Join(went, " ") != "open closed" {
		t.Errorf("the breaker of checkout went %v; want open and closed", went)
	}
	during, after := r.Phases[1]["checkout"], r.Phases[2]["checkout"]
	if tried := during.Failed; tried < during.Offered/10 || tried > during.Offered/3 {
		t.Errorf("%d of %d were tried while it failed; want a tenth and what it took to find out", tried, during.Offered)
	}
	if after.Share() < 0.85 || r.CriticalProbes != 0 {
		t.Errorf("%.2f served in the ten seconds after, %d critical probes; want 0.85 at least, and none", after.Share(), r.CriticalProbes)
	}
}

// An endpoint that fails, or does not answer, is left out within a second or two, tried with what matters least, and taken back.
func TestEndpointBreaker(t *testing.T) {
	for name, fault := range map[string]sim.Phase{
		"fails": {BadEndpoint: sim.BadEndpoint{Fail: 1}},
		"hangs": {BadEndpoint: sim.BadEndpoint{Hang: 1}, HangFor: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			s := broken(fault)
			s.Sidecars.Timeout = 500 * time.Millisecond
			r := run(t, s, 1)
			for route, got := range r.Phases[1] {
				if got.Share() < 0.96 || got.Refused > 0 {
					t.Errorf("%.3f of %s served, %d refused; want 0.96 at least, and none refused", got.Share(), route, got.Refused)
				}
			}
			if r.CriticalProbes != 0 {
				t.Errorf("%d critical requests were probes", r.CriticalProbes)
			}
			went := changes(r, "endpoint-0")
			if len(went) < 3 || went[len(went)-1] != "closed" {
				t.Errorf("the breaker went %v; want it closed in the end", went)
			}
			for _, other := range []string{"endpoint-1", "endpoint-2", "endpoint-3"} {
				if went := changes(r, other); len(went) > 0 {
					t.Errorf("the breaker of %s went %v", other, went)
				}
			}
		})
	}
}

// Where every endpoint fails all of them are used, and where there is one its breaker refuses nobody.
func TestEndpointBreakersFailOpen(t *testing.T) {
	s := broken(sim.Phase{Fail: map[string]float64{"static": 1, "search": 1, "recs": 1, "cart": 1, "checkout": 0.5}})
	for _, endpoints := range []int{1, 4} {
		s.Endpoints = endpoints
		r := run(t, s, 1)
		checkout := r.Phases[1]["checkout"]
		if share := checkout.Share(); share < 0.4 || checkout.Refused > 0 {
			t.Errorf("%d endpoints: %.2f of checkout served, %d refused; want the half that does not fail", endpoints, share, checkout.Refused)
		}
	}
}
