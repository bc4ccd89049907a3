package real

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"triage/bench/load"
	"triage/bench/origin"
	"triage/bench/sim"
)

func TestEveryMeasureHasAMargin(t *testing.T) {
	for _, m := range sim.Measures() {
		if _, there := margins[m.Name]; there == (m.Name == "probes") {
			t.Errorf("%s: a margin is %v; want one for all that can be seen from outside", m.Name, there)
		}
	}
	if len(margins) != len(sim.Measures())-1 {
		t.Errorf("%d margins for %d measures", len(margins), len(sim.Measures()))
	}
}

func TestVerdicts(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		real, virtual, least, most float64
		want                       Verdict
	}{
		{0.99, 1, 1, 1, Agrees},
		{0.95, 1, 0.96, 1, Scatters},
		{0.95, 1, 0.99, 1, Differs},
		{1, 0.8, 0.7, 0.99, Scatters},
		{nan, 1, 0.9, 1, Differs},
		{1, nan, 0.9, 1, Scatters},
		{1, nan, nan, nan, Differs},
	}
	for _, v := range tests {
		l := Line{Real: v.real, Virtual: v.virtual, Least: v.least, Most: v.most, Margin: 0.02}
		if got := l.judge(); got != v.want {
			t.Errorf("%+v: %s; want %s", v, got, v.want)
		}
	}
}

// simulated gives what would be seen if reality were a simulation with a policy.
func simulated(t *testing.T, tr Trial, policy sim.NewPolicy) Seen {
	t.Helper()
	r, err := sim.Run(tr.Scenario, tr.Dice, policy)
	if err != nil {
		t.Fatal(err)
	}
	total := load.Figures{Counts: load.Counts{Offered: 1000, Late: 5}}
	return Seen{Scenario: tr.Scenario, Result: r, Clients: load.Snapshot{Late: 5, Classes: []load.ClassSnapshot{{Total: total}}}}
}

func TestCompare(t *testing.T) {
	tr := trial(t, "step-x4", Choice{Lasts: 14 * time.Second, Scale: 0.3})
	v, err := Simulate(t.Context(), tr.Scenario, tr.Dice)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Others) != others {
		t.Errorf("%d other crowds; want %d", len(v.Others), others)
	}
	same := newRun(t, tr, simulated(t, tr, sim.NewLaw), v)
	for _, l := range same.Lines {
		if l.Verdict != Agrees || l.Difference() != 0 {
			t.Errorf("the law against itself: %+v", l)
		}
	}
	if len(same.Lines) < 9 || len(same.Classes) != 4 || same.Classes[0].Real != same.Classes[0].Virtual || same.Calm.RealP99 != same.Calm.VirtualP99 {
		t.Errorf("run %+v; want nine measures at least, four classes, equal in both worlds", same)
	}
	bare := newRun(t, tr, simulated(t, tr, sim.NewNone), v)
	report := Report{Command: "triage bench run", Commit: "abc", Runs: []Run{same, bare}}
	counts := report.Agree()
	if counts[Differs] < 3 || counts[Agrees] < len(same.Lines) {
		t.Errorf("no protection against the law: %v; want some that differ", counts)
	}
	checkWriters(t, report)
}

func checkWriters(t *testing.T, report Report) {
	t.Helper()
	var text, markdown, document bytes.Buffer
	for _, err := range []error{WriteText(&text, report), WriteMarkdown(&markdown, report), WriteJSON(&document, report)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"step-x4, development draw, seed 1", "1000 requests, 5 sent late (0.50 %)", "critical   ", "differs", "load average before: 0 0 0"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text does not say %q:\n%s", want, text.String())
		}
	}
	for _, want := range []string{"| measure | goal |", "## step-x4", "commit abc", "The largest difference in critical is -"} {
		if !strings.Contains(markdown.String(), want) {
			t.Errorf("the markdown does not say %q:\n%s", want, markdown.String())
		}
	}
	var back struct {
		Runs []struct {
			Measures []struct {
				Measure, Verdict string
				Real, Simulated  *float64
			}
			Classes []struct{ Oracle *float64 }
		}
	}
	if err := json.Unmarshal(document.Bytes(), &back); err != nil || len(back.Runs) != 2 || *back.Runs[1].Measures[0].Real > 0.5 {
		t.Errorf("JSON: %v; want two runs, the second without critical\n%s", err, document.String())
	}
}

func TestWhatIsMissingIsNullInJSON(t *testing.T) {
	text, err := json.Marshal(Line{Real: math.NaN(), Virtual: 1, Least: math.Inf(1), Verdict: Differs})
	if err != nil || !strings.Contains(string(text), `"real":null,"simulated":1`) {
		t.Errorf("%s, %v; want null for what is missing", text, err)
	}
}

func TestNotes(t *testing.T) {
	r := Run{Sent: 100, Late: 3, Voided: 4, LateAnswers: 5, Asked: 2, Slow: 1, Backend: []origin.RouteSnapshot{{Begun: 50}}, Cut: true, Seconds: 4, Reasons: Reasons{Real: map[string]int{"checkout breaker": 7, "recs limit": 3}, Virtual: map[string]int{"checkout breaker": 2}}}
	text := strings.Join(r.Notes(), " ")
	for _, want := range []string{"first 4.0 seconds", "3.0 % of the requests were sent late", "10.0 % of the answers were late, and of its words 50.0 %", "7 requests were refused by breakers; in the simulation 2.", "4 runs before this one"} {
		if !strings.Contains(text, want) {
			t.Errorf("notes %q; want %q", text, want)
		}
	}
	if (Run{Sent: 100, LateAnswers: 5, Backend: []origin.RouteSnapshot{{Begun: 50}}}).Valid() {
		t.Error("a run with many late answers counts")
	}
	if (Run{Sent: 100, Asked: 100, Slow: 3}).Valid() || !(Run{Sent: 100, Late: 2, Asked: 100, Slow: 2}).Valid() {
		t.Error("three slow words of a hundred count, or two do not")
	}
	report := Report{Runs: []Run{r}}
	if r.Valid() || !strings.Contains(report.summary(), "Not counted: 1 in which the machine was measured") {
		t.Errorf("a run with many late sends counts: %s", report.summary())
	}
	if notes := (Run{Sent: 100}).Notes(); notes != nil {
		t.Errorf("nothing to say, but %q", notes)
	}
}

func TestSimulateCanBeGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Simulate(ctx, trial(t, "step-x4", Choice{}).Scenario, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want the context's error", err)
	}
}

func newRun(t *testing.T, tr Trial, seen Seen, v Virtual) Run {
	t.Helper()
	r, err := NewRun(tr, seen, v, "0 0 0")
	if err != nil {
		t.Fatal(err)
	}
	return r
}
