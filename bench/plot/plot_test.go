package plot_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"triage/bench/plot"
	"triage/bench/record"
)

// ways are the forms of a report.
type way func(io.Writer, plot.Page) error

var (
	asHTML    way = plot.WriteHTML
	asText    way = plot.WriteMarkdown
	asJSON    way = plot.WriteJSON
	asPicture way = plot.WritePicture
)

// invented is a record that nobody measured: a crowd of four times the usual, before proxies that let a share of each class through.
func invented(rounds int) record.Record {
	goal, classes := 0.99, []string{"critical", "important", "normal", "sheddable"}
	r := record.Record{
		Kind: record.Compare, Command: "invented for tests <script>alert(1)</script>", Begun: time.Unix(1_790_000_000, 0), Triage: record.Program{Version: "0.0.0", Commit: "0123456789abcdef", Go: "go1.27.3"},
		Machine:   record.Machine{System: "linux/amd64", Kernel: "6.1", Cores: 2, CPU: "a processor", Memory: 8 << 30},
		Peers:     []record.Peer{{Name: "triage", Doc: "by itself"}, {Name: "nothing", Doc: "no proxy <b>"}, {Name: "haproxy", Tuned: true, Version: "2.6"}, {Name: "skipper", Absent: "no program of that name"}},
		Measures:  []record.Measure{{Name: "critical", Doc: "served ÷ what the oracle serves", Goal: &goal, AtLeast: true, Margin: 0.02}, {Name: "cpu", Unit: "µs"}},
		Reference: "nothing",
	}
	shares := [][]float64{{1, 0.9, 0.7, 0.2}, {0.1, 0.1, 0.1, 0.1}, {0.98, 0.6, 0.5, 0.3}}
	for k, name := range []string{"step-x4", "slow-database-and-flash-crowd"} {
		r.Scenarios = append(r.Scenarios, record.Scenario{
			Name: name, Draw: "judging", Seed: 1, Classes: classes,
			Phases: []record.Phase{{Name: "calm", Is: "calm", From: 0, To: 10}, {Name: "crowd", Is: "overload", From: 10, To: 24.5}, {Name: "after", Is: "calm", From: 24.5, To: 36}},
		})
		for peer, share := range shares {
			for round := range rounds {
				t := record.Trial{
					Scenario: k, Peer: peer, Round: round + 1, Seconds: 36, Harness: record.Harness{Sent: 10_000, Late: 12, Valid: true, LoadBefore: "0.1 0.1 0.1"},
					Values: map[string]record.Number{"critical": record.Number(share[0] - 0.01*float64(round)), "cpu": record.Number(10 * (peer + 1))},
				}
				if peer == 1 && round == 1 {
					t.Harness.Valid, t.Harness.Notes = false, []string{"The machine was measured & not the proxy."}
				}
				if peer == 2 && round == 2 {
					t.Cut = "the proxy ended"
				}
				for class, className := range classes {
					inventRoute(&t, className, share[class], class)
				}
				for _, name := range []string{record.Limit, record.InFlight, record.AtWork} {
					g := record.Gauge{Name: name, Every: 0.1}
					for i := range 360 {
						g.Values = append(g.Values, record.Number(20+10*math.Sin(float64(i)/20)+float64(len(name))))
					}
					t.Gauges = append(t.Gauges, g)
				}
				r.Runs = append(r.Runs, t)
			}
		}
	}
	return r
}

// inventRoute gives a class one route.
func inventRoute(t *record.Trial, class string, share float64, importance int) {
	r := record.Route{Name: class + " route", Class: class, Reasons: map[string][]int{"limit": make([]int, 36), "headroom": make([]int, 36)}}
	l := record.Latency{Class: class}
	var h record.Histogram
	for i := range 36 {
		n, got := 60+20*importance+int(9*math.Sin(float64(i))), 1.0
		ms := 20 + 3*math.Sin(float64(i)/2)
		if i >= 10 && i < 25 {
			n, got, ms = 4*n, share, ms*(1+20*(1-share))
		}
		r.Offered, r.Served, r.Oracle = append(r.Offered, n), append(r.Served, int(got*float64(n))), append(r.Oracle, n)
		r.Refused = append(r.Refused, n-int(got*float64(n)))
		r.Reasons["limit"][i], r.Reasons["headroom"][i] = r.Refused[i]*2/3, r.Refused[i]/3
		us := int(1000 * ms)
		l.P50, l.P90, l.P99, l.Max = append(l.P50, us), append(l.P90, 2*us), append(l.P99, 4*us), append(l.Max, 5*us)
		h.AddMany(time.Duration(us)*time.Microsecond, 90)
		h.AddMany(time.Duration(4*us)*time.Microsecond, 10)
	}
	r.Attempts = r.Offered
	t.Routes, t.Latencies = append(t.Routes, r), append(t.Latencies, l)
	t.Histograms = append(t.Histograms, record.Interval{Class: class, Phase: 1, Latency: h}, record.Interval{Class: class, Phase: 2, Latency: h})
}

