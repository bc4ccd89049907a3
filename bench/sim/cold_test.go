package sim_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"triage/bench/sim"
)

func TestCold(t *testing.T) {
	if os.Getenv("LOOK") == "" {
		return
	}
	for _, calmFor := range []time.Duration{0, 500, 1000, 2000, 3000} {
		for _, size := range []int{10, 40} {
			for seed := uint64(1); seed <= 2; seed++ {
				s := shop(size, 40*time.Millisecond)
				s.Name = fmt.Sprintf("cold %dms pool %d", calmFor, size)
				s.Phases = []sim.Phase{{Name: "calm", For: calmFor * time.Millisecond, Rates: calm(size, 40*time.Millisecond, 1)}, {Name: "crowd", For: 10 * sec, Rates: calm(size, 40*time.Millisecond, 3)}, {Name: "crowd2", For: 10 * sec, Rates: calm(size, 40*time.Millisecond, 3)}}
				r := sim.Run(s, seed)
				fmt.Println(s.Name, figures(s, r, seed))
			}
		}
	}
}
