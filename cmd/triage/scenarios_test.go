package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"triage/bench/sim"
)

// testsOf gives the names of the tests and fuzz targets in a folder of the tree.
func testsOf(t *testing.T, folder string) map[string]bool {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(docRoot, folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllSubmatch(text, -1) {
			found[string(m[1])] = true
		}
	}
	return found
}

// What docs/scenarios.md names exists, and every episode of the simulator stands there.
func TestDocsScenarios(t *testing.T) {
	zoo, err := sim.Zoo()
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for _, e := range zoo {
		missing[e.Name] = true
	}
	episodes := len(missing)
	tests := map[string]map[string]bool{}
	named := 0
	for line := range strings.Lines(docText(t, "docs/scenarios.md")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| ") || len(cells) < 2 {
			continue
		}
		names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[len(cells)-1], -1)
		if first := strings.TrimSpace(cells[0]); len(names) == 0 && first != "Case" && first != "#" && first != "Sentence" {
			t.Errorf("nothing stands for %q", first)
		}
		for _, m := range names {
			named++
			folder, test, isTest := strings.Cut(m[1], ".")
			if !isTest {
				delete(missing, m[1])
				if !hasEpisode(zoo, m[1]) {
					t.Errorf("there is no episode %q", m[1])
				}
				continue
			}
			if tests[folder] == nil {
				tests[folder] = testsOf(t, folder)
			}
			if !tests[folder][test] {
				t.Errorf("there is no test %s in %s", test, folder)
			}
		}
	}
	for name := range missing {
		t.Errorf("docs/scenarios.md does not have the episode %q", name)
	}
	if named < episodes {
		t.Errorf("the page names %d episodes and tests; the tables are not read", named)
	}
}

func hasEpisode(zoo []sim.Episode, name string) bool {
	for _, e := range zoo {
		if e.Name == name {
			return true
		}
	}
	return false
}
