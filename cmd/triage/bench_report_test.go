package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBenchReport(t *testing.T) {
	kept := keptRecord(t, 1, 0.9)
	prefix := filepath.Join(t.TempDir(), "report")
	code, stdout, stderr := command(t, "bench", "report", kept, "--write", prefix, "--picture", prefix+".svg")
	if code != exitFine || stdout != "" {
		t.Fatalf("exit %d, %s%s", code, stdout, stderr)
	}
	for end, want := range map[string]string{
		".html": "<!doctype html>", ".md": "| triage | 94.4 |", ".json": `"from": "R1: runs[0].values.critical"`, ".svg": "94.4 %",
	} {
		text, err := os.ReadFile(prefix + end)
		if err != nil || !strings.Contains(string(text), want) || !strings.Contains(stderr, "wrote "+prefix+end) {
			t.Errorf("%s: %v, %s; want %q in\n%.2000s", end, err, stderr, want, text)
		}
	}
	code, stdout, _ = command(t, "bench", "report", kept)
	if page, _ := os.ReadFile(prefix + ".html"); code != exitFine || stdout != string(page) {
		t.Errorf("exit %d; want the page itself", code)
	}
}

func TestBenchReportRefuses(t *testing.T) {
	kept := keptRecord(t, 1, 0.9)
	for want, args := range map[string][]string{
		"there is no such file": {"/nowhere/record.json"},
		"it is no record":       {"../../go.mod"},
		"writing the report":    {kept, "--write", "/nowhere/report"},
	} {
		code, _, stderr := command(t, append([]string{"bench", "report"}, args...)...)
		if code != exitFailed || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %q; want %d and %q", args, code, stderr, exitFailed, want)
		}
	}
	if code, _, stderr := command(t, "bench", "report"); code != exitUsage || !strings.Contains(stderr, "at least 1 arg") {
		t.Errorf("exit %d, %q; want %d", code, stderr, exitUsage)
	}
}
