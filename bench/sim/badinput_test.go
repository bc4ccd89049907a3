package sim_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"triage/bench/sim"
)

// Every number that cannot be is refused, with words that say which.
func TestScenariosThatCannotBe(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for name, v := range map[string]struct {
		change func(*sim.Scenario)
		want   string
	}{
		"contention without end":  {func(s *sim.Scenario) { s.Resources[0].Contention = inf }, "contention"},
		"contention of no number": {func(s *sim.Scenario) { s.Resources[0].Contention = nan }, "contention"},
		"a cache without end":     {func(s *sim.Scenario) { s.Routes[0].Steps[0].Cache = sim.Cache{Hit: 0.5, Entries: inf} }, "entries"},
		"a share of no number":    {func(s *sim.Scenario) { s.Phases[0].Fail = map[string]float64{"a": nan} }, "want a share"},
		"a rate of no number":     {func(s *sim.Scenario) { s.Phases[0].Rates["a"] = nan }, "rate of"},
		"a rate without end":      {func(s *sim.Scenario) { s.Phases[0].Rates["a"] = inf }, "arrivals a second"},
		"a rate below nothing":    {func(s *sim.Scenario) { s.Phases[0].Rates["a"] = -1 }, "rate of"},
		"a slowness without end":  {func(s *sim.Scenario) { s.Phases[0].Slow = map[string]float64{"r": inf} }, "want a factor"},
		"a slowness of nothing":   {func(s *sim.Scenario) { s.Phases[0].SlowRoutes = map[string]float64{"a": 0} }, "want a factor"},
		"a service of no time":    {func(s *sim.Scenario) { s.Routes[0].Steps[0].Service.Mean = 0 }, "mean service time"},
		"a service of a century":  {func(s *sim.Scenario) { s.Routes[0].Steps[0].Service.Mean = math.MaxInt64 }, "mean service time"},
		"a shape of no number":    {func(s *sim.Scenario) { s.Routes[0].Steps[0].Service.Shape = nan }, "shape"},
		"a phase of a century":    {func(s *sim.Scenario) { s.Phases[0].For = math.MaxInt64 }, "lasts"},
		"two phases of a century": {func(s *sim.Scenario) { s.Phases[0].For = math.MaxInt64; s.Phases = append(s.Phases, s.Phases[0]) }, "lasts"},
		"a phase back in time":    {func(s *sim.Scenario) { s.Phases[0].For = -1 }, "lasts"},
		"a jump of a century":     {func(s *sim.Scenario) { s.Phases[0].Jump = math.MinInt64 }, "jump"},
		"a hang back in time":     {func(s *sim.Scenario) { s.Phases[0].HangFor = -time.Second }, "hang_for"},
		"a bad endpoint":          {func(s *sim.Scenario) { s.Phases[0].BadEndpoint.Slow = inf }, "bad endpoint"},
		"patience of a century":   {func(s *sim.Scenario) { s.Clients.Deadline = math.MaxInt64 }, "deadline"},
		"a backoff back in time":  {func(s *sim.Scenario) { s.Clients.Retry.Backoff = -1 }, "backoff"},
		"a timeout of a century":  {func(s *sim.Scenario) { s.Sidecars.Timeout = math.MaxInt64 }, "timeout"},
		"stalls of a century":     {func(s *sim.Scenario) { s.Sidecars.StallEvery, s.Sidecars.StallFor = time.Second, math.MaxInt64 }, "stall"},
		"pauses of a century":     {func(s *sim.Scenario) { s.Resources[0].Pause = sim.Pause{Every: math.MaxInt64, For: 1} }, "pauses"},
		"nobody's class":          {func(s *sim.Scenario) { s.Routes[0].Class = 4 }, "class 4; want 0 to 3"},
		"a class below":           {func(s *sim.Scenario) { s.Routes[0].Class = -1 }, "class -1"},
		"too many classes":        {func(s *sim.Scenario) { s.Classes = 1000 }, "classes: 1000"},
		"a resource of nothing":   {func(s *sim.Scenario) { s.Resources[0].Size = 0 }, "size 0"},
		"bursts without end":      {func(s *sim.Scenario) { s.Phases[0].Burst = sim.Burst{Every: 2, For: 1, Times: inf} }, "arrivals a second"},
		"an unknown label":        {func(s *sim.Scenario) { s.Phases[0].Label = "odd" }, "label"},
		"a journey to nowhere":    {func(s *sim.Scenario) { s.Journeys = []sim.Journey{{Name: "j", Stages: []sim.Stage{{Route: "b"}}}} }, "no route is called"},
		"thinking back in time": {func(s *sim.Scenario) {
			s.Journeys = []sim.Journey{{Name: "j", Stages: []sim.Stage{{Route: "a", Think: -1}}}}
		}, "think"},
		"a leave of more than all": {func(s *sim.Scenario) {
			s.Journeys = []sim.Journey{{Name: "j", Stages: []sim.Stage{{Route: "a", Leave: 2}}}}
		}, "leave"},
	} {
		t.Run(name, func(t *testing.T) {
			s := plain(1, sim.Constant, 1)
			s.Phases[0].For = time.Second
			v.change(&s)
			for who, run := range map[string]func() error{
				"Run":    func() error { _, err := sim.Run(s, 1, sim.NewNone); return err },
				"Oracle": func() error { _, err := sim.Oracle(s, 1); return err },
			} {
				if who == "Oracle" && s.Phases[0].Jump != 0 {
					continue // its clock does not jump
				}
				if err := run(); err == nil || !strings.Contains(err.Error(), v.want) {
					t.Errorf("%s: error %v; want one that says %q", who, err, v.want)
				}
			}
		})
	}
}

