package sim_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"triage/bench/sim"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, text string) []sim.Episode {
	t.Helper()
	all, err := sim.ReadFile(file(t, text))
	if err != nil {
		t.Fatalf("ReadFile: %v", err)
	}
	return all
}

func TestOwnScenariosStandOnTheZoos(t *testing.T) {
	all := readFile(t, `
mine:
  doc: a shop of ten
  base: shop
  resources: {db: {size: 10}}
  phases: [{name: calm, for: 2s}, {name: crowd, for: 2s, is: overload, times: 3}]
`)
	if len(all) != 1 || all[0].Name != "mine" || all[0].Doc != "a shop of ten" || all[0].Source == "" {
		t.Fatalf("got %+v", all)
	}
	sc, err := all[0].Scenario(sim.Judging, 1)
	if err != nil {
		t.Fatal(err)
	}
	if sc.Resources[0].Size != 10 || len(sc.Routes) != 5 || sc.Plain {
		t.Errorf("got %+v, want the shop with a database of ten", sc)
	}
}

func TestEverythingThatIsWrongAtOnce(t *testing.T) {
	_, err := sim.ReadFile(file(t, `mine:
  base: shop
  clinets: {deadline: 1s}
  clients: {deadline: 5, retry: {times: two, on: [refusal]}}
  arrivals: poison
  phases:
    - {name: calm, for: 2s, tmies: 3}
    - {name: crowd, for: 2s, is: overloaded, slow: {db: "40%"}}
    - {name: crowd, name: again, for: [3s, 2s]}
`))
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		"mine.yaml:3:3: mine.clinets: unknown key; did you mean clients?",
		`mine.yaml:4:23: mine.clients.deadline: "5"; want a time such as 40ms`,
		`mine.yaml:4:41: mine.clients.retry.times: "two"; want a whole number`,
		`mine.yaml:4:51: mine.clients.retry.on[0]: "refusal"; want refusals, failures or timeouts; did you mean refusals?`,
		`mine.yaml:5:13: mine.arrivals: "poison"; want poisson or constant; did you mean poisson?`,
		"mine.yaml:7:29: mine.phases[0].tmies: unknown key; did you mean times?",
		"mine.yaml:8:34: mine.phases[1].is: \"overloaded\"; want calm, slow, overload or errors; did you mean overload?",
		`mine.yaml:8:57: mine.phases[1].slow.db: "40%"; want a number such as 3`,
		"mine.yaml:9:21: mine.phases[2].name: the key is there already, in line 9",
		"mine.yaml:9:39: mine.phases[2].for: a list; want the lower end first",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("there is no\n\t%s\nin\n%v", want, err)
		}
	}
	if n := len(err.(sim.Mistakes)); n != 10 {
		t.Errorf("got %d mistakes, want 10:\n%v", n, err)
	}
}

