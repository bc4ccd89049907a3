package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// microStage is a line of bench/micro.txt.
type microStage struct{ stage, folder, benchmark, allocations string }

func microStages(t *testing.T, text string) (all []microStage) {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			t.Fatalf("bench/micro.txt: %q: want four cells", line)
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		all = append(all, microStage{cells[0], cells[1], cells[2], cells[3]})
	}
	return all
}

// baselineRuns gives the allocations a run of each benchmark of a package, by package and name without what runs it in parallel.
func baselineRuns(text string) map[string][]int {
	runs := map[string][]int{}
	result := regexp.MustCompile(`^(Benchmark[^\s/-]*)\S*\s.*\s(\d+) allocs/op`)
	folder := ""
	for line := range strings.Lines(text) {
		if after, ok := strings.CutPrefix(line, "pkg: triage/"); ok {
			folder = strings.TrimSpace(after)
		}
		if found := result.FindStringSubmatch(line); found != nil {
			n, _ := strconv.Atoi(found[2])
			runs[folder+" "+found[1]] = append(runs[folder+" "+found[1]], n)
		}
	}
	return runs
}

// TestDocsMicroBenchmarks holds the table of stages, the benchmarks themselves, the page and the baseline together.
func TestDocsMicroBenchmarks(t *testing.T) {
	stages := microStages(t, docText(t, "bench/micro.txt"))
	if len(stages) < 15 {
		t.Fatalf("bench/micro.txt has %d stages", len(stages))
	}
	page := docSection(docText(t, "docs/benchmarking.md"), "## Micro-benchmarks")
	runs := baselineRuns(docText(t, "bench/results/micro-baseline.txt"))
	for _, s := range stages {
		files, err := filepath.Glob(filepath.Join(docRoot, s.folder, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(files, func(path string) bool {
			text, err := os.ReadFile(path)
			return err == nil && strings.Contains(string(text), "\nfunc "+s.benchmark+"(b *testing.B)")
		}) {
			t.Errorf("%s: there is no %s in %s", s.stage, s.benchmark, s.folder)
		}
		promised := s.allocations
		if promised == "-" {
			promised = ""
		}
		if row := "| " + s.stage + " | `" + s.folder + "` | `" + s.benchmark + "` | " + promised + " |\n"; !strings.Contains(page, row) {
			t.Errorf("docs/benchmarking.md, Micro-benchmarks, has no row:\n%s", row)
		}
		got := runs[s.folder+" "+s.benchmark]
		if len(got) < 10 {
			t.Errorf("%s: the baseline has %d runs of %s in %s; want ten (make bench-baseline)", s.stage, len(got), s.benchmark, s.folder)
		}
		if most, err := strconv.Atoi(s.allocations); err == nil && len(got) > 0 && slices.Max(got) > most {
			t.Errorf("%s: %d allocations in the baseline, %d are promised", s.stage, slices.Max(got), most)
		}
	}
	if rows := strings.Count(page, "\n| ") - 1; rows != len(stages) {
		t.Errorf("docs/benchmarking.md has %d stages, bench/micro.txt %d", rows, len(stages))
	}
}
