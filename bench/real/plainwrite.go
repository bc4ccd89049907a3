package real

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"triage/bench/load"
)

// plainReport is a plain run as JSON.
type plainReport struct {
	Scenario string                    `json:"scenario"`
	Seed     int                       `json:"seed"`
	Target   string                    `json:"target"`
	Seconds  float64                   `json:"seconds"`
	Notes    []string                  `json:"notes,omitempty"`
	Lines    []plainLine               `json:"lines"`
	Reasons  map[string]map[string]int `json:"not_served_by_class_and_reason"`
	Funnels  []Funnel                  `json:"funnels,omitempty"`
}

// plainLine is a class in a phase, or in all of them (phase "").
type plainLine struct {
	Phase    string  `json:"phase,omitempty"`
	Class    string  `json:"class"`
	Sent     uint64  `json:"sent"`
	Rate     float64 `json:"sent_a_second"`
	Served   uint64  `json:"served"`
	Degraded uint64  `json:"degraded"`
	Refused  uint64  `json:"refused"`
	Failed   uint64  `json:"failed"`
	Aborted  uint64  `json:"aborted"`
	Late     uint64  `json:"sent_late"`
	NotSent  uint64  `json:"not_sent"`
	P50      int64   `json:"p50_us"`
	P90      int64   `json:"p90_us"`
	P99      int64   `json:"p99_us"`
	Max      int64   `json:"max_us"`
}

func lineOf(phase, class string, f load.Figures, lasts time.Duration) plainLine {
	l := plainLine{
		Phase: phase, Class: class, Sent: f.Offered, Served: f.Served, Degraded: f.Degraded, Refused: f.Refused, Failed: f.Failed, Aborted: f.Aborted,
		Late: f.Late, NotSent: f.Overrun, P50: f.P50.Microseconds(), P90: f.P90.Microseconds(), P99: f.P99.Microseconds(), Max: f.Max.Microseconds(),
	}
	if lasts > 0 {
		l.Rate = float64(f.Offered) / lasts.Seconds()
	}
	return l
}

// lines has each phase that was begun, and, if there are several, all of them together.
func (g Got) lines() (all []plainLine) {
	elapsed, at := g.Clients.Elapsed, time.Duration(0)
	i := 0
	for _, p := range g.Trial.Scenario.Phases {
		if p.For == 0 {
			continue
		}
		if at > elapsed {
			break
		}
		for _, c := range g.Clients.Classes {
			all = append(all, lineOf(p.Name, c.Class, c.Phases[i], min(p.For, elapsed-at)))
		}
		at += p.For
		i++
	}
	if i > 1 {
		for _, c := range g.Clients.Classes {
			all = append(all, lineOf("", c.Class, c.Total, min(elapsed, g.Trial.Scenario.Lasts())))
		}
	}
	return all
}

func (l plainLine) cells() []string {
	phase := l.Phase
	if phase == "" {
		phase = "all"
	}
	cells := []string{phase, l.Class}
	for _, n := range []uint64{l.Sent, l.Served, l.Degraded, l.Refused, l.Failed, l.Late} {
		cells = append(cells, fmt.Sprint(n))
	}
	cells = append(cells[:3], append([]string{fmt.Sprintf("%.0f", l.Rate)}, cells[3:]...)...)
	for _, us := range []int64{l.P50, l.P90, l.P99, l.Max} {
		cells = append(cells, fmt.Sprintf("%.1f", float64(us)/1000))
	}
	return cells
}

var plainHead = []string{"phase", "class", "sent", "a second", "served", "degraded", "refused", "failed", "sent late", "p50 ms", "p90", "p99", "max"}

// tables are the parts of a report, each with its head.
func (g Got) tables() [][][]string {
	results := [][]string{plainHead}
	for _, l := range g.lines() {
		results = append(results, l.cells())
	}
	tables := [][][]string{results}
	why := [][]string{{"class", "not served because", "requests"}}
	for _, class := range slices.Sorted(maps.Keys(g.Reasons)) {
		for _, reason := range reasons(g.Reasons[class]) {
			why = append(why, []string{class, reason, fmt.Sprint(g.Reasons[class][reason])})
		}
	}
	if len(why) > 1 {
		tables = append(tables, why)
	}
	for _, f := range g.Funnels {
		rows := [][]string{{"journey " + f.Journey, "came", "served", "refused", "failed", "wanted no more", "of all"}}
		for _, st := range f.Stages {
			share := "-"
			if first := f.Stages[0].Reached; first > 0 {
				share = fmt.Sprintf("%.1f %%", 100*float64(st.Served)/float64(first))
			}
			rows = append(rows, []string{st.Route, fmt.Sprint(st.Reached), fmt.Sprint(st.Served), fmt.Sprint(st.Refused), fmt.Sprint(st.Failed), fmt.Sprint(st.Content), share})
		}
		tables = append(tables, rows)
	}
	return tables
}

func (g Got) title() string {
	return fmt.Sprintf("%s, seed %d, at %s, %.1f s", g.Trial.Episode, g.Trial.Number, g.Target, g.Clients.Elapsed.Seconds())
}

// WritePlainText writes what clients got, for a terminal.
func WritePlainText(to io.Writer, all []Got) error {
	var b strings.Builder
	for _, g := range all {
		b.WriteString(strings.Join(append([]string{g.title()}, g.Notes()...), "\n") + "\n\n")
		for _, rows := range g.tables() {
			w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
			for _, cells := range rows {
				fmt.Fprintln(w, strings.Join(cells, "\t"))
			}
			w.Flush()
			b.WriteString("\n")
		}
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// WritePlainMarkdown writes the same as Markdown.
func WritePlainMarkdown(to io.Writer, all []Got) error {
	var b strings.Builder
	for _, g := range all {
		fmt.Fprintf(&b, "## %s\n\n", g.title())
		for _, note := range g.Notes() {
			b.WriteString(note + "\n\n")
		}
		for _, rows := range g.tables() {
			writeMarkdownTable(&b, rows)
		}
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// WritePlainJSON writes the same for programs.
func WritePlainJSON(to io.Writer, all []Got) error {
	var out []plainReport
	for _, g := range all {
		out = append(out, plainReport{
			Scenario: g.Trial.Episode, Seed: g.Trial.Number, Target: g.Target, Seconds: g.Clients.Elapsed.Seconds(), Notes: g.Notes(),
			Lines: g.lines(), Reasons: g.Reasons, Funnels: g.Funnels,
		})
	}
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	return encoder.Encode(out)
}
