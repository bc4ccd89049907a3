package plot_test

import (
	"strings"
	"testing"

	"triage/bench/plot"
	"triage/bench/record"
)

// marked is a text with a place for tables.
func marked(kind, part, between string) string {
	return "before\n<!-- bench " + kind + ": " + part + " -->\n" + between + "<!-- bench " + kind + ": end -->\nafter\n"
}

func into(t *testing.T, text string, r record.Record) (string, error) {
	t.Helper()
	p, err := plot.New(kept(t, r))
	if err != nil {
		t.Fatal(err)
	}
	return plot.Into(text, p)
}

func TestInto(t *testing.T) {
	r := invented(1)
	text := marked("cost", "table", "of another kind\n") + marked("compare", "table", "what was there\n") + marked("compare", "full", "")
	once, err := into(t, text, r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"before\n", "\nafter\n", "of another kind", "| peer | step-x4 | slow-database-and-flash-crowd |", "| **triage** | **1 / –** | **1 / –** |", "Absent, for the machine had not installed them: skipper.",
		"| haproxy, tuned by hand | 0.98 / – |", "Medians of one run", "- nowhere", "Record: record-1.json", "## step-x4, judging draw",
	} {
		if !strings.Contains(once, want) {
			t.Errorf("it does not say %q:\n%s", want, once)
		}
	}
	if strings.Contains(once, "what was there") {
		t.Errorf("the table before is still there:\n%s", once)
	}
	if twice, err := into(t, once, r); err != nil || twice != once {
		t.Errorf("%v; the second time it is\n%s", err, twice)
	}
}

func TestIntoTellsMisses(t *testing.T) {
	r := invented(1)
	r.Runs[0].Values["critical"] = 0.9 // triage in step-x4
	r.Runs[3].Harness.Valid = false    // triage in the other one: no run counts
	got, err := into(t, marked("compare", "table", ""), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"- step-x4: `critical` 0.9 (≥ 0.99); more critical: haproxy, tuned by hand (0.98)", "1 / – (void)"} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q:\n%s", want, got)
		}
	}
}

func TestIntoOfCosts(t *testing.T) {
	r := record.Record{
		Kind: record.Cost, Reference: "nginx", Peers: []record.Peer{{Name: "nginx"}, {Name: "triage"}, {Name: "caddy", Absent: "not installed"}},
		Measures: []record.Measure{{Name: "cpu", Unit: "µs"}}, Scenarios: []record.Scenario{{Name: "cpu: 64 connections"}},
		Runs: []record.Trial{
			{Values: map[string]record.Number{"cpu": 10}, Harness: record.Harness{Valid: true}},
			{Peer: 1, Values: map[string]record.Number{"cpu": 12}, Harness: record.Harness{Valid: true}},
		},
	}
	got, err := into(t, marked("cost", "table", ""), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| peer | CPU, 64 |", "| triage | 12 µs, × 1.2 |", "Absent, for the machine had not installed them: caddy."} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q:\n%s", want, got)
		}
	}
}

func TestIntoRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"nothing\n":                         "no place for records of bench compare",
		marked("cost", "table", ""):         "no place for records of bench compare",
		marked("compare", "everything", ""): "want table or full",
		"<!-- bench compare: table -->\n":   "no place for records",
	} {
		if got, err := into(t, text, invented(1)); err == nil || !strings.Contains(err.Error(), want) || got != text {
			t.Errorf("%q: %v, %q; want %q and the text as it was", text, err, got, want)
		}
	}
}
