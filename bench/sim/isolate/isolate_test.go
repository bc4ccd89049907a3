package isolate_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"triage/bench/sim"
	"triage/bench/sim/isolate"
	"triage/proxy/incident/verdict"
)

func zoo(t *testing.T, names ...string) (out []sim.Episode) {
	t.Helper()
	all, err := sim.Zoo()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if len(names) == 0 || slices.Contains(names, e.Name) {
			out = append(out, e)
		}
	}
	return out
}

// TestVerdictsOfPlainTroubles holds those that must not be missed, of a seed that nothing was tuned on.
func TestVerdictsOfPlainTroubles(t *testing.T) {
	names := []string{"step-x4", "slow-x4", "checkout-fails", "checkout-fails-hard", "recs-fail", "bad-endpoint", "endpoint-hangs", "everything-fails", "two-innocents", "search-overloaded", "mix-shift", "step-with-room"}
	report, err := isolate.Run(context.Background(), isolate.Settings{Episodes: zoo(t, names...), Draw: sim.Judging, Seeds: 1, Jobs: 2})
	if err != nil {
		t.Fatal(err)
	}
	right, all, accused := report.Right()
	kinds := map[string]bool{}
	for _, j := range report.Judgements {
		kinds[j.Truth] = true
	}
	if accused > 0 || 10*right < 9*all || all < 25 || len(kinds) < 8 {
		var b strings.Builder
		_ = report.WriteText(&b)
		t.Errorf("%d of %d right, %d name an innocent, %d kinds of truth; want nine of ten, none, and eight:\n%s", right, all, accused, len(kinds), b.String())
	}
}

func TestEveryEpisodeHasATruth(t *testing.T) {
	for _, e := range zoo(t) {
		if label, _ := e.VerdictLabels(); label == "" {
			t.Errorf("%s has no verdict", e.Name)
		}
	}
}

func TestTheMatrix(t *testing.T) {
	report := isolate.Report{Draw: sim.Judging, Seeds: 1, Judgements: []isolate.Judgement{
		{Episode: "a", Truth: "route", Verdict: verdict.Verdict{Kind: verdict.Route}, Right: true},
		{Episode: "b", Truth: "route", Verdict: verdict.Verdict{Kind: verdict.Resource, Routes: []string{"x"}}, Innocents: []string{"x"}},
	}}
	var b strings.Builder
	if err := report.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 of 2 right (50.0 %); 1 name an innocent route", "b, seed 0", "innocent: [x]"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, b.String())
		}
	}
}

// TestVisitsThatAreCutShortAreNotServed: who does not get as far as checkout does not ask for it, and is not served there either.
func TestVisitsThatAreCutShortAreNotServed(t *testing.T) {
	pairs, err := isolate.Paired(context.Background(), isolate.Settings{Episodes: zoo(t, "visits-on-a-slow-database"), Draw: sim.Judging, Seeds: 1})
	if err != nil || len(pairs) != 1 {
		t.Fatalf("%d pairs, %v", len(pairs), err)
	}
	p := pairs[0].Protected
	if !pairs[0].Known || p.True > 0.5 || p.With < 0.9 || p.Off() > 0.25 {
		t.Errorf("known %v, %+v; want an estimate that is not far from what became of the visits", pairs[0].Known, p)
	}
}
