package sim_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"triage/bench/sim"
)

// What an episode says of its phases is what the oracle finds: nothing is lost in a calm, something in an overload.
func TestZooLabels(t *testing.T) {
	episodes := zoo(t)
	if len(episodes) < 40 {
		t.Errorf("the zoo has %d episodes; want 40 at least", len(episodes))
	}
	for i, e := range episodes {
		if i%thin != 0 {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			if e.Doc == "" {
				t.Error("it does not say what happens")
			}
			s := draw(t, e, 1)
			for i := range s.Phases {
				s.Phases[i].For = min(s.Phases[i].For, 30*time.Second) // the half hour
				if s.Phases[i].For%(500*time.Millisecond) != 0 {
					t.Errorf("phase %s lasts %v; want whole half seconds, for that is how it is measured", s.Phases[i].Name, s.Phases[i].For)
				}
			}
			r, err := sim.Oracle(s, e.Dice(sim.Development, 1))
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range s.Phases {
				labelled(t, s, p, lost(s, r, i), i > 0)
			}
		})
	}
}

// labelled compares what the oracle lost in a phase with the phase's label.
func labelled(t *testing.T, s sim.Scenario, p sim.Phase, lost float64, after bool) {
	t.Helper()
	most := 0.002
	if after {
		most = 0.02 // what the trouble before has left behind
	}
	if len(p.Fail) > 0 {
		most = 0.1 // the calm with an error now and then
	}
	switch p.Label {
	case "", sim.Calm, sim.Slow:
		if lost > most {
			t.Errorf("%s: the oracle loses %.4f of the requests in %q, which is labelled %q", s.Name, lost, p.Name, p.Label)
		}
	case sim.Overload:
		if lost < 0.001 {
			t.Errorf("%s: the oracle serves all in %q, which is labelled an overload", s.Name, p.Name)
		}
	}
}

func lost(s sim.Scenario, r *sim.Result, phase int) float64 {
	offered, served := 0, 0
	for _, route := range s.Routes {
		offered += r.Phases[phase][route.Name].Offered
		served += r.Phases[phase][route.Name].Served
	}
	return 1 - float64(served)/float64(max(offered, 1))
}

// Draws and seeds give scenarios of their own; the same of both gives the same.
func TestDraws(t *testing.T) {
	e := zoo(t)[0]
	one, again, two := draw(t, e, 1), draw(t, e, 1), draw(t, e, 2)
	judging, err := e.Scenario(sim.Judging, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(one, again) {
		t.Error("the same draw and seed gave two scenarios")
	}
	if reflect.DeepEqual(one, two) || reflect.DeepEqual(one, judging) {
		t.Error("another seed, or another draw, gave the same scenario")
	}
	if e.Dice(sim.Judging, 1) == e.Dice(sim.Development, 1) {
		t.Error("the two draws have the same dice")
	}
	if _, err := e.Scenario("best", 1); err == nil || !strings.Contains(err.Error(), "want") {
		t.Errorf("draw best: error %v; want one that says what would be right", err)
	}
}

const small = `
backend: {backend: true, resources: {db: {size: 10}}, routes: {a: {class: 0, on: db, takes: 10ms}}, rates: {a: 50%%}}
one: {doc: d, base: backend, phases: [{name: p, for: 1s%s}]%s}
`

// read reads a small zoo whose phase has something more; what begins with a line break in rest is entries of its own.
func read(phase, rest string) ([]sim.Episode, error) {
	rest, entries, _ := strings.Cut(rest, "\n")
	return sim.ReadZoo(fstest.MapFS{"zoo/x.yaml": {Data: append(fmt.Appendf(nil, small, phase, rest), entries...)}})
}

func TestReadZoo(t *testing.T) {
	episodes, err := read(", times: 2, slow: {db: [2, 2]}", ", routes: {b: {class: 1, takes: 5ms, law: constant}}, rates: {b: 7/s}")
	if err != nil {
		t.Fatal(err)
	}
	s := draw(t, episodes[0], 1)
	if len(episodes) != 1 || len(s.Routes) != 2 || s.Phases[0].Rates["a"] != 1000 || s.Phases[0].Rates["b"] != 14 || s.Phases[0].Slow["db"] != 2 {
		t.Errorf("got %+v; want route a at half of the 1000/s that ten slots of 10ms can do, times two, b at 14/s, and a slow database", s)
	}
}

func TestZooSaysWhatIsWrong(t *testing.T) {
	tests := []struct{ name, phase, rest, want string }{
		{"unknown key", ", tims: 2", "", "tims"},
		{"wrong unit", ", times: 2s", "", "want a number such as 3"},
		{"a time without unit", "", ", clients: {deadline: 3}", "want a time such as 40ms"},
		{"range upside down", ", times: [3, 2]", "", "want the lower end first"},
		{"mixed range", "", ", rates: {a: [10%, 20/s]}", "want a rate such as"},
		{"unknown base", "", "\ntwo: {base: nothing}", `two: base "nothing"`},
		{"circle of bases", "", "\ntwo: {base: three}\nthree: {base: two}", "at most 8 deep"},
		{"twice", "", "\none: {doc: again}", "already defined"},
		{"unknown route", ", fail: {b: 10%}", "", `no route is called "b"; there are ["a"]`},
		{"unknown resource", ", slow: {cache: 2}", "", `no resource is called "cache"`},
		{"unknown label", ", is: trouble", "", `want calm, slow, overload or errors`},
		{"share above one", ", fail: {a: 130%}", "", "want a share"},
		{"two distributions", "", ", routes: {a: {sigma: 1, alpha: 2}}", "want one of sigma, alpha and law"},
		{"Pareto without a mean", "", ", routes: {a: {alpha: 1}}", "more than 1"},
		{"retry on what", "", ", clients: {retry: {times: 1, on: [rain]}}", "want refusals, failures or timeouts"},
		{"rate as share of nothing", "", ", routes: {b: {class: 1, takes: 1ms}}, rates: {b: 10%}", "no resource bounds it"},
		{"boost of nothing", ", boost: {b: 2}", "", "has no rate"},
		{"no phases", "", "\ntwo: {base: backend}", "phases: none"},
		{"too much", ", times: 10000", "", "arrivals a second"},
		{"class", "", ", routes: {a: {class: 9}}", "class 9; want 0 to 3"},
	}
	for _, v := range tests {
		t.Run(v.name, func(t *testing.T) {
			episodes, err := read(v.phase, v.rest)
			for _, e := range episodes {
				if _, drawn := e.Scenario(sim.Development, 1); drawn != nil {
					err = drawn
				}
			}
			if err == nil || !strings.Contains(err.Error(), v.want) {
				t.Errorf("error: %v\nwant one that says %q", err, v.want)
			}
		})
	}
}

// FuzzReadZoo: no file makes it panic, or gives a scenario that cannot run.
func FuzzReadZoo(f *testing.F) {
	f.Add(fmt.Sprintf(small, ", times: 2", ""))
	f.Add("a: &x {base: b}\nb: *x\n")
	f.Add("a: {phases: [{for: 1s, burst: {every: 1s, for: 1s}}]}")
	f.Add("[]")
	f.Fuzz(func(t *testing.T, text string) {
		episodes, err := sim.ReadZoo(fstest.MapFS{"zoo/x.yaml": {Data: []byte(text)}})
		if err != nil {
			return
		}
		for _, e := range episodes {
			if s, err := e.Scenario(sim.Judging, 1); err == nil && len(s.Phases) == 0 {
				t.Errorf("%q gave a scenario without phases", e.Name)
			}
		}
	})
}
