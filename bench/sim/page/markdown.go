package page

import (
	"fmt"
	"io"
	"math"
	"strings"

	"triage/bench/sim"
)

// WriteMarkdown writes what can be read in a repository: the scoreboard, the three shares of the oracle for every policy, and what is
// missed. The page has the rest.
func WriteMarkdown(to io.Writer, d sim.Document, explanations []sim.Explanation) error {
	v := newView(d, explanations)
	m := &markdown{}
	m.line("# The simulator's episodes, draw %s", d.Draw)
	m.line("")
	m.line("`%s`, commit %s, %s, %s.", d.Command, d.Commit, d.Date, d.Go)
	m.line("%d episodes, %d drawn scenarios of each; beside an oracle that knows the backend's capacity at every moment. The other policies are", len(d.Episodes), d.Seeds)
	m.line("re-implementations of published equations, not the programs. In every cell: the median seed / the worst seed.")
	m.line("Goals that only one of the policies is measured on are not counted.")
	m.line("")
	m.row("policy", "goals met by the median seed", "by the worst seed", "critical ÷ oracle, mean", "total", "sessions", "least critical")
	m.rule(7)
	for _, s := range v.Score {
		m.row(s.Policy, fmt.Sprintf("%d of %d", s.Median, s.Of), fmt.Sprintf("%d of %d", s.Worst, s.Of), s.Critical, s.Total, s.Sessions, s.Least)
	}
	for _, measure := range []string{"critical", "total", "sessions"} {
		m.shares(d, measure)
	}
	m.misses(v)
	_, err := io.WriteString(to, m.b.String())
	if err != nil {
		return fmt.Errorf("writing the tables: %w", err)
	}
	return nil
}

type markdown struct{ b strings.Builder }

func (m *markdown) line(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

// row escapes what would end a cell.
func (m *markdown) row(cells ...string) {
	for _, c := range cells {
		m.b.WriteString("| " + strings.ReplaceAll(strings.ReplaceAll(c, "|", `\|`), "\n", " ") + " ")
	}
	m.b.WriteString("|\n")
}

func (m *markdown) rule(columns int) { m.line("%s", "|"+strings.Repeat("---|", columns)) }

// shares is a table of one measure, episodes by policies.
func (m *markdown) shares(d sim.Document, measure string) {
	i := measureIndex(measure)
	head, rows := []string{"episode"}, [][]string{}
	var byPolicy []map[string]*sim.Record
	for _, p := range d.Policies {
		head = append(head, p.Name)
		byPolicy = append(byPolicy, ofPolicy(d, p.Name))
	}
	for _, e := range d.Episodes {
		row, any := []string{e.Name}, false
		for _, records := range byPolicy {
			text := "-"
			if r := records[e.Name]; r != nil && !math.IsNaN(r.Worst[i]) {
				text, any = fmt.Sprintf("%.3f / %.3f", r.Median[i], r.Worst[i]), true
			}
			row = append(row, text)
		}
		if any {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return
	}
	m.line("\n## %s%s ÷ oracle\n", strings.ToUpper(measure[:1]), measure[1:])
	m.row(head...)
	m.rule(len(head))
	for _, row := range rows {
		m.row(row...)
	}
}

func (m *markdown) misses(v view) {
	m.line("\n## What %s misses with its median seed\n", v.Own)
	m.line("%d goals, of which %d are not explained; %d more are missed by the worst seed alone.", v.Missed, v.NotSaid, len(v.ByWorst))
	m.line("A reason given for several episodes was looked at in some of them and is the likely one for the others.")
	for _, s := range v.Stale {
		m.line("Not true any more: %s.", s)
	}
	if len(v.Said) > 0 {
		m.line("")
		m.row("episode", "measure", "median / worst", "goal", "why", "bound")
		m.rule(6)
		for _, r := range v.Said {
			m.row(r.Episode, r.Measure, r.Median+" / "+r.Worst, r.Goal, r.Why, r.Bound)
		}
	}
	if len(v.Unsaid) > 0 {
		m.line("\nNot explained:\n")
		m.row("episode", "measure median / worst (goal)")
		m.rule(2)
		for _, u := range v.Unsaid {
			var all []string
			for _, r := range u.Misses {
				all = append(all, fmt.Sprintf("%s %s / %s (%s)", r.Measure, r.Median, r.Worst, r.Goal))
			}
			m.row(u.Episode, strings.Join(all, ", "))
		}
	}
}
