package diff

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"triage/bench/record"
)

// made is a record in which one peer has these values of critical, by seed; each value is a round.
func made(seeds ...[]float64) record.Record {
	goal := 0.99
	r := record.Record{
		Kind: record.Compare, Peers: []record.Peer{{Name: "triage"}, {Name: "nginx"}},
		Measures: []record.Measure{{Name: "critical", Goal: &goal, AtLeast: true, Margin: 0.02}},
	}
	for seed, rounds := range seeds {
		r.Scenarios = append(r.Scenarios, record.Scenario{
			Name: "step-x4", Draw: "judging", Seed: seed + 1, Dice: uint64(seed), Classes: []string{"critical"}, Phases: []record.Phase{{Name: "calm", To: 2}},
		})
		for round, v := range rounds {
			var h record.Histogram
			h.AddMany(time.Duration(100*v)*time.Millisecond, 10)
			r.Runs = append(r.Runs, record.Trial{
				Scenario: seed, Round: round + 1, Harness: record.Harness{Valid: true}, Values: map[string]record.Number{"critical": record.Number(v)},
				Routes:     []record.Route{{Name: "checkout", Class: "critical", Offered: []int{100, 100}, Served: []int{100, 50}}},
				Histograms: []record.Interval{{Class: "critical", Latency: h}},
			})
		}
	}
	return r
}