func TestWhatOnlyAScenarioShows(t *testing.T) {
	_, err := sim.ReadFile(file(t, `mine:
  base: shop
  journeys:
    buyer: [{route: chekout}]
  innocent: [nobody]
  phases:
    - {name: calm, for: 2s, fail: {checkuot: 10%}}
    - {name: crowd, for: 2s, slow: {dbx: 3}, rates: {buyer: 5/s, nobody: 5/s}}
other:
  routes: {a: {class: 9, path: x, on: nowhere, takes: 5ms}}
  phases: [{for: 1s}]
`))
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		`mine.yaml:4:12: mine.journeys.buyer: journey buyer: no route is called "chekout"`, "did you mean checkout?",
		`mine.yaml:5:13: mine.innocent: innocent: no route is called "nobody"`,
		`mine.yaml:7:46: mine.phases[0].fail.checkuot: phase 1 (calm): fail: no route is called "checkuot"`,
		`mine.yaml:8:42: mine.phases[1].slow.dbx:`,
		`mine.yaml:8:74: mine.phases[1].rates.nobody:`,
		`mine.yaml:10:15: other.routes.a: route "a": class 9; want 0 to 3`,
		`route "a": path "x"; want one that begins with a slash`,
		`route a: no resource is called "nowhere"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("there is no\n\t%s\nin\n%v", want, err)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "mine.yaml:1:1: it is empty"},
		{"no YAML", "a:\n  - b\n c: d", "mine.yaml:2:1: it is no YAML"},
		{"a list", "[a, b]", "it is a list; want a mapping"},
		{"two documents", "a: {}\n---\nb: {}", "more than one document"},
		{"an entry that is none", "a: 3", `a: it is "3"; want a mapping`},
		{"only a backend", "a: {backend: true, base: shop}", "there is no scenario in it"},
		{"an unknown base", "a: {base: shopp, phases: [{for: 1s}]}", `base "shopp"`},
		{"a base of itself", "a: {base: a, phases: [{for: 1s}]}", `base "a"`},
		{"a name that is taken", "step-x4: {base: shop, phases: [{for: 1s}]}", "the name is taken by a built-in scenario"},
		{"two courses", "a: {base: shop, phases: [{for: 1s, steps: [1, 2], ramp: {to: 3}}]}", "a.phases[0]: phase \"\": want one of ramp, steps and recorded"},
		{"no such counts", "a: {base: shop, phases: [{for: 1s, recorded: {counts: nothing.csv}}]}", "a.phases[0].recorded.counts: recorded: counts: \"nothing.csv\": there is no such file"},
		{"counts elsewhere", "a: {base: shop, phases: [{for: 1s, recorded: {counts: ../x.csv}}]}", "a file in the scenario's folder"},
		{"counts that are too short", "a: {base: shop, phases: [{for: 11h, recorded: {counts: worldcup98}}]}", "want a shorter one"},
		{"a merge key", "x: &x {base: shop}\na: {<<: *x, phases: [{for: 1s}]}", "want base: NAME instead"},
		{"a bomb", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: {phases: [*d,*d,*d]}", "want a mapping"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := sim.ReadFile(file(t, c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := sim.ReadFile(filepath.Join(t.TempDir(), "none.yaml")); err == nil || !strings.Contains(err.Error(), "there is no such file") {
		t.Errorf("got %v", err)
	}
}

// arrivals are those of the users that a file's first scenario lets come.
func arrivals(t *testing.T, text string) []time.Duration {
	t.Helper()
	sc, err := readFile(t, text)[0].Scenario(sim.Judging, 1)
	if err != nil {
		t.Fatal(err)
	}
	crowd, err := sim.NewCrowd(sc, 1)
	if err != nil {
		t.Fatal(err)
	}
	var all []time.Duration
	for _, w := range crowd.Arrivals() {
		all = append(all, w.At)
	}
	return all
}

// between counts arrivals from a second to another.
func between(all []time.Duration, from, to float64) (n float64) {
	for _, at := range all {
		if s := at.Seconds(); s >= from && s < to {
			n++
		}
	}
	return n
}

func TestCoursesOfArrivals(t *testing.T) {
	const head = "mine:\n  routes: {a: {class: critical, path: /a}}\n  rates: {a: 1000/s}\n"
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 5*math.Sqrt(want)+1 {
			t.Errorf("%s: got %v, want about %v", what, got, want)
		}
	}
	ramp := arrivals(t, head+"  phases: [{for: 10s, ramp: {from: 0, to: 2}}]")
	near("the first half of a ramp", between(ramp, 0, 5), 2500)
	near("the second half", between(ramp, 5, 10), 7500)
	steps := arrivals(t, head+"  phases: [{for: 9s, steps: [1, 0, 3]}]")
	near("the first step", between(steps, 0, 3), 3000)
	near("the second", between(steps, 3, 6), 0)
	near("the third", between(steps, 6, 9), 9000)
	even := arrivals(t, head+"  arrivals: constant\n  phases: [{for: 2s}, {for: 2s, times: 2}]")
	for i := range even[1:] {
		want := time.Millisecond
		if even[i] > 2*time.Second {
			want /= 2
		}
		if gap := even[i+1] - even[i]; even[i]-2*time.Second > -want && even[i] < 2*time.Second {
			continue // astride
		} else if (gap - want).Abs() > time.Microsecond {
			t.Fatalf("a gap of %v at %v, want %v", gap, even[i], want)
		}
	}
	recorded := arrivals(t, head+"  phases: [{for: 10s, recorded: {counts: worldcup98, compress: 3600}}]")
	near("all of a day", float64(len(recorded)), 10_000)
	near("its first hour", between(recorded, 0, 1), 253)
	near("its eighth", between(recorded, 8, 9), 1860)
}

func TestCountsOfOnesOwn(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	scenario := write("mine.yaml", "mine: {routes: {a: {path: /a}}, rates: {a: 100/s}, phases: [{recorded: {counts: mine.csv, compress: 10, from: 10s}}]}")
	write("mine.csv", "period,count\n# a comment\n2026-11-27 09:00:00,10\n2026-11-27 09:00:20,20\n2026-11-27 09:00:40,30\n")
	all, err := sim.ReadFile(scenario)
	if err != nil {
		t.Fatal(err)
	}
	sc, err := all[0].Scenario(sim.Judging, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := []sim.Piece{{For: time.Second, Times: 0.5}, {For: 2 * time.Second, Times: 1}, {For: 2 * time.Second, Times: 1.5}}
	p := sc.Phases[0]
	if p.For != 5*time.Second || len(p.Shape) != 3 || p.Shape[0] != want[0] || p.Shape[1] != want[1] || p.Shape[2] != want[2] {
		t.Errorf("got %v and %v, want 5s and %v", p.For, p.Shape, want)
	}
	for text, want := range map[string]string{
		"1,5\n2,x\n":         `line 2: "2,x"; want a time and a count`,
		"1,5\n":              "1 counts; want two at least",
		"1,5\n2,5\n4,5\n":    "want them equally far apart",
		"1,0\n2,0\n":         "all counts are 0",
		"2,1\n1,1\n":         "want them equally far apart",
		"what\nis\nthis\n":   "want a time and a count",
		"1,-5\n2,5\n":        "want a time and a count",
		"period,count\n\n\n": "0 counts",
	} {
		write("mine.csv", text)
		if _, err := sim.ReadFile(scenario); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestBrokenAnswersInVirtualTime(t *testing.T) {
	all := readFile(t, `
mine:
  routes: {a: {class: 0, takes: 5ms}}
  rates: {a: 100/s}
  phases:
    - {name: calm, for: 5s}
    - {name: reset, for: 5s, reset: {a: 40%}}
    - {name: half, for: 5s, half: {a: 40%}}
    - {name: refuse, for: 5s, refuse: true}
`)
	sc, err := all[0].Scenario(sim.Judging, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := sim.Run(sc, 1, sim.NewNone)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0, 0.4, 0.4, 1} {
		tally := r.Phases[i]["a"]
		if got := 1 - float64(tally.Served)/float64(tally.Offered); math.Abs(got-want) > 0.1 {
			t.Errorf("%s: %v of %d lost, want %v", sc.Phases[i].Name, got, tally.Offered, want)
		}
	}
}

func FuzzReadFile(f *testing.F) {
	f.Add("mine: {base: shop, phases: [{for: 1s, ramp: {to: 3}}]}")
	f.Add("mine: {routes: {a: {path: /a}}, rates: {a: 1/s}, phases: [{recorded: {counts: worldcup98}}]}")
	f.Add("a: &a [*a]")
	f.Add("a: {phases: [{rates: null}], base: a}\na: 3")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "mine.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sim.ReadFile(path); err != nil && err.Error() == "" {
			t.Error("an error without a word")
		}
	})
}
