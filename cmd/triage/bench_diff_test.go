package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"triage/bench/record"
)

// keptRecord writes a record with one run of one peer.
func keptRecord(t *testing.T, seed int, critical float64) (path string) {
	t.Helper()
	goal := 0.99
	path = filepath.Join(t.TempDir(), "record.json")
	err := record.Write(path, record.Record{
		Kind: record.Run, Command: "triage bench run step-x4", Peers: []record.Peer{{Name: "triage"}},
		Scenarios: []record.Scenario{{Name: "step-x4", Seed: seed, Classes: []string{"critical"}, Phases: []record.Phase{{Name: "calm", Is: "calm", To: 2}}}},
		Measures:  []record.Measure{{Name: "critical", Goal: &goal, AtLeast: true, Margin: 0.02}},
		Runs: []record.Trial{{
			Round: 1, Seconds: 2, Harness: record.Harness{Valid: true}, Values: map[string]record.Number{"critical": record.Number(critical)},
			Routes: []record.Route{{Name: "checkout", Class: "critical", Offered: []int{9, 9}, Served: []int{9, 8}, Oracle: []int{9, 9}}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBenchDiff(t *testing.T) {
	a, b := keptRecord(t, 1, 0.9), keptRecord(t, 1, 0.99)
	code, stdout, stderr := command(t, "bench", "diff", a, b)
	if code != exitFine || !strings.Contains(stdout, "beyond the margin, better") || !strings.Contains(stdout, "too few runs to know noise") {
		t.Errorf("exit %d, %s%s; want a difference of which noise is not known", code, stdout, stderr)
	}
	code, stdout, _ = command(t, "bench", "diff", a, b, "--output", "json")
	if code != exitFine || !strings.Contains(stdout, `"verdict": "beyond the margin"`) {
		t.Errorf("exit %d, %s; want JSON", code, stdout)
	}
}

func TestBenchDiffRefuses(t *testing.T) {
	a := keptRecord(t, 1, 0.9)
	newer := filepath.Join(t.TempDir(), "newer.json")
	if err := os.WriteFile(newer, []byte(`{"schema": 99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for b, want := range map[string]string{
		keptRecord(t, 2, 0.9):        "another draw",
		newer:                        "schema 99",
		"/nowhere/record.json":       "there is no such file",
		filepath.Dir(newer):          "is a directory",
		"../../docs/benchmarking.md": "it is no record",
	} {
		code, _, stderr := command(t, "bench", "diff", a, b)
		if code != exitFailed || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d, %q; want %d and %q", b, code, stderr, exitFailed, want)
		}
	}
	if code, _, stderr := command(t, "bench", "diff", a, a, "--output", "xml"); code != exitUsage || !strings.Contains(stderr, "want text or json") {
		t.Errorf("exit %d, %q; want %d", code, stderr, exitUsage)
	}
}
