package sim

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// WriteText writes a table for a terminal: two rows for each record, a mark before every value that misses its goal.
func WriteText(to io.Writer, records []Record) error {
	w := tabwriter.NewWriter(to, 0, 0, 1, ' ', tabwriter.AlignRight)
	row := func(cells []string) { fmt.Fprintln(w, strings.Join(cells, "\t")+"\t") }
	row(heads())
	for _, r := range records {
		row(cells(r, r.Median, "median"))
		row(cells(r, r.Worst, "worst"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return writeWords(to, records)
}

// WriteMarkdown writes the same as a Markdown table.
func WriteMarkdown(to io.Writer, records []Record) error {
	var b strings.Builder
	row := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	row(heads())
	b.WriteString("|" + strings.Repeat("---|", 3) + strings.Repeat("---:|", len(Measures())) + "\n")
	for _, r := range records {
		row(cells(r, r.Median, "median"))
		row(cells(r, r.Worst, "worst"))
	}
	b.WriteString("\n")
	if _, err := io.WriteString(to, b.String()); err != nil {
		return err
	}
	return writeWords(to, records)
}

func heads() []string {
	out := []string{"episode", "policy", "of seeds"}
	for _, m := range Measures() {
		head := m.Name
		if m.Unit != "" && m.Unit != "n" {
			head += " " + m.Unit
		}
		out = append(out, head)
	}
	return out
}

func cells(r Record, v Values, of string) []string {
	out := []string{r.Episode, r.Policy, of}
	for i, m := range Measures() {
		out = append(out, m.marked(v[i]))
	}
	return out
}

// marked is a value for people; "!" marks one that misses its goal.
func (m Measure) marked(v float64) string {
	if !m.Met(v) {
		return "!" + m.Text(v)
	}
	return m.Text(v)
}

// Text is a value for people, as exact as it means anything.
func (m Measure) Text(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case m.AtLeast && v < m.Goal && math.Round(1000*v) >= math.Round(1000*m.Goal):
		return fmt.Sprintf("%.4f", v) // or it would look as if the goal were met
	case m.AtLeast:
		return fmt.Sprintf("%.3f", v)
	case m.Unit == "n":
		return fmt.Sprintf("%.0f", v)
	case m.Unit == "s", m.Unit == "×", m.Unit == "/min":
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// writeWords sums up: how many goals each policy missed, and what the columns are.
func writeWords(to io.Writer, records []Record) error {
	var b strings.Builder
	b.WriteString("\n")
	compared := Compared(records)
	for _, p := range policies(records) {
		median, worst, all := 0, 0, 0
		for _, r := range records {
			for i, m := range Measures() {
				if r.Policy != p || math.IsNaN(r.Worst[i]) || !compared[i] {
					continue
				}
				all++
				if !m.Met(r.Median[i]) {
					median++
				}
				if !m.Met(r.Worst[i]) {
					worst++
				}
			}
		}
		fmt.Fprintf(&b, "%s: of %d goals %d missed by the median seed, %d by the worst\n", p, all, median, worst)
	}
	b.WriteString("\n")
	for _, m := range Measures() {
		goal := "at most"
		if m.AtLeast {
			goal = "at least"
		}
		fmt.Fprintf(&b, "- %s: %s; goal: %s %g %s\n", m.Name, m.Doc, goal, m.Goal, strings.TrimPrefix(m.Unit, "n"))
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// policies gives the names in order of appearance.
func policies(records []Record) (names []string) {
	seen := map[string]bool{}
	for _, r := range records {
		if !seen[r.Policy] {
			seen[r.Policy] = true
			names = append(names, r.Policy)
		}
	}
	return names
}
