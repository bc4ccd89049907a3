package sim_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"triage/bench/sim"
)

// The built-in explanations speak of episodes that there are. Whether they are stale only a run can tell; triage bench sim says so.
func TestExplanations(t *testing.T) {
	all, err := sim.Explanations()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, e := range zoo(t) {
		known[e.Name] = true
	}
	seen := map[string]bool{}
	for _, e := range all {
		for _, episode := range e.Episodes {
			if !known[episode] {
				t.Errorf("there is no episode %q", episode)
			}
			for _, measure := range e.Measures {
				pair := episode + ": " + measure
				if seen[pair] {
					t.Errorf("%s is explained twice", pair)
				}
				seen[pair] = true
			}
		}
	}
}

func TestReadExplanations(t *testing.T) {
	const good = "- {episodes: [a], measures: [critical], why: w, bound: b}\n"
	for name, v := range map[string]struct{ text, want string }{
		"good":            {good, ""},
		"unknown key":     {good + "- {episode: a}\n", "episode"},
		"unknown measure": {strings.Replace(good, "critical", "luck", 1), `no measure "luck"`},
		"no reason":       {strings.Replace(good, "why: w, ", "", 1), "want episodes, measures, why and bound"},
		"no list":         {"a: b\n", "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := sim.ReadExplanations(fstest.MapFS{"zoo/misses.yaml": {Data: []byte(v.text)}})
			if v.want == "" && (err != nil || len(all) != 1) || v.want != "" && (err == nil || !strings.Contains(err.Error(), v.want)) {
				t.Errorf("%d explanations, error %v; want %q", len(all), err, v.want)
			}
		})
	}
}
