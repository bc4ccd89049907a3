package record_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"triage/bench/record"
)

// small is a record with everything in it.
func small() record.Record {
	goal := 0.99
	var h record.Histogram
	h.Add(3 * time.Millisecond)
	h.AddMany(250*time.Millisecond, 99)
	return record.Record{
		Schema: record.Schema, Kind: record.Compare, Command: `triage bench compare step-x4 --peers "a [b]"`, Begun: time.Unix(1_700_000_000, 0).UTC(),
		Triage: record.Program{Version: "1.2.3", Commit: "abc", Go: "go1.27.3"}, Machine: record.Machine{System: "linux/amd64", Cores: 2, CPU: "x"},
		Scenarios: []record.Scenario{{
			Name: "step-x4", Draw: "judging", Seed: 1, Dice: math.MaxUint64, Numbers: map[string]float64{"pool db": 21}, Classes: []string{"critical"},
			Phases: []record.Phase{{Name: "calm", Is: "calm", From: 0, To: 1}, {Name: "crowd", Is: "overload", From: 1, To: 3}},
		}},
		Peers:    []record.Peer{{Name: "triage", Config: "a: [1,\n2]\n"}, {Name: "nginx", Absent: "there is no nginx"}},
		Measures: []record.Measure{{Name: "critical", Goal: &goal, AtLeast: true, Margin: 0.02}, {Name: "p99", Unit: "×"}},
		Runs: []record.Trial{{
			Round: 1, Seconds: 3, Harness: record.Harness{Sent: 9, Valid: true, Notes: []string{"a note, with [brackets]", "another"}},
			Values: map[string]record.Number{"critical": 0.995, "p99": record.Missing()},
			Routes: []record.Route{{
				Name: "checkout", Class: "critical", Offered: []int{2, 4, 3}, Served: []int{2, 1, 3}, Refused: []int{0, 3, 0},
				Reasons: map[string][]int{"limit": {0, 3, 0}},
			}},
			Latencies:  []record.Latency{{Class: "critical", P50: []int{1, 2, 3}, P90: []int{1, 2, 3}, P99: []int{1, 2, 3}, Max: []int{1, 2, 3}}},
			Histograms: []record.Interval{{Class: "critical", Phase: 1, Latency: h}},
			Gauges:     []record.Gauge{{Name: record.Limit, Every: 0.1, Values: []record.Number{1, record.Missing(), 2.5}}},
		}},
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.json")
	if err := record.Write(path, small()); err != nil {
		t.Fatal(err)
	}
	got, err := record.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	if err := errors.Join(record.Encode(&first, small()), record.Encode(&second, got)); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Errorf("read and written again:\n%s\nwant\n%s", second.String(), first.String())
	}
	run, want := got.Runs[0], small().Runs[0]
	if !reflect.DeepEqual(run.Routes, want.Routes) || run.Values["p99"].There() || run.Values["critical"] != 0.995 || run.Gauges[0].Values[1].There() {
		t.Errorf("run %+v\nwant %+v", run, want)
	}
	if got.Scenarios[0].Dice != math.MaxUint64 || got.Peers[0].Config != small().Peers[0].Config || got.Ended != (time.Time{}) {
		t.Errorf("scenario %+v, peers %+v, ended %v", got.Scenarios[0], got.Peers, got.Ended)
	}
	if q := run.Histograms[0].Latency.Quantile(0.5); q.Round(time.Millisecond) != 250*time.Millisecond || run.Histograms[0].Latency.Count() != 100 {
		t.Errorf("histogram: %d latencies, half of them up to %v; want 100 and 250 ms", run.Histograms[0].Latency.Count(), q)
	}
	if !strings.Contains(first.String(), `"offered": [2,4,3]`) {
		t.Errorf("a series takes more than a line:\n%s", first.String())
	}
}