// A scenario of odd numbers is refused, or it runs: to its end, with every want ended once at most.
func TestOddScenarios(t *testing.T) {
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		seldom := func() bool { return rapid.IntRange(0, 60).Draw(t, "odd") == 0 }
		number := func(name string) float64 {
			if seldom() {
				return rapid.SampledFrom([]float64{-1, 1e5, math.Inf(1), math.NaN()}).Draw(t, name)
			}
			return rapid.SampledFrom([]float64{0.3, 0.9, 0.9, 5, 9999}).Draw(t, name)
		}
		span := func(name string) time.Duration {
			if seldom() {
				return rapid.SampledFrom([]time.Duration{0, -1, math.MaxInt64, math.MinInt64}).Draw(t, name)
			}
			return rapid.SampledFrom([]time.Duration{time.Millisecond, 40 * time.Millisecond, time.Second, time.Hour}).Draw(t, name)
		}
		step := sim.Step{
			Resource: "r", Service: sim.Service{Mean: span("mean"), Law: sim.ServiceLaw(rapid.IntRange(0, 3).Draw(t, "law")), Shape: math.Min(number("shape"), 3) + 0.5},
			Cache: sim.Cache{Hit: math.Min(number("hit"), 0.9), Entries: number("entries")}, Held: rapid.Bool().Draw(t, "held"),
		}
		s := sim.Scenario{
			Resources: []sim.Resource{{
				Name: "r", Sharing: sim.Sharing(rapid.IntRange(0, 1).Draw(t, "sharing")), Size: rapid.IntRange(1, 3).Draw(t, "size"), Contention: number("contention"),
				Bound: rapid.IntRange(0, 3).Draw(t, "bound"), Patience: span("patience"), Pause: sim.Pause{Every: span("every"), For: span("pause")},
			}},
			Routes: []sim.Route{{Name: "a", Steps: []sim.Step{step}}, {Name: "b", Class: 3, Steps: []sim.Step{{Resource: "r", Service: sim.Service{Mean: time.Millisecond}}, {Service: sim.Service{Mean: span("tail")}, After: true}}}},
			Phases: []sim.Phase{
				{For: time.Second, Rates: map[string]float64{"a": math.Mod(number("rate"), 1000) / 2, "b": 20}, Hang: map[string]float64{"a": 0.5}, HangFor: span("hang"), Jump: span("jump")},
				{For: time.Second, Rates: map[string]float64{"a": 50}, Slow: map[string]float64{"r": number("slow")}, Restart: rapid.Bool().Draw(t, "restart")},
			},
			Clients:  sim.Clients{Deadline: span("deadline"), Retry: sim.Retry{Times: rapid.IntRange(0, 3).Draw(t, "times"), Refusals: true, Failures: true, Leaving: true, Backoff: span("backoff")}},
			Sidecars: sim.Sidecars{Count: rapid.IntRange(0, 2).Draw(t, "sidecars"), StallEvery: span("stall every"), StallFor: span("stall"), Timeout: span("timeout")},
		}
		if res := &s.Resources[0]; res.Sharing == sim.Processor {
			res.Bound, res.Patience, s.Routes[0].Steps[0].Held = 0, 0, false
		}
		r, err := sim.Run(s, 1, sim.NewLaw)
		if err != nil {
			return
		}
		runs++
		for _, phase := range r.Phases {
			for name, tally := range phase {
				if tally.Served+tally.Refused+tally.Failed > tally.Offered {
					t.Fatalf("%s: %+v", name, *tally)
				}
				for _, d := range tally.Latency {
					if d < 0 {
						t.Fatalf("%s: a latency of %v", name, d)
					}
				}
			}
		}
	})
	if t.Logf("%d scenarios ran", runs); runs == 0 {
		t.Error("no scenario ran: the test shows nothing")
	}
}
