package page_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"

	"triage/bench/sim"
	"triage/bench/sim/page"
)

// results are two episodes and two policies: the law misses critical in one of them, by its worst seed total in the other.
func results() sim.Document {
	values := func(change map[string]float64) sim.Values {
		v := make(sim.Values, len(sim.Measures()))
		for i, m := range sim.Measures() {
			v[i] = m.Goal
			if x, there := change[m.Name]; there {
				v[i] = x
			}
		}
		return v
	}
	record := func(episode, policy string, median, worst map[string]float64) sim.Record {
		return sim.Record{Episode: episode, Policy: policy, Draw: sim.Judging, Seeds: []sim.Values{values(median), values(worst)}, Median: values(median), Worst: values(worst)}
	}
	none := map[string]float64{"sessions": math.NaN()}
	law := record("step", "law", map[string]float64{"critical": 0.913, "sessions": math.NaN()}, map[string]float64{"critical": 0.5, "sessions": math.NaN()})
	law.Course = &sim.Course{
		Seed: 2, Every: 1, Phases: []sim.CoursePhase{{Name: "calm", Is: sim.Calm, Until: 2}, {Name: "<b>crowd", Is: sim.Overload, Until: 4}},
		Classes: []sim.CourseClass{{Class: 0, Offered: []int{10, 10, 40, 40}, Served: []int{10, 10, 20, 30}, Ideal: []int{10, 10, 40, 40}}, {Class: 7, Offered: []int{0, 0, 0, 0}, Served: []int{0, 0, 0, 0}, Ideal: []int{0, 0, 0, 0}}},
		Limit:   []float64{0, 0, 12.5, 20},
	}
	return sim.Document{
		Command: "triage bench sim --all <script>", Commit: "abc123", Date: "2026-01-02", Go: "go1.26", Draw: sim.Judging, Seeds: 2, Measures: sim.Measures(),
		Episodes: []sim.Line{{Name: "step", Doc: `A crowd & more, "quoted" <i>`}, {Name: "calm", Doc: "Nothing."}},
		Policies: []sim.Line{{Name: "law", Doc: "Triage"}, {Name: "none", Doc: "Nothing | at all"}},
		Records: []sim.Record{
			law, record("step", "none", map[string]float64{"critical": 0.1}, map[string]float64{"critical": 0.05}),
			record("calm", "law", none, map[string]float64{"total": 0.9}), record("calm", "none", none, none),
		},
	}
}

var why = []sim.Explanation{
	{Episodes: []string{"step"}, Measures: []string{"critical"}, Why: "Because <of> it.", Bound: "0.95 & no more"},
	{Episodes: []string{"calm"}, Measures: []string{"p99"}, Why: "w", Bound: "b"},
}

func html(t *testing.T, d sim.Document) string {
	t.Helper()
	var b strings.Builder
	if err := page.WriteHTML(&b, d, why); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What the document says stands on the page, escaped.
func TestPageSaysIt(t *testing.T) {
	text := html(t, results())
	for _, want := range []string{
		"triage bench sim --all &lt;script&gt;", "abc123", "2026-01-02", "go1.26", "2 drawn scenarios", "draw “judging”",
		"<b>30 of 31</b>", "<b>29 of 31</b>", // of two episodes with 16 measures, one of which does not apply once
		"! 0.913", "! 0.500", `class="median"`, `class="worst"`,
		"A crowd &amp; more, &#34;quoted&#34; &lt;i&gt;", "&lt;b&gt;crowd: overload", "class 7", "40/s", "Seed 2, 1 goals missed",
		"Because &lt;of&gt; it.", "0.95 &amp; no more", "calm: p99.",
		"1 goals are missed by the median seed", "1 more are missed by the", "Nothing | at all",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, bad := range []string{"<script", "<b>crowd", "<of>", "NaN", "ZgotmplZ", "<no value>"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

// The page needs nothing from elsewhere: no script, no font, no picture, no address but its own sections.
func TestPageStandsAlone(t *testing.T) {
	text := html(t, results())
	for _, bad := range []string{"http:", "https:", "src=", "url(", "@import", "<link", "<script", "<iframe"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if id, own := strings.CutPrefix(m[1], "#"); !own || !strings.Contains(text, `id="`+id+`"`) {
			t.Errorf("a link to %q leads nowhere on the page", m[1])
		}
	}
}

// Every element is closed, in order, and the drawings stay within themselves.
func TestPageIsWellFormed(t *testing.T) {
	text := html(t, results())
	decoder := xml.NewDecoder(strings.NewReader(regexp.MustCompile(`<(meta|br)([^>]*)>`).ReplaceAllString(text, "<$1$2/>")))
	decoder.Entity = xml.HTMLEntity
	for {
		if _, err := decoder.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%v", err)
		}
	}
	if !strings.Contains(text, `d="M0 44v-11h300v-33h300V44z"`) {
		t.Error("ten wanted and then forty, in 600 by 44: the area is not drawn as it should be")
	}
	if !strings.Contains(text, `d="M0 44h300v-28h150v-16h150"`) {
		t.Error("a limit of 0, 0, 12.5, 20: the line is not drawn as it should be")
	}
}

// A document without the law is about the first policy that there is; one without anything is a page too.
func TestPageOfLittle(t *testing.T) {
	d := results()
	d.Policies, d.Records = d.Policies[1:], []sim.Record{d.Records[1], d.Records[3]}
	if text := html(t, d); !strings.Contains(text, "What “none” misses") || strings.Contains(text, "<svg viewBox=\"0 0 600") {
		t.Error("without the law the page is not about the policy that there is, or has charts of it")
	}
	if text := html(t, sim.Document{}); !strings.Contains(text, "Scoreboard") {
		t.Error("no page of no results")
	}
}

func TestMarkdown(t *testing.T) {
	d := results()
	var b strings.Builder
	if err := page.WriteMarkdown(&b, d, why[:0]); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"`triage bench sim --all <script>`, commit abc123, 2026-01-02, go1.26.", "| law | 30 of 31 | 29 of 31 |", "| step | 0.913 / 0.500 | 0.100 / 0.050 |",
		"## Sessions ÷ oracle", "| step | - | 0.970 / 0.970 |", "1 goals, of which 1 are not explained; 1 more", "| step | critical 0.913 / 0.500 (≥ 0.99) |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the tables do not say %q:\n%s", want, &b)
		}
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "| step") && strings.Count(line, "|")-strings.Count(line, `\|`) < 3 {
			t.Errorf("a broken row: %s", line)
		}
	}
}

// WriteHTML and WriteMarkdown give the errors of what they write to.
func TestBrokenPaper(t *testing.T) {
	if err := page.WriteHTML(broken{}, results(), nil); err == nil || !strings.Contains(err.Error(), "no paper") {
		t.Errorf("HTML: error %v", err)
	}
	if err := page.WriteMarkdown(broken{}, results(), nil); err == nil || !strings.Contains(err.Error(), "no paper") {
		t.Errorf("Markdown: error %v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, fmt.Errorf("no paper") }
