package sim_test

import (
	"strings"
	"testing"

	"triage/bench/sim"
)

// Exports take the database from all others and hardly notice. Somebody has to find out that it is them, hold them, and say so; and nobody
// else may be held.
func TestTheCulpritThatDoesNotSufferIsFound(t *testing.T) {
	zoo, err := sim.Zoo()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range zoo {
		if e.Name != "culprit-for-long" {
			continue
		}
		for seed := 1; seed <= min(seeds, 2); seed++ {
			sc, err := e.Scenario(sim.Development, seed)
			if err != nil {
				t.Fatal(err)
			}
			got, err := sim.Run(sc, e.Dice(sim.Development, seed), sim.NewLaw)
			if err != nil {
				t.Fatal(err)
			}
			held := map[string]bool{}
			for _, entry := range got.Entries {
				if entry.Kind == "relief" && strings.Contains(entry.Reason, "it is held") {
					held[entry.Subject] = true
				}
			}
			if !held["export"] || len(held) != 1 {
				t.Errorf("seed %d: held %v; want export alone", seed, held)
			}
		}
		return
	}
	t.Fatal("no episode culprit-for-long")
}
