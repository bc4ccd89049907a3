package sim_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"triage/bench/sim"
)

func rates(calm map[string]float64, factor float64) map[string]float64 {
	out := map[string]float64{}
	for k, v := range calm {
		out[k] = v * factor
	}
	return out
}

// shop is the field's headline backend: three routes on one database, search on its own pool, static on none.
func shop(size int, service time.Duration, scale float64) sim.Scenario {
	return sim.Scenario{
		Classes: 4,
		Pools:   map[string]sim.Pool{"db": {Size: size, Contention: 0.3}, "search": {Size: size, Contention: 0.3}},
		Routes: []sim.Route{
			{Name: "checkout", Class: 0, Pool: "db", Service: service, Sigma: 0.5},
			{Name: "cart", Class: 1, Pool: "db", Service: service, Sigma: 0.5},
			{Name: "recs", Class: 3, Pool: "db", Service: service, Sigma: 0.5},
			{Name: "search", Class: 2, Pool: "search", Service: service, Sigma: 0.5},
			{Name: "static", Class: 3, Service: 2 * time.Millisecond, Sigma: 0.3},
		},
	}
}

func base(size int, service time.Duration) map[string]float64 {
	c := float64(size) / service.Seconds()
	return map[string]float64{"checkout": .1 * c, "cart": .15 * c, "recs": .3 * c, "search": .18 * c, "static": .2 * c}
}

func TestLook(t *testing.T) {
	if os.Getenv("LOOK") == "" {
		return
	}
	for _, v := range variants() {
		for seed := uint64(1); seed <= 2; seed++ {
			start := time.Now()
			r := sim.Run(v, seed)
			fmt.Printf("== %s seed %d (%v)\n", v.Name, seed, time.Since(start).Round(time.Millisecond))
			for i, p := range v.Phases {
				fmt.Printf("  %-8s", p.Name)
				for _, route := range v.Routes {
					t := r.Phases[i][route.Name]
					p99 := time.Duration(0)
					if n := len(t.Latency); n > 0 {
						p99 = t.Latency[n*99/100]
					}
					fmt.Printf(" %s %.3f/%.3f r%d f%d p%d |", route.Name, r.First[i][route.Name].Share(), t.Share(), t.Refused, t.Failed, p99.Milliseconds())
				}
				fmt.Println()
			}
			fmt.Println("  ", r.Reasons)
			if os.Getenv("LOOK") == v.Name {
				for _, e := range r.Entries {
					fmt.Printf("   %7.1f %s %s %.1f -> %.1f %s\n", float64(e.Time.UnixMilli())/1000, e.Kind, e.Subject, e.From, e.To, e.Reason)
				}
			}
		}
	}
}

