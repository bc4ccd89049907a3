package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"triage/bench/sim"
)

// shop is a backend with three routes on one database, search on a pool of its own and static files on none.
func shop(size int, service time.Duration) sim.Scenario {
	return sim.Scenario{
		Classes:   4,
		Resources: []sim.Resource{{Name: "db", Size: size, Contention: 0.3}, {Name: "search", Size: size, Contention: 0.3}},
		Routes: []sim.Route{
			route("checkout", 0, "db", service, 0.5), route("cart", 1, "db", service, 0.5), route("search", 2, "search", service, 0.5),
			route("recs", 3, "db", service, 0.5), route("static", 3, "", 2*time.Millisecond, 0.3),
		},
	}
}

func route(name string, class int, resource string, mean time.Duration, sigma float64) sim.Route {
	service := sim.Service{Mean: mean, Law: sim.Lognormal, Shape: sigma}
	return sim.Route{Name: name, Class: class, Steps: []sim.Step{{Resource: resource, Service: service}}}
}

// run runs the law.
func run(t testing.TB, s sim.Scenario, seed uint64) *sim.Result {
	t.Helper()
	r, err := sim.Run(s, seed, sim.NewLaw)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// calm is traffic that needs 55 % of the database and 18 % of search, times factor.
func calm(size int, service time.Duration, factor float64) map[string]float64 {
	c := factor * float64(size) / service.Seconds()
	return map[string]float64{"checkout": .1 * c, "cart": .15 * c, "search": .18 * c, "recs": .3 * c, "static": .2 * c}
}

func with(rates map[string]float64, route string, factor float64) map[string]float64 {
	out := map[string]float64{}
	for name, rate := range rates {
		out[name] = rate
	}
	out[route] *= factor
	return out
}

// goal is what at least, or at most, has to come of a route in a phase.
type goal struct {
	phase, route string
	served       float64 // share of what was offered, at least
	first        float64 // the same of the phase's first second
	p99          time.Duration
}

type trial struct {
	sim.Scenario
	goals []goal
}

const sec = time.Second

// blackFriday is calm, a crowd, the crowd with a database that became slower, and calm again.
func blackFriday(name string, size int, service time.Duration, crowd, slow float64, goals ...goal) trial {
	s := shop(size, service)
	s.Name = name
	s.Phases = []sim.Phase{
		{Name: "calm", For: 10 * sec, Rates: calm(size, service, 1)},
		{Name: "crowd", For: 10 * sec, Rates: calm(size, service, crowd)},
		{Name: "slow", For: 10 * sec, Rates: calm(size, service, crowd), Slow: map[string]float64{"db": slow}},
		{Name: "recovery", For: 10 * sec, Rates: calm(size, service, 1)},
	}
	back := 0.96
	if service >= 100*time.Millisecond {
		back = 0.85 // with few samples a second it takes seconds to see that the trouble is over
	}
	always := []goal{
		{phase: "calm", route: "recs", served: 1}, {phase: "calm", route: "checkout", served: 0.99},
		{phase: "recovery", route: "checkout", served: 0.99}, {phase: "recovery", route: "recs", served: back},
	}
	return trial{s, append(always, goals...)}
}

func trials() []trial {
	const service = 40 * time.Millisecond
	base := calm(40, service, 1)
	innocent := []goal{{phase: "crowd", route: "search", served: 0.99}, {phase: "crowd", route: "static", served: 0.99}, {phase: "slow", route: "static", served: 0.99}}
	held := blackFriday("step x3, then a slow database", 40, service, 3, 2, append(innocent,
		goal{phase: "crowd", route: "checkout", served: 0.99, first: 0.97, p99: 300 * time.Millisecond},
		goal{phase: "crowd", route: "cart", served: 0.95}, goal{phase: "slow", route: "checkout", served: 0.99})...)
	noisy := blackFriday("the same in a process that stands still now and then", 40, service, 3, 2,
		goal{phase: "crowd", route: "checkout", served: 0.97}, goal{phase: "slow", route: "checkout", served: 0.95})
	noisy.Sidecars = sim.Sidecars{StallEvery: 300 * time.Millisecond, StallFor: 20 * time.Millisecond}

	one := func(name string, rates map[string]float64, trouble sim.Phase, goals ...goal) trial {
		s := shop(40, service)
		trouble.Name, trouble.For = "trouble", 20*sec
		s.Name = name
		s.Phases = []sim.Phase{{Name: "calm", For: 10 * sec, Rates: rates}, trouble, {Name: "after", For: 10 * sec, Rates: base}}
		return trial{s, append(goals, goal{phase: "calm", route: "recs", served: 1}, goal{phase: "after", route: "checkout", served: 0.99})}
	}
	return []trial{
		held, noisy,
		blackFriday("pool of 10", 10, service, 3, 2, goal{phase: "crowd", route: "checkout", served: 0.97}, goal{phase: "slow", route: "checkout", served: 0.95}),
		blackFriday("pool of 200", 200, service, 3, 2, append(innocent, goal{phase: "crowd", route: "checkout", served: 0.99}, goal{phase: "slow", route: "checkout", served: 0.99})...),
		blackFriday("services of 8 ms", 40, 8*time.Millisecond, 3, 2, append(innocent, goal{phase: "crowd", route: "checkout", served: 0.99}, goal{phase: "slow", route: "checkout", served: 0.99})...),
		blackFriday("services of 200 ms", 40, 200*time.Millisecond, 3, 1.5, goal{phase: "crowd", route: "checkout", served: 0.95}),
		one("slow but not overloaded", calm(40, service, 0.4), sim.Phase{Rates: calm(40, service, 0.4), Slow: map[string]float64{"db": 3}},
			goal{phase: "trouble", route: "checkout", served: 0.97}, goal{phase: "trouble", route: "recs", served: 0.75}),
		one("capacity drops to a third", calm(40, service, 1.3), sim.Phase{Rates: calm(40, service, 1.3), Slow: map[string]float64{"db": 3}},
			goal{phase: "trouble", route: "checkout", served: 0.97, first: 0.9}, goal{phase: "trouble", route: "search", served: 0.99}),
		one("checkout's own code fails", base, sim.Phase{Rates: base, Fail: map[string]float64{"checkout": 0.4}},
			goal{phase: "trouble", route: "checkout", served: 0.55}, goal{phase: "trouble", route: "cart", served: 0.99}, goal{phase: "trouble", route: "recs", served: 0.9}),
		one("recommendations' own code fails", base, sim.Phase{Rates: base, Fail: map[string]float64{"recs": 0.6}},
			goal{phase: "trouble", route: "checkout", served: 0.99}, goal{phase: "trouble", route: "cart", served: 0.99}, goal{phase: "trouble", route: "static", served: 0.99}),
		one("critical alone above capacity", base, sim.Phase{Rates: with(base, "checkout", 14)},
			goal{phase: "trouble", route: "checkout", served: 0.58}, goal{phase: "trouble", route: "static", served: 0.99}),
		one("fast failure under overload", base, sim.Phase{Rates: calm(40, service, 3), Bound: map[string]int{"db": 20}},
			goal{phase: "trouble", route: "checkout", served: 0.95}),
	}
}

// TestTrials runs every scenario with seeds of its own and holds the law to its goals. -v shows the figures.
func TestTrials(t *testing.T) {
	for _, v := range trials() {
		if v.Phases[0].Rates["checkout"] > busiest {
			continue
		}
		t.Run(strings.ReplaceAll(v.Name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= seeds; seed++ {
				r := run(t, v.Scenario, seed)
				t.Log(figures(v.Scenario, r, seed))
				for _, g := range v.goals {
					g.check(t, v.Scenario, r, seed)
				}
			}
		})
	}
}

func (g goal) check(t *testing.T, s sim.Scenario, r *sim.Result, seed uint64) {
	t.Helper()
	for i, p := range s.Phases {
		if p.Name != g.phase {
			continue
		}
		got, first := r.Phases[i][g.route], r.First[i][g.route]
		if got.Share() < g.served {
			t.Errorf("seed %d, %s: %.3f of %s served; want %.3f at least", seed, g.phase, got.Share(), g.route, g.served)
		}
		if first.Share() < g.first {
			t.Errorf("seed %d, first second of %s: %.3f of %s served; want %.3f at least", seed, g.phase, first.Share(), g.route, g.first)
		}
		if g.p99 > 0 && got.Quantile(0.99) > g.p99 {
			t.Errorf("seed %d, %s: p99 of %s is %v; want %v at most", seed, g.phase, g.route, got.Quantile(0.99), g.p99)
		}
	}
}

func figures(s sim.Scenario, r *sim.Result, seed uint64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: share served (in the first second), p99\n", seed)
	for i, p := range s.Phases {
		fmt.Fprintf(&b, "  %-9s", p.Name)
		for _, route := range s.Routes {
			t := r.Phases[i][route.Name]
			fmt.Fprintf(&b, " | %s %.3f (%.3f) %dms", route.Name, t.Share(), r.First[i][route.Name].Share(), t.Quantile(0.99).Milliseconds())
		}
		b.WriteByte('\n')
	}
	for _, e := range r.Entries {
		fmt.Fprintf(&b, "    %6.1fs %s %s %.1f -> %.1f %s\n", float64(e.Time.UnixMilli())/1000, e.Kind, e.Subject, e.From, e.To, e.Reason)
	}
	return b.String()
}

// Without the law the same crowd takes everything down: the scenarios would be worth nothing if it did not.
func TestUnprotectedCollapses(t *testing.T) {
	s := trials()[0].Scenario
	r, err := sim.Run(s, 1, sim.NewNone)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Phases[1]["checkout"].Share(); got > 0.5 {
		t.Errorf("without the law %.3f of checkout is served in the crowd; the scenario is too easy", got)
	}
}

// Equal seeds give equal runs, to the last refusal.
func TestRunIsRepeatable(t *testing.T) {
	s := trials()[0].Scenario
	a, b := run(t, s, 7), run(t, s, 7)
	if x, y := figures(s, a, 7), figures(s, b, 7); x != y {
		t.Errorf("two runs with one seed differ:\n%s\n%s", x, y)
	}
}

func BenchmarkMinuteAt2000(b *testing.B) {
	s := shop(60, 40*time.Millisecond)
	rates := calm(60, 40*time.Millisecond, 1.43)
	s.Phases = []sim.Phase{{Name: "minute", For: time.Minute, Rates: rates}}
	b.ReportAllocs()
	for b.Loop() {
		run(b, s, 1)
	}
}