// kept writes records to files and opens them as sources.
func kept(t *testing.T, records ...record.Record) (sources []plot.Source) {
	t.Helper()
	for i, r := range records {
		path := filepath.Join(t.TempDir(), fmt.Sprintf("record-%d.json", i+1))
		if err := record.Write(path, r); err != nil {
			t.Fatal(err)
		}
		s, err := plot.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, s)
	}
	return sources
}

func shown(t *testing.T, write way, records ...record.Record) string {
	t.Helper()
	return drawn(t, write, kept(t, records...))
}

func drawn(t *testing.T, write way, sources []plot.Source) string {
	t.Helper()
	p, err := plot.New(sources)
	var b bytes.Buffer
	if err := errors.Join(err, write(&b, p)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// three is a record of three rounds as it comes from a file: read once, for that takes longest.
var three []plot.Source

func written(t *testing.T, write way) string {
	t.Helper()
	if three == nil {
		three = kept(t, invented(3))
	}
	return drawn(t, write, three)
}

func TestPageSaysIt(t *testing.T) {
	text := written(t, asHTML)
	for _, want := range []string{
		"step-x4, judging draw", "haproxy, tuned by hand", "no program of that name", "invented for tests &lt;script&gt;", "The machine was measured &amp; not the proxy.",
		"3 runs, 1 void", "3 runs, 1 cut short", "no: the proxy ended", "no: the machine was measured", "0.1 0.1 0.1", "R1: runs[0,1,2]", "a processor", "8.0 GiB", "commit <code>0123456789abcdef</code>", "× 1.5", `class="n missed"`, "knows the backend&#39;s capacity",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(text, "<script") {
		t.Error("what a record says has become markup")
	}
}

// The page asks for nothing: no address is in it but those of its own places and of names of markup.
func TestPageIsComplete(t *testing.T) {
	for name, text := range map[string]string{"page": written(t, asHTML), "picture": written(t, asPicture)} {
		for _, found := range regexp.MustCompile(`(?i)(src|href|url|@import|action|data)\s*[=(]\s*["']?([^"'>\s)]+)`).FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(found[2], "#") && found[2] != "data:," {
				t.Errorf("the %s refers to %s", name, found[2])
			}
		}
		if n := strings.Count(text, "://"); n != strings.Count(text, `xmlns="http://www.w3.org/2000/svg"`) {
			t.Errorf("the %s has %d addresses", name, n)
		}
		if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "ZgotmplZ") {
			t.Errorf("the %s has numbers that are none, or something that was not let through", name)
		}
	}
	if !strings.Contains(written(t, asHTML), `content="default-src 'none'`) {
		t.Error("the page does not forbid the browser to load anything")
	}
}

func TestPictureIsXML(t *testing.T) {
	text := written(t, asPicture)
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := decoder.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
	}
	for _, want := range []string{"triage", "tuned by hand", "97.7 %", "Not there to be measured: skipper", "prefers-color-scheme: dark", "slow-database-and-"} {
		if !strings.Contains(text, want) {
			t.Errorf("the picture does not say %q", want)
		}
	}
}

func TestTables(t *testing.T) {
	var back plot.Report
	if err := json.Unmarshal([]byte(written(t, asJSON)), &back); err != nil || len(back.Scenarios) != 2 {
		t.Fatalf("%v; want two scenarios", err)
	}
	table := back.Scenarios[0]
	place := map[string]int{}
	for i, c := range table.Columns {
		place[c.Name] = i
	}
	rows := map[string]plot.Row{}
	for _, r := range table.Rows {
		rows[r.Peer] = r
	}
	if c := rows["triage"].Cells[place["critical"]]; c.Median != 0.99 || c.Least != 0.98 || c.Most != 1 || c.From != "R1: runs[0,1,2].values.critical" {
		t.Errorf("critical of triage: %+v", c)
	}
	if r := rows["nothing"]; r.Invalid != 1 || r.Cells[place["critical"]].From != "R1: runs[3,5].values.critical" || math.Abs(float64(r.Cells[place["critical"]].Median)-0.09) > 1e-9 {
		t.Errorf("nothing: %+v; want the run that does not count left out", r)
	}
	if c := rows["haproxy, tuned by hand"].Cells[place["cpu"]]; c.Ratio != 1.5 {
		t.Errorf("cpu of haproxy: %+v; want 1.5 times that of the reference", c)
	}
	if c := rows["nothing"].Cells[place["sheddable served"]]; c.Median < 9 || c.Median > 10.1 {
		t.Errorf("sheddable served: %+v; want a tenth, while something is wrong", c)
	}
	if rows["skipper"].Absent == "" || rows["oracle"].Cells[place["normal served"]].Median != 100 {
		t.Errorf("skipper %+v, oracle %+v", rows["skipper"], rows["oracle"])
	}
	markdown := written(t, asText)
	for _, want := range []string{"| triage | 100 | 89.8 | 69.9 |", "! 0.09 (0.08 to 0.1)", "| skipper | absent: no program of that name |", "36 of 30000"} {
		if !strings.Contains(markdown, want) {
			t.Errorf("the tables do not say %q:\n%s", want, markdown)
		}
	}
}