func variants() []sim.Scenario {
	var out []sim.Scenario
	add := func(name string, s sim.Scenario, phases ...sim.Phase) {
		s.Name, s.Phases = name, phases
		out = append(out, s)
	}
	sec := time.Second
	std := func(size int, svc time.Duration, crowd float64, slow float64) []sim.Phase {
		b := base(size, svc)
		return []sim.Phase{
			{Name: "calm", For: 10 * sec, Rates: b},
			{Name: "crowd", For: 10 * sec, Rates: rates(b, crowd)},
			{Name: "slow", For: 10 * sec, Rates: rates(b, crowd), Slow: map[string]float64{"db": slow}},
			{Name: "recover", For: 10 * sec, Rates: b},
		}
	}
	add("held", shop(40, 40*time.Millisecond, 1), std(40, 40*time.Millisecond, 3, 2)...)
	add("pool10", shop(10, 40*time.Millisecond, 1), std(10, 40*time.Millisecond, 3, 2)...)
	add("pool200", shop(200, 40*time.Millisecond, 1), std(200, 40*time.Millisecond, 3, 2)...)
	add("svc8", shop(40, 8*time.Millisecond, 1), std(40, 8*time.Millisecond, 3, 2)...)
	add("svc200", shop(40, 200*time.Millisecond, 1), std(40, 200*time.Millisecond, 3, 2)...)
	add("demo", shop(20, 30*time.Millisecond, 1), func() []sim.Phase {
		p := std(20, 30*time.Millisecond, 4, 2)
		for i := range p {
			p[i].For = 5 * sec
		}
		return p
	}()...)
	for _, stall := range []time.Duration{0, 10, 40} {
		real := sim.Scenario{Classes: 4, StallEvery: 300 * time.Millisecond, StallFor: stall * time.Millisecond,
			Pools: map[string]sim.Pool{"db": {Size: 20, Contention: 0.3}, "search": {Size: 10, Contention: 0.3}},
			Routes: []sim.Route{
				{Name: "checkout", Class: 0, Pool: "db", Service: 60 * time.Millisecond, Sigma: 0.5},
				{Name: "cart", Class: 1, Pool: "db", Service: 60 * time.Millisecond, Sigma: 0.5},
				{Name: "search", Class: 2, Pool: "search", Service: 20 * time.Millisecond, Sigma: 0.5},
				{Name: "recs", Class: 3, Pool: "db", Service: 60 * time.Millisecond, Sigma: 0.5},
				{Name: "static", Class: 2, Service: time.Millisecond, Sigma: 0.5},
			}}
		calm := map[string]float64{"checkout": 30, "cart": 40, "search": 40, "recs": 90, "static": 30}
		add(fmt.Sprintf("real%d", stall), real,
			sim.Phase{Name: "calm", For: 6 * sec, Rates: calm},
			sim.Phase{Name: "crowd", For: 5 * sec, Rates: rates(calm, 4)},
			sim.Phase{Name: "slow", For: 5 * sec, Rates: rates(calm, 4), Slow: map[string]float64{"db": 2}},
			sim.Phase{Name: "recover", For: 4 * sec, Rates: calm})
	}
	b := base(40, 40*time.Millisecond)
	add("spare", shop(40, 40*time.Millisecond, 1), sim.Phase{Name: "calm", For: 10 * sec, Rates: rates(b, .4)}, sim.Phase{Name: "slow3", For: 20 * sec, Rates: rates(b, .4), Slow: map[string]float64{"db": 3}}, sim.Phase{Name: "back", For: 10 * sec, Rates: rates(b, .4)})
	add("bug", shop(40, 40*time.Millisecond, 1), sim.Phase{Name: "calm", For: 10 * sec, Rates: b}, sim.Phase{Name: "bug", For: 20 * sec, Rates: b, Fail: map[string]float64{"checkout": .4}}, sim.Phase{Name: "back", For: 10 * sec, Rates: b})
	add("recobug", shop(40, 40*time.Millisecond, 1), sim.Phase{Name: "calm", For: 10 * sec, Rates: b}, sim.Phase{Name: "bug", For: 20 * sec, Rates: b, Fail: map[string]float64{"recs": .6}}, sim.Phase{Name: "back", For: 10 * sec, Rates: b})
	add("fastfail", shop(40, 40*time.Millisecond, 1), sim.Phase{Name: "calm", For: 10 * sec, Rates: b, Reject: map[string]int{"db": 20}}, sim.Phase{Name: "crowd", For: 20 * sec, Rates: rates(b, 3), Reject: map[string]int{"db": 20}}, sim.Phase{Name: "back", For: 10 * sec, Rates: b, Reject: map[string]int{"db": 20}})
	add("low", shop(40, 40*time.Millisecond, 1), sim.Phase{Name: "calm", For: 60 * sec, Rates: rates(b, .01)})
	add("calm", shop(40, 40*time.Millisecond, 1), sim.Phase{Name: "calm", For: 60 * sec, Rates: rates(b, 1.2)})
	add("critalone", shop(40, 40*time.Millisecond, 1), sim.Phase{Name: "calm", For: 10 * sec, Rates: b}, sim.Phase{Name: "crowd", For: 20 * sec, Rates: func() map[string]float64 { r := rates(b, 1); r["checkout"] *= 14; return r }()}, sim.Phase{Name: "back", For: 10 * sec, Rates: b})
	add("shrink", shop(40, 40*time.Millisecond, 1), sim.Phase{Name: "calm", For: 10 * sec, Rates: rates(b, 1.3)}, sim.Phase{Name: "slow3", For: 20 * sec, Rates: rates(b, 1.3), Slow: map[string]float64{"db": 3}}, sim.Phase{Name: "back", For: 10 * sec, Rates: b})
	return out
}
