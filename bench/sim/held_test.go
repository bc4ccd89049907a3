package sim_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"triage/bench/sim"
)

// held is a route that takes a worker, works for 10 ms and keeps the worker for the 90 ms of what follows, which is its answer's body if
// after is set.
func held(workers int, rate float64, after bool) sim.Scenario {
	s := plain(workers, sim.Constant, rate)
	own := s.Routes[0].Steps[0]
	own.Held = true
	s.Routes[0].Steps = []sim.Step{own, {Service: sim.Service{Mean: 90 * time.Millisecond}, After: after}}
	return s
}

// A slot that is held over the steps makes one service of all of them: M/D/1 with a service of 100 ms, seen until
// the answer.
func TestHeldSlotsAreQueueingTheory(t *testing.T) {
	const wait = 0.7 / 0.6 * 0.100 // ρ/(2(1-ρ)) services of 100 ms
	for name, v := range map[string]struct {
		after bool
		want  float64
	}{"answered at the end": {false, wait + 0.100}, "answered before the stream": {true, wait + 0.010}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mean := 0.0
			const runs = 8
			for seed := uint64(1); seed <= runs; seed++ {
				s := held(1, 7, v.after)
				s.Phases[0].For = 5 * time.Minute
				mean += meanLatency(simulate(t, s, seed, sim.NewNone), 0, "a") / runs
			}
			if math.Abs(mean-v.want) > 0.1*v.want {
				t.Errorf("mean time to the answer is %.4f s; want %.4f", mean, v.want)
			}
		})
	}
}

// The sidecar is told at the header; what the backend does afterwards is not its business.
func TestStreamsAreDoneAtTheHeader(t *testing.T) {
	s := held(1000, 20, true)
	s.Routes[0].Steps[1].Service.Mean = time.Minute
	s.Phases[0].For = 10 * time.Second
	var audit *auditor
	r := simulate(t, s, 1, func(sim.Facts) (sim.Policy, error) {
		audit = &auditor{Policy: sim.None{}, t: t, state: map[uint64]string{}}
		return audit, nil
	})
	if n := r.Phases[0]["a"].Offered; audit.ended != n || n < 150 {
		t.Errorf("%d of %d requests were brought back; want all of them, some two hundred", audit.ended, n)
	}
	if got := meanLatency(r, 0, "a"); math.Abs(got-0.010) > 0.001 {
		t.Errorf("mean latency %.4f s; want 0.010: a stream's life is no latency", got)
	}
}

// Slots come back on every way out of the backend: answered, failed, turned away, abandoned. If one did not, nothing would be served
// in the calm at the end.
func TestHeldSlotsComeBack(t *testing.T) {
	for name, change := range map[string]func(*sim.Scenario){
		"answered": func(*sim.Scenario) {},
		"failed": func(s *sim.Scenario) {
			s.Phases[0].Hang, s.Phases[0].HangFor = map[string]float64{"a": 0.3}, 50*time.Millisecond
		},
		"turned away": func(s *sim.Scenario) { s.Resources[1].Bound = 2 },
		"impatient":   func(s *sim.Scenario) { s.Resources[1].Patience = 20 * time.Millisecond },
		"abandoned":   func(s *sim.Scenario) { s.Abandon = true },
		"streams":     func(s *sim.Scenario) { s.Routes[0].Steps[1].After = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := held(20, 100, false)
			s.Resources = append(s.Resources, sim.Resource{Name: "db", Size: 1})
			s.Routes[0].Steps[1] = sim.Step{Resource: "db", Service: sim.Service{Mean: 20 * time.Millisecond}}
			s.Clients.Deadline = 300 * time.Millisecond
			s.Phases[0].For = 10 * time.Second
			s.Phases = append(s.Phases, sim.Phase{For: 15 * time.Second}, sim.Phase{For: 20 * time.Second, Rates: map[string]float64{"a": 5}})
			change(&s)
			r := simulate(t, s, 1, sim.NewNone)
			if crowd := r.Phases[0]["a"].Share(); crowd > 0.99 {
				t.Errorf("%.3f served in the crowd: the test shows nothing", crowd)
			}
			if got := r.Phases[2]["a"].Share(); got < 0.97 {
				t.Errorf("%.3f served in the calm afterwards; want all: slots are lost", got)
			}
			if ideal, err := sim.Oracle(s, 1); err != nil || ideal.Phases[2]["a"].Share() < 0.97 {
				t.Errorf("the oracle serves %.3f in the calm (%v); want all: its books are wrong", ideal.Phases[2]["a"].Share(), err)
			}
		})
	}
}

// The oracle books a held slot for as long as it is held, a stream for as long as it lasts.
func TestOracleOfHeldSlots(t *testing.T) {
	for name, after := range map[string]bool{"held": false, "stream": true} {
		t.Run(name, func(t *testing.T) {
			s := held(10, 200, after)
			s.Clients.Deadline = time.Second
			s.Phases[0].For = 20 * time.Second
			r, err := sim.Oracle(s, 1)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Phases[0]["a"].Share(); got < 0.49 || got > 0.53 {
				t.Errorf("the oracle serves %.3f; ten workers for 100 ms each are half of 200 requests a second", got)
			}
		})
	}
}

func TestChecksOfHeldSlots(t *testing.T) {
	on := func(resource string, hold, after bool) sim.Step {
		return sim.Step{Resource: resource, Service: sim.Service{Mean: time.Millisecond}, Held: hold, After: after}
	}
	for name, v := range map[string]struct {
		a, b []sim.Step
		want string
	}{
		"of nothing":             {[]sim.Step{on("", true, false)}, nil, "want a resource with slots"},
		"of a processor":         {[]sim.Step{on("cpu", true, false)}, nil, "want a resource with slots"},
		"needed again":           {[]sim.Step{on("r", true, false), on("r", false, false)}, nil, "want no circle"},
		"circle of two routes":   {[]sim.Step{on("r", true, false), on("q", false, false)}, []sim.Step{on("q", true, false), on("r", false, false)}, "want no circle"},
		"all after the answer":   {[]sim.Step{on("r", false, true)}, nil, "want a step before it"},
		"answered, then not":     {[]sim.Step{on("r", false, false), on("", false, true), on("q", false, false)}, nil, "want it after the answer too"},
		"two resources in order": {[]sim.Step{on("r", true, false), on("q", true, false), on("", false, true)}, []sim.Step{on("r", true, false), on("q", false, false)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := plain(1, sim.Constant, 1)
			s.Phases[0].For = time.Second
			s.Resources = append(s.Resources, sim.Resource{Name: "q", Size: 1}, sim.Resource{Name: "cpu", Size: 1, Sharing: sim.Processor})
			s.Routes[0].Steps = v.a
			if v.b != nil {
				s.Routes = append(s.Routes, sim.Route{Name: "b", Steps: v.b})
			}
			_, err := sim.Run(s, 1, sim.NewNone)
			if v.want == "" && err != nil || v.want != "" && (err == nil || !strings.Contains(err.Error(), v.want)) {
				t.Errorf("error %v; want %q", err, v.want)
			}
		})
	}
}
