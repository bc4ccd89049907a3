package main

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"triage/bench/record"
)

const plainScenario = `
mine:
  clients: {deadline: 20s, http: HTTP}
  routes:
    list: {class: normal, path: /list}
    pay: {class: critical, method: POST, path: /pay, body: card}
  journeys: {buyer: [{route: list}, {route: pay}]}
  rates: {buyer: 100/s}
  arrivals: constant
  phases: [{name: calm, for: 500ms}, {name: crowd, for: 500ms, times: 2}]
`

func scenario(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// plainReport is what a test looks at in a report.
type plainReport []struct {
	Scenario string
	Notes    []string
	Lines    []struct {
		Phase, Class                  string
		Sent, Served, Refused, Failed int
		P50                           int `json:"p50_us"`
	}
	Reasons map[string]map[string]int `json:"not_served_by_class_and_reason"`
	Funnels []struct {
		Stages []struct{ Reached, Served, Refused, Failed int }
	}
}

func plainRun(t *testing.T, args ...string) (code int, report plainReport, stderr string) {
	t.Helper()
	code, stdout, stderr := command(t, append([]string{"bench", "run", "--output", "json"}, args...)...)
	if stdout != "" {
		if err := json.Unmarshal([]byte(stdout), &report); err != nil {
			t.Fatalf("%v in %s", err, stdout)
		}
	}
	return code, report, stderr
}

func TestBenchRunAgainstAnyTarget(t *testing.T) {
	t.Parallel()
	pay := 0
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/pay" {
			body, _ := io.ReadAll(r.Body)
			if string(body) != "card" || r.Method != "POST" {
				t.Errorf("got %s with %q", r.Method, body)
			}
			if pay++; pay%3 == 0 {
				w.Header().Set("Proxy-Status", `triage; details="limit"`)
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
	})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serial(handler, w, r) }))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, http := range []string{"1", "2"} {
		pay = 0
		kept := filepath.Join(t.TempDir(), "record.json")
		file := scenario(t, strings.Replace(plainScenario, "HTTP", http, 1))
		code, report, stderr := plainRun(t, file, "--target", server.URL, "--ca", ca, "--record", kept)
		if code != exitFine || len(report) != 1 {
			t.Fatalf("HTTP/%s: exit %d: %s", http, code, stderr)
		}
		stages := report[0].Funnels[0].Stages
		if stages[0].Served < 140 || stages[1].Reached != stages[0].Served || stages[1].Refused != stages[1].Reached/3 || stages[1].Failed != 0 {
			t.Errorf("HTTP/%s: funnel %+v; want about 150 users, a third of whom may not pay", http, stages)
		}
		if got := report[0].Reasons["critical"]["limit"]; got != stages[1].Refused {
			t.Errorf("HTTP/%s: %d refusals by limit, want %d", http, got, stages[1].Refused)
		}
		if lines := report[0].Lines; len(lines) != 6 || lines[0].Phase != "calm" || lines[0].Class != "critical" || lines[0].P50 == 0 {
			t.Errorf("HTTP/%s: lines %+v; want two classes in two phases and in all", http, lines)
		}
		r, err := record.Read(kept)
		if err != nil || len(r.Runs) != 1 || len(r.Runs[0].Routes) != 2 || len(r.Runs[0].Histograms) == 0 {
			t.Errorf("HTTP/%s: the record: %v, %+v", http, err, r.Runs)
		}
	}
	if code, report, _ := plainRun(t, scenario(t, strings.Replace(plainScenario, "HTTP", "1", 1)), "--target", server.URL, "--insecure"); code != exitFine || report[0].Funnels[0].Stages[0].Failed != 0 {
		t.Error("--insecure: it did not believe the certificate")
	}
	if _, report, _ := plainRun(t, scenario(t, strings.Replace(plainScenario, "HTTP", "1", 1)), "--target", server.URL); report[0].Funnels[0].Stages[0].Served != 0 {
		t.Error("a certificate of an unknown authority was believed")
	}
}

var oneAtATime = make(chan struct{}, 1)

// serial keeps a test's handler free of locks.
func serial(h http.Handler, w http.ResponseWriter, r *http.Request) {
	oneAtATime <- struct{}{}
	defer func() { <-oneAtATime }()
	h.ServeHTTP(w, r)
}

// A target that dies in the middle is what a load test is there to show: the rest fails, and what was before stays.
func TestBenchRunGoesOnWhenATargetDies(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		switch n := asked.Add(1); {
		case n == 50:
			server.Config.Close()
		case n > 50: // nobody is served after the death, however long that takes
			panic(http.ErrAbortHandler)
		}
	}))
	defer server.Close()
	code, report, stderr := plainRun(t, scenario(t, strings.Replace(plainScenario, "HTTP", "1", 1)), "--target", server.URL)
	if code != exitFine {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	first := report[0].Funnels[0].Stages[0]
	if first.Served < 10 || first.Failed < 50 || report[0].Reasons["normal"]["connection refused"] == 0 {
		t.Errorf("got %+v, %v; want some served, and then connections refused", first, report[0].Reasons)
	}
}

