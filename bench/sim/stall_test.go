package sim_test

import (
	"testing"
	"time"

	"triage/bench/sim"
)

// ticker notes when it was ticked: not while its process stands still, but as soon as it goes on.
type ticker struct {
	sim.None
	at map[time.Duration]bool
}

func (k ticker) TickEvery() time.Duration { return time.Millisecond }
func (k ticker) Tick(now time.Duration)   { k.at[now] = true }

func TestStallsAreThoseOfTheRun(t *testing.T) {
	for _, count := range []int{1, 3} {
		s := plain(10, sim.Constant, 20)
		s.Phases[0].For = 20 * time.Second
		s.Sidecars = sim.Sidecars{Count: count, StallEvery: 400 * time.Millisecond, StallFor: 20 * time.Millisecond}
		var sidecars []ticker
		if _, err := sim.Run(s, 9, func(sim.Facts) (sim.Policy, error) {
			k := ticker{at: map[time.Duration]bool{}}
			sidecars = append(sidecars, k)
			return k, nil
		}); err != nil {
			t.Fatal(err)
		}
		for i, stalls := range s.Stalls(9) {
			seen := 0
			for k, st := range stalls {
				if k+1 < len(stalls) && stalls[k+1].At < st.At+st.For || k > 0 && stalls[k-1].At+stalls[k-1].For > st.At || st.For < 2*time.Millisecond {
					continue // too short, or one runs into the next
				}
				if seen++; !sidecars[i].at[st.At+st.For] {
					t.Errorf("%d sidecars: sidecar %d does not go on at %v", count, i, st.At+st.For)
				}
			}
			if seen < 20 {
				t.Errorf("%d sidecars: sidecar %d stands still %d times; want about fifty", count, i, seen)
			}
		}
	}
	if got := plain(10, sim.Constant, 20).Stalls(1); len(got) != 1 || got[0] != nil {
		t.Errorf("a sidecar that never stands still: %v", got)
	}
}