func compared(t *testing.T, a, b record.Record) Diff {
	t.Helper()
	d, err := New(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func line(t *testing.T, d Diff, measure string) Line {
	t.Helper()
	for _, l := range d.Lines {
		if l.Measure == measure {
			return l
		}
	}
	t.Fatalf("no line for %s in %+v", measure, d.Lines)
	return Line{}
}

func TestVerdicts(t *testing.T) {
	tests := map[string]struct {
		a, b   [][]float64
		want   string
		p      float64
		change float64
	}{
		"one round, more than the margin":  {[][]float64{{0.9}}, [][]float64{{0.99}}, "beyond the margin, better", math.NaN(), 0.09},
		"one round, less":                  {[][]float64{{0.98}}, [][]float64{{0.97}}, "within the margin", math.NaN(), -0.01},
		"the same":                         {[][]float64{{0.9, 0.8}}, [][]float64{{0.9, 0.8}}, "same", math.NaN(), 0},
		"three rounds cannot tell":         {[][]float64{{1, 1, 1}}, [][]float64{{0.5, 0.4, 0.6}}, "beyond the margin, worse", math.NaN(), -0.5},
		"four apart":                       {[][]float64{{0.1, 0.2, 0.3, 0.4}}, [][]float64{{0.5, 0.6, 0.7, 0.8}}, "changed, better", 2.0 / 70, 0.4},
		"four across each other":           {[][]float64{{0.1, 0.6, 0.3, 0.8}}, [][]float64{{0.5, 0.2, 0.7, 0.4}}, "noise", 1, 0},
		"apart, but less than the margin":  {[][]float64{{0.1, 0.1001, 0.1002, 0.1003}}, [][]float64{{0.11, 0.1101, 0.1102, 0.1103}}, "noise", 2.0 / 70, 0.01},
		"six seeds, all the same way":      {[][]float64{{0.1}, {0.9}, {0.3}, {0.5}, {0.7}, {0.2}}, [][]float64{{0.2}, {1}, {0.4}, {0.6}, {0.8}, {0.3}}, "changed, better", 2.0 / 64, 0.1},
		"six seeds, one the other way":     {[][]float64{{0.1}, {0.9}, {0.3}, {0.5}, {0.7}, {0.2}}, [][]float64{{0.2}, {0.7}, {0.4}, {0.6}, {0.8}, {0.3}}, "noise", 34.0 / 64, 0.05},
		"twelve rounds, too many to count": {[][]float64{twelve(0.1)}, [][]float64{twelve(0.9)}, "changed, better", 1.0 / 20001, 0.8},
	}
	for name, v := range tests {
		t.Run(name, func(t *testing.T) {
			l := line(t, compared(t, made(v.a...), made(v.b...)), "critical")
			if l.words() != v.want || math.Abs(float64(l.Difference)-v.change) > 1e-9 {
				t.Errorf("%s, difference %v; want %s, %v", l.words(), l.Difference, v.want, v.change)
			}
			if p := float64(l.P); math.IsNaN(p) != math.IsNaN(v.p) || math.Abs(p-v.p) > 1e-9 {
				t.Errorf("p = %v; want %v", p, v.p)
			}
		})
	}
}

func twelve(from float64) (values []float64) {
	for i := range 12 {
		values = append(values, from+float64(i)/1000)
	}
	return values
}

// If nothing has changed, p is at most 5 % in no more than a twentieth of all comparisons: the promise of the test.
func TestNothingChangedPassesAsOftenAsPromised(t *testing.T) {
	dice := rand.New(rand.NewPCG(7, 7))
	draw := func(n int) (values []float64) {
		for range n {
			values = append(values, math.Exp(dice.NormFloat64())) // skewed
		}
		return values
	}
	const all = 2000
	passed := 0
	for range all {
		if permutation([]stratum{{draw(4), draw(4)}, {draw(2), draw(3)}}) <= alpha {
			passed++
		}
	}
	if share := float64(passed) / all; share > 0.065 || share < 0.03 {
		t.Errorf("%.3f of the comparisons of nothing passed; want about 0.05", share)
	}
}

// A seed's own level is no noise: what is compared lies within a seed.
func TestSeedsAreStrata(t *testing.T) {
	var a, b [][]float64
	for seed := range 6 {
		level := float64(seed) * 10
		a, b = append(a, []float64{level, level + 0.01}), append(b, []float64{level + 0.1, level + 0.11})
	}
	if l := line(t, compared(t, made(a...), made(b...)), "critical"); l.Verdict != Changed {
		t.Errorf("%+v; want a change that the seeds' levels do not hide", l)
	}
}

func TestWhatDoesNotCount(t *testing.T) {
	a, b := made([]float64{0.9, 0.1}), made([]float64{0.9})
	a.Runs[1].Harness.Valid = false
	a.Machine.Cores, a.Triage.Commit = 64, "abc"
	a.Scenarios = append(a.Scenarios, record.Scenario{Name: "calm"})
	d := compared(t, a, b)
	if l := line(t, d, "critical"); l.Verdict != Same || l.A.Runs != 1 {
		t.Errorf("%+v; want one run, the same", l)
	}
	if l := line(t, d, "critical served"); l.A.Median != 75 || l.Verdict != Same {
		t.Errorf("%+v; want 75 %% served", l)
	}
	if l := line(t, d, "critical p99"); math.Abs(float64(l.A.Median)-90) > 0.1 {
		t.Errorf("%+v; want 90 ms", l)
	}
	words := strings.Join(d.Notes, "; ")
	for _, want := range []string{"A is of triage  (abc", "different machines", "1 of 2 runs of A do not count", "only A has calm seed 0"} {
		if !strings.Contains(words, want) {
			t.Errorf("notes %q; want %q", words, want)
		}
	}
}

func TestWhatWasSimulatedDoesNotScatter(t *testing.T) {
	a, b := made([]float64{0.9}), made([]float64{0.9001})
	a.Peers[0].Simulated, b.Peers[0].Simulated = true, true
	if l := line(t, compared(t, a, b), "critical"); l.words() != "changed, better" {
		t.Errorf("%+v; want a change", l)
	}
}

func TestIncomparable(t *testing.T) {
	tests := map[string]struct {
		change func(*record.Record)
		want   string
	}{
		"another scenario": {func(r *record.Record) { r.Scenarios[0].Name = "calm" }, "in A is step-x4 judging seed 1; in B is calm judging seed 1"},
		"another seed":     {func(r *record.Record) { r.Scenarios[0].Seed = 2 }, "step-x4 judging seed 1 in A is another draw than step-x4 judging seed 2 in B"},
		"another length":   {func(r *record.Record) { r.Scenarios[0].Phases[0].To = 3 }, "other phases or sizes"},
		"another peer":     {func(r *record.Record) { r.Peers[0].Name = "caddy" }, "no peer has valid runs in both records; A has triage, nginx, B has caddy, nginx"},
		"not valid":        {func(r *record.Record) { r.Runs[0].Harness.Valid = false }, "no peer has valid runs"},
	}
	for name, v := range tests {
		t.Run(name, func(t *testing.T) {
			b := made([]float64{1})
			v.change(&b)
			if _, err := New(made([]float64{1}), b); err == nil || !strings.Contains(err.Error(), v.want) {
				t.Errorf("error %v; want one with %q", err, v.want)
			}
		})
	}
}

func TestWriters(t *testing.T) {
	d := compared(t, made([]float64{0.1, 0.2, 0.3, 0.4}), made([]float64{0.5, 0.6, 0.7, 0.8}))
	var text, document bytes.Buffer
	if err := WriteText(&text, d); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"step-x4 judging, triage", "0.25 (0.1 to 0.4, 4 runs)", "+0.4 (margin 0.02)", "0.029", "changed, better", "would pass it by chance"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text does not say %q:\n%s", want, text.String())
		}
	}
	if err := WriteJSON(&document, d); err != nil {
		t.Fatal(err)
	}
	var back Diff
	if err := json.Unmarshal(document.Bytes(), &back); err != nil || len(back.Lines) != len(d.Lines) || back.Lines[0].Verdict != Changed {
		t.Errorf("%v: %s", err, document.String())
	}
}
