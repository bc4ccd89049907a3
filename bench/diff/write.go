package diff

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"triage/bench/record"
)

// WriteJSON writes all of it.
func WriteJSON(to io.Writer, d Diff) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	return encoder.Encode(d)
}

// WriteText writes what a person wants to know: the notes, the table, and what it says in one sentence.
func WriteText(to io.Writer, d Diff) error {
	var b strings.Builder
	for _, note := range d.Notes {
		b.WriteString("note: " + note + "\n")
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	place := ""
	for _, l := range d.Lines {
		if here := l.Scenario + ", " + l.Peer; here != place {
			place = here
			fmt.Fprintf(w, "\n%s\t\t\t\t\t\n\tA\tB\tdifference\tp\tverdict\n", here)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", strings.TrimSpace(l.Measure+" "+l.Unit), l.A.text(), l.B.text(), difference(l), probability(l.P), l.words())
	}
	w.Flush()
	b.WriteString("\n" + d.summary() + "\n")
	_, err := io.WriteString(to, b.String())
	return err
}

// text is the median, and from where to where the runs go if there are several.
func (s Side) text() string {
	if s.Runs == 1 {
		return number(s.Median)
	}
	return fmt.Sprintf("%s (%s to %s, %d runs)", number(s.Median), number(s.Least), number(s.Most), s.Runs)
}

func number(n record.Number) string { return fmt.Sprintf("%.4g", float64(n)) }

func difference(l Line) string {
	text := fmt.Sprintf("%+.3g", float64(l.Difference))
	if l.Margin > 0 {
		text += fmt.Sprintf(" (margin %g)", l.Margin)
	}
	return text
}

func probability(p record.Number) string {
	if !p.There() {
		return "-"
	}
	return fmt.Sprintf("%.3f", float64(p))
}

func (d Diff) summary() string {
	c := d.Counts()
	text := fmt.Sprintf("Of %d values %d are the same, %d changed, %d differ by no more than noise.", len(d.Lines), c[Same], c[Changed], c[Noise])
	if d.Tested > 0 {
		text += fmt.Sprintf(" %d were tested (permutation test, p ≤ 5 %%): if nothing had changed about %.1f of them would pass it by chance.", d.Tested, d.Chance)
	}
	if n := c[Beyond] + c[Within] + c[Unknown]; n > 0 {
		text += fmt.Sprintf(" For %d there are too few runs to know noise: %d differ by more than the harness's own margin, %d by less, of %d it states none. "+
			"Four rounds each, or six seeds, would be enough.", n, c[Beyond], c[Within], c[Unknown])
	}
	return text
}