func TestSeveralRecords(t *testing.T) {
	text := shown(t, asText, invented(1), invented(2))
	if !strings.Contains(text, "| triage (R1) |") || !strings.Contains(text, "| triage (R2) |") || !strings.Contains(text, "- R2: `record-2.json`") {
		t.Errorf("two records are not told apart:\n%s", text)
	}
}

// inventedCost is a record of costs that nobody measured.
func inventedCost() record.Record {
	r := invented(1)
	r.Kind, r.Scenarios, r.Runs = record.Cost, nil, nil
	r.Measures = []record.Measure{{Name: "cpu", Unit: "µs"}, {Name: "throughput", Unit: "/s"}}
	add := func(name string, numbers map[string]float64) {
		r.Scenarios = append(r.Scenarios, record.Scenario{Name: name, Numbers: numbers})
		for peer := range 3 {
			for round := range 3 {
				cpu := float64(8*(peer+1)) + float64(round) + math.Log(1+numbers["size"])
				r.Runs = append(r.Runs, record.Trial{
					Scenario: len(r.Scenarios) - 1, Peer: peer, Round: round + 1, Seconds: 3, Harness: record.Harness{Sent: 100, Valid: true},
					Values: map[string]record.Number{"cpu": record.Number(cpu), "throughput": record.Number(1e6 / cpu)},
				})
			}
		}
	}
	add("cpu: 64 connections", map[string]float64{"connections": 64})
	for _, n := range []float64{10, 100, 1000, 10_000} {
		add(fmt.Sprintf("routes: %.0f", n), map[string]float64{"size": n})
	}
	for _, n := range []float64{0, 1024, 1 << 30} {
		add(fmt.Sprintf("bodies: %.0f B up", n), map[string]float64{"size": n})
		add(fmt.Sprintf("bodies: %.0f B down", n), map[string]float64{"size": n})
	}
	return r
}

// A record of costs has no courses: bars, lines over what grows, tables, and no picture.
func TestCosts(t *testing.T) {
	text := shown(t, asHTML, inventedCost())
	for want, times := range map[string]int{"<figure": 8, `class="bar"`: 6, `class="line own-line"`: 6, "× 0.53": 1, "10k": 2, "routes: 1000, in numbers": 1, `<span class="note">up</span>`: 2} {
		if n := strings.Count(text, want); n < times || want == "<figure" && n != times {
			t.Errorf("%q is there %d times; want %d", want, n, times)
		}
	}
	p, err := plot.New(kept(t, inventedCost()))
	if err != nil {
		t.Fatal(err)
	}
	if err := plot.WritePicture(io.Discard, p); err == nil || !strings.Contains(err.Error(), "has a course") {
		t.Errorf("a picture of nothing: %v", err)
	}
}

func TestNothingToShow(t *testing.T) {
	r := invented(1)
	r.Runs = nil
	if _, err := plot.New(kept(t, r)); err == nil || !strings.Contains(err.Error(), "nothing to show") {
		t.Errorf("error %v", err)
	}
	if _, err := plot.Open(filepath.Join(t.TempDir(), "none.json")); err == nil || !strings.Contains(err.Error(), "there is no such file") {
		t.Errorf("error %v", err)
	}
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := plot.Open(broken); err == nil || !strings.Contains(err.Error(), "it is no record") {
		t.Errorf("error %v", err)
	}
}

// An hour of seconds is thinned, so that a page can be opened.
func TestLongRunsAreThinned(t *testing.T) {
	r := invented(1)
	r.Runs = r.Runs[:3] // those of one scenario
	long := func(s []int) (out []int) {
		for range 100 {
			out = append(out, s...)
		}
		return out
	}
	for i := range r.Runs {
		for k := range r.Runs[i].Routes {
			route := &r.Runs[i].Routes[k]
			route.Offered, route.Served, route.Oracle, route.Refused, route.Attempts, route.Reasons = long(route.Offered), long(route.Served), long(route.Oracle), long(route.Refused), long(route.Attempts), nil
		}
	}
	for i := range r.Scenarios {
		r.Scenarios[i].Phases[2].To = 3600
	}
	if n := len(shown(t, asHTML, r)); n > 350<<10 {
		t.Errorf("the page of an hour has %d KiB", n>>10)
	}
}
