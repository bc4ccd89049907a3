package load_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"triage/bench/load"
)

func shop() load.Settings {
	return load.Settings{
		Seed:   1,
		Target: "http://shop",
		Requests: []load.Request{
			{Route: "checkout", Class: "critical", Method: "POST", Path: "/checkout"},
			{Route: "recommendations", Class: "sheddable", Path: "/recommendations/1"},
		},
		Phases: []load.Phase{
			{Name: "calm", For: 10 * time.Second, Rates: map[string]float64{"checkout": 100, "recommendations": 300}},
			{Name: "quiet", For: 5 * time.Second},
			{Name: "crowd", For: 10 * time.Second, Rates: map[string]float64{"checkout": 100, "recommendations": 1000}},
		},
	}
}

func draw(t *testing.T, s load.Settings) []load.Arrival {
	t.Helper()
	all, err := load.Draw(s)
	if err != nil {
		t.Fatalf("Draw: %v", err)
	}
	return all
}

func TestEqualSeedsDrawEqualArrivals(t *testing.T) {
	first := draw(t, shop())
	other := shop()
	other.Target, other.Deadline, other.MaxInFlight = "http://elsewhere:1", time.Minute, 1
	if !slices.Equal(first, draw(t, other)) {
		t.Error("the same seed at another target drew other arrivals")
	}
	other.Seed = 2
	if slices.Equal(first, draw(t, other)) {
		t.Error("another seed drew the same arrivals")
	}
}

func TestOneRateMovesNobodyElsesArrivals(t *testing.T) {
	only := func(all []load.Arrival, request uint16) []load.Arrival {
		return slices.DeleteFunc(all, func(a load.Arrival) bool { return a.Request != request })
	}
	before := only(draw(t, shop()), 0)
	s := shop()
	s.Phases[2].Rates["recommendations"] = 50
	if !slices.Equal(before, only(draw(t, s), 0)) {
		t.Error("checkout's arrivals moved when the rate of recommendations changed")
	}
}

func TestRoutesAndPhasesHaveTheirOwnStreams(t *testing.T) {
	s := shop()
	rates := map[string]float64{"checkout": 100, "recommendations": 100}
	s.Phases = []load.Phase{{For: time.Second, Rates: rates}, {For: time.Second, Rates: rates}}
	seen := map[time.Duration]load.Arrival{}
	for _, a := range draw(t, s) {
		at := a.At % time.Second
		if twin, ok := seen[at]; ok {
			t.Fatalf("%+v comes at the same instant of its phase as %+v", a, twin)
		}
		seen[at] = a
	}
}

func TestArrivalsAreInOrderAndInTheirPhase(t *testing.T) {
	bounds := []time.Duration{0, 10 * time.Second, 15 * time.Second, 25 * time.Second}
	var last time.Duration
	for i, a := range draw(t, shop()) {
		if a.At < last {
			t.Fatalf("arrival %d at %v comes after one at %v", i, a.At, last)
		}
		if a.At < bounds[a.Phase] || a.At >= bounds[a.Phase+1] {
			t.Fatalf("arrival %d at %v is not in phase %d", i, a.At, a.Phase)
		}
		if a.Session >= 1000 {
			t.Fatalf("arrival %d is of session %d of 1000", i, a.Session)
		}
		last = a.At
	}
}

func TestPoissonByDefault(t *testing.T) {
	s := shop()
	s.Phases = []load.Phase{{For: 100 * time.Second, Rates: map[string]float64{"checkout": 500}}}
	mean, spread := gaps(draw(t, s))
	// 50,000 gaps: a standard error of 0.5 %; four of them are allowed.
	if math.Abs(mean*500-1) > 0.02 || math.Abs(spread/mean-1) > 0.02 {
		t.Errorf("gaps at 500/s: got mean %v s, standard deviation %v s, want 0.002 and 0.002", mean, spread)
	}
}

func TestRegularGapsAreEqual(t *testing.T) {
	s := shop()
	s.Regular = true
	s.Phases = []load.Phase{{For: 2 * time.Second, Rates: map[string]float64{"checkout": 100, "recommendations": 100}}}
	all := draw(t, s)
	if len(all) != 400 {
		t.Fatalf("2 s at 200/s: got %d arrivals, want 400", len(all))
	}
	for i, a := range all {
		want := 2500*time.Microsecond + time.Duration(i)*5*time.Millisecond
		if d := a.At - want; d.Abs() > time.Microsecond || int(a.Request) != i%2 {
			t.Fatalf("arrival %d: got request %d at %v, want %d at %v", i, a.Request, a.At, i%2, want)
		}
	}
}

func gaps(all []load.Arrival) (mean, spread float64) {
	var sum, squares float64
	for i := range all[1:] {
		gap := (all[i+1].At - all[i].At).Seconds()
		sum += gap
		squares += gap * gap
	}
	n := float64(len(all) - 1)
	mean = sum / n
	return mean, math.Sqrt(squares/n - mean*mean)
}