func TestReadRefuses(t *testing.T) {
	var whole bytes.Buffer
	if err := record.Encode(&whole, small()); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ old, new, want string }{
		"no JSON":             {`{`, `x`, "it is no record"},
		"cut off":             {whole.String()[200:], "", "it is no record"},
		"another file":        {`"schema"`, `"scheme"`, `it has no "schema"`},
		"newer":               {`"schema": 1`, `"schema": 2`, "schema 2, this program knows up to 1: want a newer triage"},
		"older than any":      {`"schema": 1`, `"schema": 0`, "want 1 to 1"},
		"another kind":        {`"kind": "compare"`, `"kind": "magic"`, `kind is "magic": want run, compare or cost`},
		"no such peer":        {`"peer": 0`, `"peer": 2`, "run 0: peer 2: there are 2"},
		"no such scenario":    {`"scenario": 0`, `"scenario": -1`, "scenario -1"},
		"a lost second":       {`"served": [2,1,3]`, `"served": [2,1]`, `route "checkout": served has 2 seconds, offered has 3`},
		"more than offered":   {`"served": [2,1,3]`, `"served": [2,2,3]`, "4 were offered, and 5 came to something"},
		"a broken histogram":  {`"hdr_v2_base64": "`, `"hdr_v2_base64": "AAAA`, "HdrHistogram V2"},
		"unknown value":       {`"critical": 0.995`, `"magic": 0.995`, `a value of "magic"`},
		"phases cross":        {`"from": 1`, `"from": 0.5`, `phase "crowd" is from 0.5 to 3`},
		"less than nothing":   {`"offered": [2,4,3]`, `"offered": [2,4,-3]`, "offered is -3 in second 2"},
		"a year":              {`"to": 3`, `"to": 3e7`, "within a day"},
		"for ever":            {`"seconds": 3`, `"seconds": 1e300`, "it lasts 1e+300 s"},
		"no such phase":       {`"phase": 1`, `"phase": 2`, "a histogram of phase 2"},
		"a gauge stands":      {`"every": 0.1`, `"every": 0`, `gauge "limit"`},
		"a number is no text": {`"cores": 2`, `"cores": "2"`, "reading it"},
	}
	for name, v := range tests {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(whole.String(), v.old, v.new, 1)
			if text == whole.String() {
				t.Fatalf("%q does not stand in\n%s", v.old, text)
			}
			_, err := record.Decode(strings.NewReader(text))
			if err == nil || !strings.Contains(err.Error(), v.want) {
				t.Errorf("error %v; want one with %q", err, v.want)
			}
		})
	}
	if _, err := record.Read(filepath.Join(t.TempDir(), "none.json")); err == nil || !strings.Contains(err.Error(), "there is no such file") {
		t.Errorf("error %v; want one that says so", err)
	}
}

// A field that a later program of the same schema adds is passed over.
func TestReadPassesOverWhatIsAdded(t *testing.T) {
	var whole bytes.Buffer
	if err := record.Encode(&whole, small()); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Decode(strings.NewReader(strings.Replace(whole.String(), `"kind"`, `"mood": "good", "kind"`, 1))); err != nil {
		t.Error(err)
	}
}

func TestWriteNowhere(t *testing.T) {
	folder := t.TempDir()
	if err := record.Write(filepath.Join(folder, "none", "r.json"), small()); err == nil || !strings.Contains(err.Error(), "keeping the record") {
		t.Errorf("error %v; want one about the record", err)
	}
	if err := record.Write(folder, small()); err == nil {
		t.Error("a folder was replaced by a record")
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("%v was left behind", left)
	}
}

