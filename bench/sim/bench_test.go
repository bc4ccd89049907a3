package sim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"triage/bench/sim"
)

func smallBench(t *testing.T) sim.Bench {
	t.Helper()
	episodes, err := read(", is: overload, times: [3, 4]", ", routes: {b: {class: 1, on: db, takes: 10ms}}, rates: {b: 30%}")
	if err != nil {
		t.Fatal(err)
	}
	return sim.Bench{
		Episodes: episodes, Seeds: 3, Jobs: 2,
		Policies: []sim.Named{{Name: "law", New: sim.NewLaw}, {Name: "none", New: sim.NewNone}},
	}
}

// How many jobs there are changes nothing; the progress counts to the end.
func TestBench(t *testing.T) {
	b := smallBench(t)
	last, of := 0, 0
	b.Progress = func(done, all int) { last, of = max(last, done), all }
	two, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.Jobs, b.Progress = 1, nil
	one, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(one) != 2 || one[0].Policy != "law" || one[1].Policy != "none" || len(one[0].Seeds) != 3 || last != 3 || of != 3 {
		t.Errorf("%d records, progress %d of %d; want law and none, three seeds each", len(one), last, of)
	}
	if x, y := text(t, one), text(t, two); x != y {
		t.Errorf("one job and two jobs differ:\n%s\n%s", x, y)
	}
}

func text(t *testing.T, records []sim.Record) string {
	t.Helper()
	var b strings.Builder
	if err := sim.WriteText(&b, records); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestBenchStops(t *testing.T) {
	b := smallBench(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := b.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a bench that was stopped gave %v", err)
	}
	broken := errors.New("no such law")
	b.Policies = append(b.Policies, sim.Named{Name: "broken", New: func(sim.Facts) (sim.Policy, error) { return nil, broken }})
	if _, err := b.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("a policy that cannot be made gave %v; want its error", err)
	}
}

func TestReports(t *testing.T) {
	b := smallBench(t)
	b.Course = "law"
	records, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	document := b.Document(records)
	document.Command, document.Commit = "triage bench sim", "abc"
	var text1, text2 bytes.Buffer
	if err := sim.WriteJSON(&text1, document); err != nil {
		t.Fatal(err)
	}
	read, err := sim.ReadJSON(bytes.NewReader(text1.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.WriteJSON(&text2, read); err != nil || text1.String() != text2.String() {
		t.Errorf("written, read and written again (%v)\n%s\nbecomes\n%s", err, &text1, &text2)
	}
	var back struct {
		Commit   string
		Measures []sim.Measure
		Records  []struct {
			Episode, Policy string
			Worst           map[string]float64
			Missed          []string
			Seeds           [][]*float64
			Course          *sim.Course
		}
	}
	if err := json.Unmarshal(text1.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back.Commit != "abc" || !reflect.DeepEqual(back.Measures, sim.Measures()) || len(back.Records) != 2 || len(back.Records[1].Seeds) != 3 {
		t.Errorf("the JSON has commit %q, %d measures and %d records", back.Commit, len(back.Measures), len(back.Records))
	}
	if got, there := back.Records[1].Worst["critical"]; !there || got > 0.9 || len(back.Records[1].Missed) == 0 {
		t.Errorf("without protection the worst critical is %v (%v), missed %q; want a goal missed", got, there, back.Records[1].Missed)
	}
	if _, there := back.Records[1].Worst["sessions"]; there {
		t.Error("sessions do not apply, but have a value")
	}
	if back.Records[0].Course == nil || back.Records[1].Course != nil {
		t.Error("want a course of the law, and of nobody else")
	}
	var markdown strings.Builder
	if err := sim.WriteMarkdown(&markdown, records); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{text(t, records), markdown.String()} {
		if !strings.Contains(s, "!0.") || !strings.Contains(s, "none: of ") || !strings.Contains(s, "- critical: ") {
			t.Errorf("the table lacks its marks, its sum or its words:\n%s", s)
		}
	}
}

// Results of other measures, or of less, are not read as if they were ours.
func TestReadJSONRefuses(t *testing.T) {
	b := smallBench(t)
	b.Seeds = 1
	records, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]struct {
		change func(*sim.Document)
		want   string
	}{
		"another goal":   {func(d *sim.Document) { d.Measures[0].Goal = 0.5 }, "or another goal"},
		"fewer measures": {func(d *sim.Document) { d.Measures = d.Measures[1:] }, "measures; this program has"},
		"fewer values":   {func(d *sim.Document) { d.Records[0].Seeds = []sim.Values{d.Records[0].Seeds[0][1:]} }, "a seed has"},
	} {
		t.Run(name, func(t *testing.T) {
			d := b.Document(append([]sim.Record(nil), records...))
			v.change(&d)
			var text bytes.Buffer
			if err := sim.WriteJSON(&text, d); err != nil {
				t.Fatal(err)
			}
			if _, err := sim.ReadJSON(&text); err == nil || !strings.Contains(err.Error(), v.want) {
				t.Errorf("error %v; want one that says %q", err, v.want)
			}
		})
	}
	if _, err := sim.ReadJSON(strings.NewReader("no JSON")); err == nil {
		t.Error("what is no JSON was read")
	}
}

// No policy gets more of the critical requests to their end than the oracle, nor much more of all. Where clients come again or an
// endpoint is bad, luck has a part.
func TestNobodyBeatsTheOracle(t *testing.T) {
	b := sim.Bench{Seeds: 1, Jobs: 2, Policies: smallBench(t).Policies}
	for i, e := range zoo(t) {
		if i%thin != 0 {
			continue
		}
		switch e.Name {
		case "retry-storm", "retries-with-manners", "bad-endpoint", "slow-endpoint", "sustained-thirty-minutes":
		default:
			b.Episodes = append(b.Episodes, e)
		}
	}
	records, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		for i, m := range sim.Measures() {
			most := map[string]float64{"critical": 1.005, "total": 1.02, "sessions": 1.02}[m.Name]
			if most > 0 && r.Worst[i] > most {
				t.Errorf("%s, %s: %s is %.4f of the oracle's", r.Episode, r.Policy, m.Name, r.Worst[i])
			}
		}
	}
}

// BenchmarkOracle is the price of the oracle in a crowd.
func BenchmarkOracle(b *testing.B) {
	s := shop(60, 40*time.Millisecond)
	s.Phases = []sim.Phase{{Name: "minute", For: time.Minute, Rates: calm(60, 40*time.Millisecond, 2.5)}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sim.Oracle(s, 1); err != nil {
			b.Fatal(err)
		}
	}
}
