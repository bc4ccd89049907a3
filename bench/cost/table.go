package cost

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"triage/bench/record"
)

// part of a case's name: what stands before the colon.
func partOf(scenario string) (part, rest string) {
	part, rest, _ = strings.Cut(scenario, ": ")
	return part, rest
}

// sample is a measure's values of a peer in a case, by round.
func sample(r record.Record, peer, scenario int, measure string) map[int]float64 {
	values := map[int]float64{}
	for _, t := range r.Runs {
		if v, ok := t.Values[measure]; ok && t.Peer == peer && t.Scenario == scenario && t.Harness.Valid {
			values[t.Round] = float64(v)
		}
	}
	return values
}

// Summary is a median with the least and the most of the rounds.
type Summary struct {
	Median, Least, Most float64
	Rounds              int
}

func summarize(values []float64) (s Summary) {
	if s.Rounds = len(values); s.Rounds == 0 {
		return s
	}
	slices.Sort(values)
	s.Least, s.Most = values[0], values[len(values)-1]
	s.Median = (values[(len(values)-1)/2] + values[len(values)/2]) / 2
	return s
}

// Of sums a measure up.
func Of(r record.Record, peer, scenario int, measure string) Summary {
	var all []float64
	for _, v := range sample(r, peer, scenario, measure) {
		all = append(all, v)
	}
	return summarize(all)
}

// Ratio sums up a peer's values ÷ a reference's of the same round.
func Ratio(r record.Record, peer, reference, scenario int, measure string) Summary {
	var all []float64
	under := sample(r, reference, scenario, measure)
	for round, v := range sample(r, peer, scenario, measure) {
		if u := under[round]; u > 0 {
			all = append(all, v/u)
		}
	}
	return summarize(all)
}

// table is what is shown of one measure in one part: a row a peer, a column a case.
type table struct {
	title, doc string
	head       []string
	rows       [][]string
}

// references are the peers to which ratios are shown.
var references = []string{"nginx", "haproxy"}

// tables of a part.
func tables(r record.Record, part string) []table {
	var all []table
	for _, m := range r.Measures {
		t := valueTable(r, part, m)
		if len(t.rows) == 0 || !slices.Contains(shown(part), m.Name) {
			continue
		}
		all = append(all, t)
		if !compared(m.Name) {
			continue
		}
		for _, name := range references {
			i := slices.IndexFunc(r.Peers, func(p record.Peer) bool { return p.Name == name })
			if i < 0 {
				continue
			}
			t := fillTable(r, part, m.Name, func(peer, scenario int) string {
				if peer == i {
					return ""
				}
				return span(Ratio(r, peer, i, scenario, m.Name), ratio)
			})
			if t.title = fmt.Sprintf("%s ÷ %s's", m.Name, name); len(t.rows) > 0 {
				all = append(all, t)
			}
		}
	}
	return all
}

func valueTable(r record.Record, part string, m record.Measure) table {
	t := fillTable(r, part, m.Name, func(peer, scenario int) string { return span(Of(r, peer, scenario, m.Name), number) })
	t.title, t.doc = m.Name, m.Doc
	if m.Unit != "" {
		t.title += ", " + m.Unit
	}
	return t
}

// fillTable has the rows and columns in which there is something.
func fillTable(r record.Record, part, measure string, cell func(peer, scenario int) string) (t table) {
	t.head = []string{""}
	var columns []int
	for i, s := range r.Scenarios {
		p, rest := partOf(s.Name)
		if p == part && slices.ContainsFunc(r.Runs, func(run record.Trial) bool {
			_, ok := run.Values[measure]
			return ok && run.Scenario == i
		}) {
			columns = append(columns, i)
			t.head = append(t.head, rest)
		}
	}
	for p, peer := range r.Peers {
		row, something := []string{peer.Name}, false
		for _, s := range columns {
			text := cell(p, s)
			something = something || text != ""
			row = append(row, text)
		}
		if something {
			t.rows = append(t.rows, row)
		}
	}
	return t
}

