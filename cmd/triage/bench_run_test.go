package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"triage/bench/origin"
	"triage/bench/real"
	"triage/bench/record"
)

// realReport is what a test looks at in a report.
type realReport struct {
	Command string
	Runs    []struct {
		Episode  string
		Seconds  float64
		Scale    float64
		Sent     int
		Cut      bool `json:"cut_short"`
		Measures []struct {
			Measure, Verdict string
			Real, Simulated  *float64
		} `json:"measures"`
		Classes []struct {
			Name    string
			Offered int
			Real    float64
		}
		Refusals struct{ Real, Simulated map[string]int } `json:"refusals_by_route_and_reason"`
		Backend  []origin.RouteSnapshot                   `json:"backend_counts"`
	}
}

// A miniature of an episode goes through processes and sockets, and comes out with what the simulator measures beside what was
// measured. Whether the two agree is another question: that needs a quiet machine and more than three seconds.
func TestBenchRunMeasuresTheRealProxy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "record.json")
	args := []string{"bench", "run", "two-innocents", "--draw", "development", "--duration", "3s", "--scale", "0.3", "--record", path}
	code, stdout, stderr := command(t, args...)
	if code != exitFine {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for _, want := range []string{"two-innocents, development draw, seed 1", "0.3 times the drawn size", "sent late", "critical", "verdict", "load average before"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the report does not say %q:\n%s", want, stdout)
		}
	}
	r, err := record.Read(path)
	if err != nil || len(r.Runs) != 2 {
		t.Fatalf("%v, %d runs; want the real one and the simulated", err, len(r.Runs))
	}
	run := r.Runs[0]
	offered, served, work := 0, 0, record.Number(0)
	for _, route := range run.Routes {
		for second := range route.Offered {
			offered += route.Offered[second]
			if route.Served != nil {
				served += route.Served[second]
			}
		}
	}
	for _, g := range run.Gauges {
		if g.Name == record.AtWork {
			work = slices.Max(g.Values)
		}
	}
	if run.Seconds < 2.9 || run.Seconds > 3.1 || run.Harness.Sent < 500 || len(r.Scenarios[0].Classes) != 4 || offered == 0 || offered > run.Harness.Sent {
		t.Errorf("%d offered in %+v; want three seconds of some hundred requests of four classes", offered, run)
	}
	if served*10 < offered || work < 1 {
		t.Errorf("%d of %d served, the backend had %v at work; want a proxy that lets requests through", served, offered, work)
	}
	if !run.Values["critical"].There() || !r.Runs[1].Values["critical"].There() {
		t.Errorf("values %v and %v; want critical in both worlds", run.Values, r.Runs[1].Values)
	}
	if want := "triage bench run two-innocents --draw development --seeds 1 --scale 0.3 --duration 3s"; r.Command != want {
		t.Errorf("command %q; want %q", r.Command, want)
	}
}