func TestBenchRunOfATargetIsCutShort(t *testing.T) {
	t.Parallel()
	came := make(chan struct{}, 1000)
	target := backend(t, func(http.ResponseWriter, *http.Request) { came <- struct{}{} })
	long := strings.Replace(strings.Replace(plainScenario, "HTTP", "1", 1), "for: 500ms", "for: 1h", 1)
	c := launch(t, nil, "bench", "run", scenario(t, long), "--target", target, "--output", "json")
	for range 60 { // of both stages
		<-came
	}
	c.signal(os.Interrupt)
	code := c.code()
	var report plainReport
	if err := json.Unmarshal([]byte(c.stdout.String()), &report); err != nil || code != exitFailed {
		t.Fatalf("exit %d, %v: %s%s", code, err, c.stdout, c.stderr)
	}
	if s := report[0].Funnels[0].Stages[0]; s.Served < 10 || !strings.Contains(strings.Join(report[0].Notes, " "), "cut short") {
		t.Errorf("got %+v and %v; want what was measured until then", s, report[0].Notes)
	}
}

func TestBenchRunTellsBadScenarios(t *testing.T) {
	t.Parallel()
	target := backend(t, func(http.ResponseWriter, *http.Request) {})
	good := scenario(t, strings.Replace(plainScenario, "HTTP", "1", 1))
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"mistakes":         {[]string{scenario(t, "mine: {bas: shop, phases: [{for: 5}]}"), "--target", target}, []string{"mine.yaml:1:8: mine.bas: unknown key; did you mean base?", `mine.yaml:1:34: mine.phases[0].for: "5"; want a time such as 40ms`}},
		"no file":          {[]string{"/none/mine.yaml", "--target", target}, []string{"there is no such file"}},
		"no such name":     {[]string{good + ":other", "--target", target}, []string{`episode "other"`}},
		"nobody there":     {[]string{good, "--target", "http://" + freeAddress(t)}, []string{"nobody answers at the target"}},
		"no backend":       {[]string{good}, []string{"nothing is said of its backend"}},
		"nobody comes":     {[]string{scenario(t, "mine: {routes: {a: {path: /a}}, phases: [{for: 1s}]}"), "--target", target}, []string{"nobody comes"}},
		"no certificates":  {[]string{good, "--target", target, "--ca", good}, []string{"there is no certificate in it"}},
		"no such CA":       {[]string{good, "--target", target, "--ca", "/none"}, []string{"--ca"}},
		"an odd target":    {[]string{good, "--target", "shop"}, []string{"want a URL"}},
		"a record nowhere": {[]string{good, "--target", target, "--record", "/none/r.json"}, []string{"keeping the record /none/r.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := command(t, append([]string{"bench", "run"}, c.args...)...)
			for _, want := range c.want {
				if code == exitFine || !strings.Contains(stderr, want) {
					t.Errorf("exit %d, %s\nwant %q", code, stderr, want)
				}
			}
			if name == "a record nowhere" && !strings.Contains(stdout, "journey buyer") {
				t.Errorf("what was measured is not shown: %s", stdout)
			}
		})
	}
}

func TestBenchRunSaysHowManyFilesItNeeds(t *testing.T) {
	target := backend(t, func(http.ResponseWriter, *http.Request) {})
	c := launch(t, []string{descriptorsLimit + "=200"}, "bench", "run", scenario(t, strings.Replace(plainScenario, "HTTP", "1", 1)), "--target", target)
	if code := c.code(); code != exitFailed || !strings.Contains(c.stderr.String(), "needs about") || !strings.Contains(c.stderr.String(), "ulimit -n") {
		t.Errorf("exit %d, %q; want the number of files that it needs", code, c.stderr)
	}
}

func TestBenchCheckTellsEverything(t *testing.T) {
	code, stdout, stderr := command(t, "bench", "check", scenario(t, "mine: {bas: shop, phases: [{for: 5}]}"))
	if code != exitFailed || strings.Count(stdout, "mine.yaml:1:") != 2 || !strings.Contains(stderr, "1 of 1 files") {
		t.Errorf("exit %d, %s%s; want two problems", code, stdout, stderr)
	}
	if code, stdout, _ := command(t, "bench", "scenarios"); code != exitFine || !strings.Contains(stdout, "step-x4 ") || !strings.Contains(stdout, "world-cup ") {
		t.Errorf("exit %d: %s", code, stdout)
	}
}