// span writes a median and where the rounds lay.
func span(s Summary, one func(float64) string) string {
	switch {
	case s.Rounds == 0:
		return ""
	case one(s.Least) == one(s.Most):
		return one(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", one(s.Median), one(s.Least), one(s.Most))
}

// number has three figures.
func number(v float64) string {
	if a := math.Abs(v); a == 0 || a >= 100 {
		return fmt.Sprintf("%.0f", v)
	} else if a >= 10 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func ratio(v float64) string { return fmt.Sprintf("%.2f", v) }

// parts that the record has, in their order.
func parts(r record.Record) []string {
	return slices.DeleteFunc(PartNames(), func(part string) bool {
		return !slices.ContainsFunc(r.Scenarios, func(s record.Scenario) bool { p, _ := partOf(s.Name); return p == part })
	})
}

// notes are what has to be known before the numbers: who was absent, what was not measured, who was the bottleneck.
func notes(r record.Record) (all []string) {
	for _, p := range r.Peers {
		if p.Absent != "" {
			all = append(all, fmt.Sprintf("%s is absent: %s", p.Name, p.Absent))
		}
	}
	if r.Machine.Cores < 2 {
		all = append(all, "one core: proxy, clients and origin shared it, so throughput and latency are of all of them; cpu and memory are the proxy's")
	}
	type where struct{ peer, scenario int }
	times := map[where]int{}
	first := map[where]string{}
	var order []where
	for _, t := range r.Runs {
		note := strings.Join(t.Harness.Notes, "; ")
		if t.Cut != "" {
			note = t.Cut
		}
		if note == "" {
			continue
		}
		at := where{t.Peer, t.Scenario}
		if times[at]++; times[at] == 1 {
			first[at] = note
			order = append(order, at)
		}
	}
	for _, at := range order {
		all = append(all, fmt.Sprintf("%s, %s: %s (%d of its runs)", r.Peers[at.peer].Name, r.Scenarios[at.scenario].Name, first[at], times[at]))
	}
	if r.Cut != "" {
		all = append(all, "cut short: "+r.Cut)
	}
	return all
}

// WriteText writes tables for a terminal.
func WriteText(to io.Writer, r record.Record) error {
	var out strings.Builder
	for _, part := range parts(r) {
		for _, t := range tables(r, part) {
			fmt.Fprintf(&out, "%s: %s\n", part, t.title)
			widths := make([]int, len(t.head))
			lines := append([][]string{t.head}, t.rows...)
			for _, line := range lines {
				for i, cell := range line {
					widths[i] = max(widths[i], len([]rune(cell)))
				}
			}
			for _, line := range lines {
				for i, cell := range line {
					fmt.Fprintf(&out, "%s%s  ", cell, strings.Repeat(" ", widths[i]-len([]rune(cell))))
				}
				out.WriteString("\n")
			}
			out.WriteString("\n")
		}
	}
	for _, note := range notes(r) {
		fmt.Fprintf(&out, "%s\n", note)
	}
	_, err := io.WriteString(to, out.String())
	return err
}

// WriteMarkdown writes the same as a page, with what it takes to measure it again.
func WriteMarkdown(to io.Writer, r record.Record) error {
	var out strings.Builder
	fmt.Fprintf(&out, "# What a request costs\n\nMeasured %s by Triage %s, %s, on %s, %d cores, %s, Linux %s:\n\n",
		r.Begun.Format("2006-01-02"), r.Triage.Version, r.Triage.Go, r.Machine.CPU, r.Machine.Cores, r.Machine.System, r.Machine.Kernel)
	for command := range strings.SplitSeq(r.Command, "; ") {
		fmt.Fprintf(&out, "    %s\n", command)
	}
	out.WriteString("\nThe proxy has a core of its own, clients and origin another. Medians of interleaved rounds, in parentheses the least and the most of them; " +
		"ratios are taken within each round. How it is measured: [benchmarking.md](../../docs/benchmarking.md#what-bench-cost-does).\n\n| Peer | Version | As what |\n|---|---|---|\n")
	for _, p := range r.Peers {
		fmt.Fprintf(&out, "| %s | %s | %s |\n", p.Name, p.Version, p.Doc)
	}
	for _, part := range parts(r) {
		fmt.Fprintf(&out, "\n## %s\n", strings.ToUpper(part[:1])+part[1:])
		for _, t := range tables(r, part) {
			fmt.Fprintf(&out, "\n**%s**", t.title)
			if t.doc != "" {
				fmt.Fprintf(&out, ": %s", t.doc)
			}
			fmt.Fprintf(&out, "\n\n| %s |\n|%s\n", strings.Join(t.head, " | "), strings.Repeat("---|", len(t.head)))
			for _, row := range t.rows {
				fmt.Fprintf(&out, "| %s |\n", strings.Join(row, " | "))
			}
		}
	}
	if all := notes(r); len(all) > 0 {
		out.WriteString("\n## Before you believe it\n\n")
		for _, note := range all {
			fmt.Fprintf(&out, "- %s\n", strings.ReplaceAll(note, "\n", " "))
		}
	}
	_, err := io.WriteString(to, out.String())
	return err
}