func TestCollector(t *testing.T) {
	const ms = time.Millisecond
	c, err := record.NewCollector(record.Plan{
		Routes: []record.RouteClass{{"checkout", "critical"}, {"cart", "important"}, {"pay", "critical"}},
		Phases: []record.Phase{{Name: "calm", From: 0, To: 1}, {Name: "crowd", From: 1, To: 3}},
		Lasts:  3 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	events := []record.Event{
		{Route: 0, At: 100 * ms, Ended: 150 * ms},
		{Route: 0, At: 200 * ms, Ended: 1200 * ms, Fate: record.GaveUp},
		{Route: 2, At: 900 * ms, Ended: 910 * ms, Fate: record.Refused, Reason: "limit", Again: true},
		{Route: 2, At: 1100 * ms, Before: 200 * ms, Ended: 1180 * ms}, // the wish of the line before
		{Route: 1, At: 1500 * ms, Ended: 1501 * ms, Fate: record.Degraded, Reason: "limit"},
		{Route: 1, At: 1600 * ms, Ended: 1601 * ms, Fate: record.Refused},
		{Route: 1, At: 1700 * ms, Ended: 1701 * ms, Fate: record.Failed},
		{Route: 1, At: 2999 * ms, Ended: 3400 * ms, Fate: record.Aborted},
		{Route: 1, At: 3000 * ms, Ended: 3001 * ms}, // after the end
	}
	var all sync.WaitGroup
	for _, e := range events {
		all.Go(func() { c.Add(e) })
	}
	all.Wait()
	var got record.Trial
	c.Into(&got, 3*time.Second)

	want := []record.Route{
		{Name: "checkout", Class: "critical", Offered: []int{2, 0, 0}, Served: []int{1, 0, 0}, Failed: []int{1, 0, 0}, Attempts: []int{2, 0, 0}, Reasons: map[string][]int{}},
		{
			Name: "cart", Class: "important", Offered: []int{0, 3, 1}, Degraded: []int{0, 1, 0}, Refused: []int{0, 1, 0}, Failed: []int{0, 1, 0}, Aborted: []int{0, 0, 1},
			Attempts: []int{0, 3, 1}, Reasons: map[string][]int{"limit": {0, 1, 0}, "no reason given": {0, 1, 0}},
		},
		{Name: "pay", Class: "critical", Offered: []int{1, 0, 0}, Served: []int{1, 0, 0}, Attempts: []int{1, 1, 0}, Reasons: map[string][]int{"limit": {1, 0, 0}}},
	}
	if !reflect.DeepEqual(got.Routes, want) {
		t.Errorf("routes\n%+v\nwant\n%+v", got.Routes, want)
	}
	critical := record.Latency{Class: "critical", P50: []int{50_000, 80_000, 0}, P90: []int{1_000_000, 80_000, 0}, P99: []int{1_000_000, 80_000, 0}, Max: []int{1_000_000, 80_000, 0}}
	if !reflect.DeepEqual(got.Latencies[0], critical) {
		t.Errorf("latencies %+v; want %+v", got.Latencies[0], critical)
	}
	counts := map[int]int{}
	for _, h := range got.Histograms {
		if h.Class == "critical" {
			counts[h.Phase] = h.Latency.Count()
		}
	}
	if counts[0] != 2 || counts[1] != 1 {
		t.Errorf("critical latencies by phase: %v; want 2 and 1", counts)
	}
	flight := got.Gauges[0]
	if len(flight.Values) != 31 || flight.Values[0] != 0 || flight.Values[1] != 1 || flight.Values[5] != 1 || flight.Values[11] != 2 || flight.Values[20] != 0 || flight.Values[30] != 1 {
		t.Errorf("in flight: %v", flight)
	}
}

func TestHistogram(t *testing.T) {
	var h, other record.Histogram
	if h.Count() != 0 || h.Quantile(0.5) != 0 || h.Buckets() != nil {
		t.Error("an empty histogram has something")
	}
	for i := range 100 {
		h.Add(time.Duration(i+1) * time.Millisecond)
	}
	h.Add(-time.Second)
	other.AddMany(48*time.Hour, 2)
	h.Merge(other)
	if h.Count() != 103 || h.Quantile(0) > time.Microsecond || h.Quantile(1).Round(time.Minute) != time.Hour {
		t.Errorf("%d latencies from %v to %v; want 103 from 1 µs to 1 h", h.Count(), h.Quantile(0), h.Quantile(1))
	}
	if q := h.Quantile(0.5); math.Abs(q.Seconds()-0.051) > 0.001 {
		t.Errorf("median %v; want 51 ms", q)
	}
}
