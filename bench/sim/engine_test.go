package sim_test

import (
	"math"
	"testing"
	"time"

	"triage/bench/sim"
)

// plain is one route on one resource, without anything special, for a minute at a rate.
func plain(size int, law sim.ServiceLaw, rate float64) sim.Scenario {
	return sim.Scenario{
		Resources: []sim.Resource{{Name: "r", Size: size}},
		Routes:    []sim.Route{{Name: "a", Steps: []sim.Step{{Resource: "r", Service: sim.Service{Mean: 10 * time.Millisecond, Law: law}}}}},
		Phases:    []sim.Phase{{Name: "all", For: 2 * time.Minute, Rates: map[string]float64{"a": rate}}},
		Clients:   sim.Clients{Deadline: time.Minute},
	}
}

func simulate(t *testing.T, s sim.Scenario, seed uint64, fresh sim.NewPolicy) *sim.Result {
	t.Helper()
	r, err := sim.Run(s, seed, fresh)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// meanLatency is that of a route in a phase, in seconds.
func meanLatency(r *sim.Result, phase int, route string) float64 {
	sum := 0.0
	latency := r.Phases[phase][route].Latency
	for _, d := range latency {
		sum += d.Seconds() / float64(len(latency))
	}
	return sum
}

// What queueing theory says about simple systems: the simulator has to agree with it.
func TestQueueingTheory(t *testing.T) {
	processor := plain(1, sim.Constant, 70)
	processor.Resources[0].Sharing = sim.Processor
	pareto := plain(1000, sim.Pareto, 500)
	pareto.Routes[0].Steps[0].Service.Shape = 3
	lognormal := plain(1000, sim.Lognormal, 500)
	lognormal.Routes[0].Steps[0].Service.Shape = 1
	pareto.Phases[0].For, lognormal.Phases[0].For = 20*time.Second, 20*time.Second
	tests := []struct {
		name     string
		scenario sim.Scenario
		want     float64 // mean time in the system, in service times
	}{
		{"M/M/1 at 0.7: 1/(1-ρ)", plain(1, sim.Exponential, 70), 1 / 0.3},
		{"M/D/1 at 0.7: 1 + ρ/(2(1-ρ))", plain(1, sim.Constant, 70), 1 + 0.7/0.6},
		{"M/M/2 at 0.8: 1/(1-ρ²)", plain(2, sim.Exponential, 160), 1 / (1 - 0.64)},
		{"M/G/1 processor sharing at 0.7: 1/(1-ρ), whatever the distribution", processor, 1 / 0.3},
		{"lognormal has its mean", lognormal, 1},
		{"Pareto has its mean", pareto, 1},
	}
	for _, v := range tests {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			mean := 0.0
			const runs = 6
			for seed := uint64(1); seed <= runs; seed++ {
				mean += meanLatency(simulate(t, v.scenario, seed, sim.NewNone), 0, "a") / 0.010 / runs
			}
			if math.Abs(mean-v.want) > 0.06*v.want {
				t.Errorf("mean time in the system is %.3f service times; want %.3f", mean, v.want)
			}
		})
	}
}

// Contention slows those who are served, a pause those who are there, a fault those who begin.
func TestWhatSlowsAService(t *testing.T) {
	quiet := plain(1, sim.Constant, 1)
	slow := plain(1, sim.Constant, 1)
	slow.Phases[0].Slow = map[string]float64{"r": 3}
	slowRoute := plain(1, sim.Constant, 1)
	slowRoute.Phases[0].SlowRoutes = map[string]float64{"a": 2}
	paused := plain(1, sim.Constant, 1)
	paused.Resources[0].Pause = sim.Pause{Every: 20 * time.Millisecond, For: 20 * time.Millisecond}
	pausedProcessor := plain(1, sim.Constant, 1)
	pausedProcessor.Resources[0].Pause, pausedProcessor.Resources[0].Sharing = sim.Pause{Every: 20 * time.Millisecond, For: 20 * time.Millisecond}, sim.Processor
	cached := plain(1, sim.Constant, 1)
	cached.Routes[0].Steps[0].Cache = sim.Cache{Hit: 0.5, Entries: 1}
	two := plain(1, sim.Constant, 1)
	two.Routes[0].Steps = append(two.Routes[0].Steps, sim.Step{Service: sim.Service{Mean: 20 * time.Millisecond}})
	tests := []struct {
		name          string
		scenario      sim.Scenario
		least, atMost float64 // of the mean latency, in service times
	}{
		{"nothing", quiet, 1, 1.02},
		{"a slow resource", slow, 2.9, 3.1},
		{"a slow route", slowRoute, 1.9, 2.1},
		{"pauses take half the time", paused, 1.7, 2.7},
		{"pauses of a processor", pausedProcessor, 1.7, 2.7},
		{"half of them hit the cache", cached, 0.35, 0.65},
		{"a second step", two, 2.9, 3.1},
	}
	for _, v := range tests {
		t.Run(v.name, func(t *testing.T) {
			got := meanLatency(simulate(t, v.scenario, 1, sim.NewNone), 0, "a") / 0.010
			if got < v.least || got > v.atMost {
				t.Errorf("mean latency is %.3f service times; want %.2f to %.2f", got, v.least, v.atMost)
			}
		})
	}
}

