package sim_test

import (
	"fmt"
	"testing"
	"time"

	"triage/bench/sim"
)

// A proxy that starts in the middle of the crowd has seen no calm. It takes seconds longer, but it gets checkout out of the flood.
func TestColdStart(t *testing.T) {
	for _, size := range []int{10, 40, 100} {
		for _, before := range []time.Duration{0, 500 * time.Millisecond, time.Second} {
			if size > busiest/10 {
				continue
			}
			t.Run(fmt.Sprintf("pool-%d-after-%v", size, before), func(t *testing.T) {
				t.Parallel()
				const service = 40 * time.Millisecond
				s := shop(size, service)
				s.Phases = []sim.Phase{
					{Name: "calm", For: before, Rates: calm(size, service, 1)},
					{Name: "crowd", For: 10 * sec, Rates: calm(size, service, 3)},
					{Name: "later", For: 10 * sec, Rates: calm(size, service, 3)},
				}
				for seed := uint64(1); seed <= seeds; seed++ {
					r := run(t, s, seed)
					t.Log(figures(s, r, seed))
					goal{phase: "crowd", route: "checkout", served: 0.4}.check(t, s, r, seed)
					goal{phase: "later", route: "checkout", served: 0.95}.check(t, s, r, seed)
				}
			})
		}
	}
}
