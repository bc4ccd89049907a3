package sim_test

import (
	"testing"

	"triage/bench/sim"
)

// Observing, the law refuses nothing, and what it says that it would have refused is what it does refuse in the same trouble: nothing
// where nothing is wrong, and in a crowd the least important, in about the numbers.
func TestObserving(t *testing.T) {
	for _, test := range []struct {
		episode     string
		least, most float64 // would refuse ÷ does refuse, of recs
	}{
		{"step-x4", 0.7, 1.8}, {"two-innocents", 0.7, 2.2}, {"drop-to-a-third", 0.7, 3}, {"slow-with-room", 0, 0}, {"step-with-room", 0, 0}, {"mix-shift", 0, 0},
	} {
		t.Run(test.episode, func(t *testing.T) {
			t.Parallel()
			would, does := map[string]int{}, map[string]int{}
			offered := 0
			for _, e := range zoo(t) {
				if e.Name != test.episode {
					continue
				}
				for seed := 1; seed <= seeds; seed++ {
					s, dice := draw(t, e, seed), e.Dice(sim.Development, seed)
					var law *sim.Law
					observed, err := sim.Run(s, dice, func(f sim.Facts) (sim.Policy, error) {
						p, err := sim.NewObserver(f)
						law, _ = p.(*sim.Law)
						return p, err
					})
					if err != nil {
						t.Fatal(err)
					}
					if len(observed.Reasons) > 0 {
						t.Errorf("refused, although it only observes: %v", observed.Reasons)
					}
					for route, n := range law.WouldRefuse() {
						would[route] += n
					}
					for _, tallies := range run(t, s, dice).Phases {
						for route, tally := range tallies {
							does[route] += tally.Refused
							offered += tally.Offered
						}
					}
				}
			}
			t.Logf("offered %d; would refuse %v, does refuse %v", offered, would, does)
			if got := float64(would["recs"]); got < test.least*float64(does["recs"]) || got > test.most*float64(does["recs"]) {
				t.Errorf("would refuse %v of recs, and refuses %d; want %v to %v times that", got, does["recs"], test.least, test.most)
			}
			if innocent := would["search"] + would["static"]; innocent > 0 || would["checkout"]*300 > offered {
				t.Errorf("would refuse %v; want none of search and static, and next to nothing of checkout", would)
			}
		})
	}
}