// A cache that has been emptied sends everything on, and fills with what misses bring.
func TestCachesRunCold(t *testing.T) {
	s := plain(1000, sim.Constant, 0)
	s.Routes[0].Steps[0].Cache = sim.Cache{Hit: 0.8, Entries: 100}
	s.Phases = nil
	for _, p := range []sim.Phase{{Name: "warm", For: 5 * sec}, {Name: "cold", For: sec, Cold: []string{"a"}}, {Name: "fills", For: 10 * sec}, {Name: "warm again", For: 5 * sec}} {
		p.Rates = map[string]float64{"a": 100}
		s.Phases = append(s.Phases, p)
	}
	r := simulate(t, s, 1, sim.NewNone)
	for phase, within := range map[int][2]float64{0: {0.12, 0.28}, 1: {0.6, 0.9}, 3: {0.12, 0.32}} {
		if got := meanLatency(r, phase, "a") / 0.010; got < within[0] || got > within[1] {
			t.Errorf("%s: mean latency is %.2f service times; want %.2f to %.2f", s.Phases[phase].Name, got, within[0], within[1])
		}
	}
}

// Above capacity a backend with contended locks serves less than one without, and one that abandons more than one that burns on.
func TestOverloadPhysics(t *testing.T) {
	over := func(change func(*sim.Scenario)) float64 {
		s := plain(4, sim.Exponential, 600)
		s.Clients.Deadline = 200 * time.Millisecond
		s.Phases[0].For = 20 * time.Second
		change(&s)
		return simulate(t, s, 1, sim.NewNone).Phases[0]["a"].Share()
	}
	plainly := over(func(*sim.Scenario) {})
	contended := over(func(s *sim.Scenario) { s.Resources[0].Contention = 0.3 })
	abandons := over(func(s *sim.Scenario) { s.Abandon = true })
	bounded := over(func(s *sim.Scenario) { s.Resources[0].Bound = 20 })
	// The queue is always full: 20 wait for 4 slots, and whoever is served takes 1 + 0.3·19.5/4 times as long.
	if crowded := over(func(s *sim.Scenario) { s.Resources[0].Bound, s.Resources[0].Contention = 20, 0.3 }); math.Abs(crowded/(400.0/600/2.46)-1) > 0.1 {
		t.Errorf("%.3f is served while 20 wait and contend; want %.3f", crowded, 400.0/600/2.46)
	}
	patient := over(func(s *sim.Scenario) { s.Resources[0].Patience = 100 * time.Millisecond })
	ideal, err := sim.Oracle(overloaded(), 1)
	if err != nil {
		t.Fatal(err)
	}
	oracle := ideal.Phases[0]["a"].Share()
	if plainly > 0.1 || contended > plainly {
		t.Errorf("plainly %.3f is served, with contention %.3f; want next to nothing, and less with contention", plainly, contended)
	}
	const capacity = 400.0 / 600
	for name, got := range map[string]float64{"abandons": abandons, "bounded queue": bounded, "patience": patient, "oracle": oracle} {
		if got < 0.9*capacity || got > 1.03*capacity {
			t.Errorf("%s: %.3f is served; the capacity is %.3f", name, got, capacity)
		}
	}
}

func overloaded() sim.Scenario {
	s := plain(4, sim.Exponential, 600)
	s.Clients.Deadline = 200 * time.Millisecond
	s.Phases[0].For = 20 * time.Second
	return s
}

// Against a bottleneck that it can be solved for by hand, the oracle is the strict-priority knapsack.
func TestOracleIsTheKnapsack(t *testing.T) {
	s := shop(40, 40*time.Millisecond)
	s.Phases = []sim.Phase{{Name: "crowd", For: 30 * sec, Label: sim.Overload, Rates: calm(40, 40*time.Millisecond, 3)}}
	r, err := sim.Oracle(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"checkout": 1, "cart": 1, "search": 1, "static": 1, "recs": (1 - 0.3 - 0.45) / 0.9}
	for name, share := range want {
		if got := r.Phases[0][name].Share(); math.Abs(got-share) > 0.02 {
			t.Errorf("the oracle serves %.3f of %s; the knapsack says %.3f", got, name, share)
		}
	}
}