// A configuration of one's own, with a target's path through it: whatever covers the routes and knows the backend's address will do.
func TestBenchRunWithAConfiguration(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	path := configFile(t, conf("", "http://"+address, "  - {name: all, upstream: app, priority: critical, rate_limit: {rate: 20/s}}\n"))
	code, stdout, stderr := command(t, "bench", "run", "one-a-second", "--duration", "2s", "--scale", "30", "-c", path, "--origin", address, "--output", "json")
	if code != exitFine {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var report realReport
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || len(report.Runs) != 1 {
		t.Fatalf("%v: want one run in\n%s", err, stdout)
	}
	run := report.Runs[0]
	if n := run.Refusals.Real["checkout quota"]; n < 5 {
		t.Errorf("refusals %v; want those of the configuration's own quota", run.Refusals)
	}
	if m := run.Measures; len(m) < 3 || m[0].Measure != "critical" || m[0].Real == nil || m[0].Simulated == nil || m[0].Verdict == "" {
		t.Errorf("measures %+v; want critical first, in both worlds", m)
	}
	if b := run.Backend; len(b) == 0 || b[0].Begun == 0 || b[0].Begun > uint64(run.Sent) {
		t.Errorf("the backend has seen %+v of %d; want some", b, run.Sent)
	}
}

func TestBenchRunEndsWithAReport(t *testing.T) {
	var asked atomic.Int32
	target := backend(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	c := launch(t, nil, "bench", "run", "five-a-second", "--scale", "5", "--target", target, "--origin", "127.0.0.1:0", "--output", "json")
	// Requests whose clients could still have waited do not count: the deadline is a second.
	eventually(t, "more than a second of 125 requests a second", func() bool { return asked.Load() > 180 })
	c.signal(os.Interrupt)
	if code := c.code(); code != exitFailed || !strings.Contains(c.stderr.String(), "five-a-second, seed 1: the run was cut short") {
		t.Errorf("exit %d, %q; want %d and a word about the run", code, c.stderr, exitFailed)
	}
	var report realReport
	if err := json.Unmarshal([]byte(c.stdout.String()), &report); err != nil || len(report.Runs) != 1 {
		t.Fatalf("%v: want what was measured in\n%s", err, c.stdout)
	}
	if run := report.Runs[0]; !run.Cut || run.Seconds > 50 || run.Classes[0].Real != 1 {
		t.Errorf("run %+v; want a beginning in which all was served", run)
	}
}

func TestBenchRunMisuse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args string
		want string
	}{
		{"", "requires at least 1 arg"},
		{"step-x5", `episode "step-x5"`},
		{"step-x4 --seeds 0", "want 1 to 1000"},
		{"step-x4 --draw lucky", "want judging or development"},
		{"step-x4 --scale -1", "want 0 to 100"},
		{"step-x4 --duration 3ms", "want 1s to 2h"},
		{"step-x4 --again -1", "want 0 to 100"},
		{"step-x4 --output xml", "want text, json or markdown"},
		{"step-x4 --target http://x -c y", "want one of the two"},
		{"step-x4 -c x", "-c needs --origin"},
		{"step-x4 --target http://x --admin http://y", "want --origin too"},
		{"step-x4 --ca x", "for --target without --origin"},
		{"step-x4 --target http://x --output page", "want text, json or markdown"},
		{"step-x4 -c y --origin z --breakers=false", "made here"},
		{"step-x4 --admin http://x", "belongs to --target"},
	}
	for _, v := range tests {
		t.Run(v.args, func(t *testing.T) {
			code, _, stderr := command(t, append([]string{"bench", "run"}, strings.Fields(v.args)...)...)
			if code != exitUsage || !strings.Contains(stderr, v.want) {
				t.Errorf("exit %d, %q; want %d and %q", code, stderr, exitUsage, v.want)
			}
		})
	}
}

func TestBenchRunSaysWhatCannotBeRun(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want string
	}{
		"not in real time":   {[]string{"step-x4", "clock-jump"}, "clock-jump cannot be carried over to real time"},
		"nobody there":       {[]string{"step-x4", "--target", "http://127.0.0.1:1", "--origin", "127.0.0.1:0"}, "nobody answers at the target http://127.0.0.1:1"},
		"no configuration":   {[]string{"step-x4", "-c", "/nowhere/triage.yaml", "--origin", "127.0.0.1:0"}, "/nowhere/triage.yaml"},
		"no address":         {[]string{"step-x4", "--origin", "256.0.0.1:1"}, "opening the origin's address"},
		"too few addresses":  {[]string{"bad-endpoint", "--origin", "127.0.0.1:0"}, "bad-endpoint has 4 endpoints"},
		"nowhere to keep it": {[]string{"one-a-second", "--duration", "1s", "--record", "/nowhere/record.json"}, "keeping the record"},
	}
	for name, v := range tests {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := command(t, append([]string{"bench", "run"}, v.args...)...)
			if code != exitFailed || !strings.Contains(stderr, v.want) {
				t.Errorf("exit %d, %q; want %d and %q", code, stderr, exitFailed, v.want)
			}
		})
	}
}

func TestBenchRunWithTooFewDescriptors(t *testing.T) {
	c := launch(t, []string{descriptorsLimit + "=64"}, "bench", "run", "step-x4")
	if code := c.code(); code != exitFailed {
		t.Errorf("exit %d; want %d", code, exitFailed)
	}
	if words := c.stderr.String(); !strings.Contains(words, "64 are allowed") || !strings.Contains(words, "ulimit -n ") {
		t.Errorf("%q; want the number that is needed", words)
	}
}

func TestBenchOriginServesAndStops(t *testing.T) {
	t.Parallel()
	c := launch(t, nil, "bench", "origin", "bad-endpoint", "--seed", "2")
	var says real.Backend
	eventually(t, "its addresses", func() bool { return json.Unmarshal([]byte(c.stdout.String()), &says) == nil || c.over() })
	if len(says.Endpoints) != 4 {
		t.Fatalf("it says %q; want four endpoints", c.stdout)
	}
	for i, url := range append(says.Endpoints, says.Control) {
		path, want := "/static", http.StatusOK
		if i == 4 {
			path = "/truth"
		}
		response, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != want || i == 4 && !strings.Contains(string(body), `"endpoint":3`) {
			t.Errorf("%s%s: %d %s; want %d, and the truth about four requests", url, path, response.StatusCode, body, want)
		}
	}
	c.signal(syscall.SIGTERM)
	if code := c.code(); code != exitFine {
		t.Errorf("exit %d; want %d", code, exitFine)
	}
}
