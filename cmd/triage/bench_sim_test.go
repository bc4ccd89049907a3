package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBenchSimLists(t *testing.T) {
	code, stdout, stderr := command(t, "bench", "sim", "--list")
	if code != exitFine {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for _, want := range []string{"step-x4", "Four times the load", "law", "none"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the list does not say %q:\n%s", want, stdout)
		}
	}
}

func TestBenchSimMeasures(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := command(t, "bench", "sim", "one-a-second", "step-with-room", "--policy", "law,none,law", "--seeds", "1", "--draw", "development", "--output", "json")
	if code != exitFine {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var got struct {
		Records []struct {
			Episode, Policy, Draw string
			Worst                 map[string]float64
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Records) != 4 || got.Records[1].Episode != "one-a-second" || got.Records[1].Policy != "none" || got.Records[1].Draw != "development" {
		t.Fatalf("records %+v; want two episodes with law and none each", got.Records)
	}
	if v := got.Records[1].Worst["critical"]; v != 1 {
		t.Errorf("nothing is wrong and nothing refused, but critical is %v", v)
	}
	for output, want := range map[string]string{"text": "one-a-second", "markdown": "| one-a-second | none | worst |"} {
		if code, stdout, _ := command(t, "bench", "sim", "one-a-second", "--policy", "none", "--seeds", "1", "--output", output); code != exitFine || !strings.Contains(stdout, want) {
			t.Errorf("--output %s: exit %d:\n%s\nwant %q in it", output, code, stdout, want)
		}
	}
}

// One command writes data, page and tables, each with what it takes to run it again, and says what is missed without a reason.
func TestBenchSimWritesThePage(t *testing.T) {
	t.Parallel()
	prefix := filepath.Join(t.TempDir(), "results")
	code, stdout, stderr := command(t, "bench", "sim", "one-a-second", "step-x2", "--policy", "law,none", "--seeds", "1", "--draw", "development", "--commit", "abc123", "--write", prefix)
	if code != exitFine || stdout != "" || !strings.Contains(stderr, "wrote "+prefix+".html") {
		t.Fatalf("exit %d, %q, %q; want three files and a word for each", code, stdout, stderr)
	}
	const again = "triage bench sim one-a-second step-x2 --draw development --seeds 1 --policy law,none"
	for _, end := range []string{".json", ".html", ".md"} {
		text, err := os.ReadFile(prefix + end)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{again, "abc123", "step-x2", time.Now().UTC().Format("2006-")} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s does not say %q", end, want)
			}
		}
	}
	page, err := os.ReadFile(prefix + ".html")
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr = command(t, "bench", "page", prefix+".json")
	if code != exitFine || stdout != string(page) {
		t.Errorf("exit %d, %q: the page made from the data again is another one", code, stderr)
	}
	if code, _, stderr := command(t, "bench", "page", prefix+".md"); code != exitFailed || !strings.Contains(stderr, "reading results") {
		t.Errorf("a page from Markdown: exit %d, %q; want an error that says what could not be read", code, stderr)
	}
}

func TestBenchSimMisuse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args []string
		want string
	}{
		{nil, "--list shows them"},
		{[]string{"step-x4", "--all"}, "want one of the two"},
		{[]string{"step-x5"}, `episode "step-x5"`},
		{[]string{"step-x4", "--policy", "luck"}, `policy "luck"`},
		{[]string{"step-x4", "--seeds", "0"}, "want 1 to 1000"},
		{[]string{"step-x4", "--jobs", "0"}, "want 1 to 256"},
		{[]string{"step-x4", "--draw", "lucky"}, "want judging or development"},
		{[]string{"step-x4", "--output", "xml"}, "want text, json, markdown, summary or html"},
	}
	for _, v := range tests {
		t.Run(strings.Join(v.args, " "), func(t *testing.T) {
			code, _, stderr := command(t, append([]string{"bench", "sim"}, v.args...)...)
			if code != exitUsage || !strings.Contains(stderr, v.want) {
				t.Errorf("exit %d, %q; want %d and %q", code, stderr, exitUsage, v.want)
			}
		})
	}
}
