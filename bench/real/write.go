package real

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// WriteJSON writes the whole report.
func WriteJSON(to io.Writer, r Report) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// WriteText writes tables for a terminal.
func WriteText(to io.Writer, r Report) error {
	var b strings.Builder
	for _, run := range r.Runs {
		b.WriteString(run.title() + "\n" + strings.Join(run.words(), "\n") + "\n\n")
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, cells := range slices.Concat(run.measureRows(), [][]string{nil}, run.classRows()) {
			fmt.Fprintln(w, strings.Join(cells, "\t"))
		}
		w.Flush()
		b.WriteString("\n")
	}
	b.WriteString(r.summary() + "\n")
	_, err := io.WriteString(to, b.String())
	return err
}

// WriteMarkdown writes the same as Markdown.
func WriteMarkdown(to io.Writer, r Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "`%s`, commit %s, %s, %s, %d cores, %s.\n\n%s\n\n", r.Command, r.Commit, r.Date.Format("2006-01-02"), r.Machine.CPU, r.Machine.Cores, r.Go, r.summary())
	for _, run := range r.Runs {
		fmt.Fprintf(&b, "## %s\n\n%s\n\n", run.title(), strings.Join(run.words(), " "))
		for _, rows := range [][][]string{run.measureRows(), run.classRows()} {
			writeMarkdownTable(&b, rows)
		}
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// writeMarkdownTable writes rows, the first of which is the head.
func writeMarkdownTable(b *strings.Builder, rows [][]string) {
	for i, cells := range rows {
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
		if i == 0 {
			b.WriteString("|---|" + strings.Repeat("---:|", len(cells)-1) + "\n")
		}
	}
	b.WriteString("\n")
}

func (r Run) title() string { return fmt.Sprintf("%s, %s draw, seed %d", r.Episode, r.Draw, r.Seed) }

// words say what was run, how the machine was, and what a reader has to know.
func (r Run) words() []string {
	var pools []string
	for _, name := range slices.Sorted(maps.Keys(r.Pools)) {
		pools = append(pools, fmt.Sprintf("%s %d", name, r.Pools[name]))
	}
	lines := []string{
		fmt.Sprintf("%.0f s, at most %.0f requests a second, %.3g times the drawn size (%s).", r.Seconds, r.Peak, r.Scale, strings.Join(pools, ", ")),
		fmt.Sprintf("%d requests, %d sent late (%.2f %%), %d not sent, %d answered late by the backend (%.2f %%); the proxy was slow to tell its status %d times of %d; load average before: %s.",
			r.Sent, r.Late, 100*r.LateShare(), r.Overrun, r.LateAnswers, 100*r.LateAnswerShare(), r.Slow, r.Asked, r.Busy),
	}
	if r.Calm.VirtualP99 > 0 {
		lines = append(lines, fmt.Sprintf("Critical latency in the first phase, p50 and p99: real %.1f and %.1f ms, simulated %.1f and %.1f ms.",
			1e3*r.Calm.RealP50, 1e3*r.Calm.RealP99, 1e3*r.Calm.VirtualP50, 1e3*r.Calm.VirtualP99))
	}
	return append(lines, r.Notes()...)
}

func (r Run) measureRows() [][]string {
	rows := [][]string{{"measure", "goal", "real", "simulated", "difference", "margin", "with other users", "verdict"}}
	for _, l := range r.Lines {
		goal := "≤ "
		if l.Measure.AtLeast {
			goal = "≥ "
		}
		rows = append(rows, []string{
			l.Measure.Name, strings.TrimSpace(fmt.Sprintf("%s%g %s", goal, l.Measure.Goal, strings.TrimPrefix(l.Measure.Unit, "n"))),
			l.Measure.Text(l.Real), l.Measure.Text(l.Virtual), signed(l.Difference()), fmt.Sprintf("%g", l.Margin),
			l.Measure.Text(l.Least) + " to " + l.Measure.Text(l.Most), string(l.Verdict),
		})
	}
	return rows
}

func (r Run) classRows() [][]string {
	rows := [][]string{{"class, while something is wrong", "offered", "served: real", "simulated", "oracle"}}
	for _, c := range r.Classes {
		rows = append(rows, []string{c.Name, fmt.Sprint(c.Offered), percent(c.Real), percent(c.Virtual), percent(c.Oracle)})
	}
	return rows
}

func signed(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%+.3f", v)
}

func percent(s share) string { return fmt.Sprintf("%.1f %%", 100*float64(s)) }

// summary says how well the two worlds agree.
func (r Report) summary() string {
	counts := r.Agree()
	text := fmt.Sprintf("Of %d measures in %d runs %d agree within their margin, %d scatter as the simulation itself does with other users, %d differ.",
		counts[Agrees]+counts[Scatters]+counts[Differs], len(r.valid()), counts[Agrees], counts[Scatters], counts[Differs])
	if n := len(r.Runs) - len(r.valid()); n > 0 {
		text += fmt.Sprintf(" Not counted: %d in which the machine was measured.", n)
	}
	for _, name := range []string{"critical", "total"} {
		if worst := r.worst(name); !math.IsNaN(worst) {
			text += fmt.Sprintf(" The largest difference in %s is %+.3f.", name, worst)
		}
	}
	return text
}

// worst is the largest difference in a measure; NaN if it never applies.
func (r Report) worst(measure string) float64 {
	worst := math.NaN()
	for _, run := range r.valid() {
		for _, l := range run.Lines {
			if d := l.Difference(); l.Measure.Name == measure && !(math.Abs(d) <= math.Abs(worst)) {
				worst = d
			}
		}
	}
	return worst
}
