package compare

import (
	"fmt"
	"slices"

	"triage/bench/record"
)

// Summary is one measure of a peer in a scenario, over all seeds and rounds that count.
type Summary struct {
	Median record.Number `json:"median"`
	Least  record.Number `json:"least"`
	Most   record.Number `json:"most"`
	// Of is how many runs had a value; 0: nothing is known.
	Of int `json:"of"`
}

func summary(values []float64) Summary {
	if len(values) == 0 {
		return Summary{}
	}
	slices.Sort(values)
	n := len(values)
	return Summary{record.Number((values[(n-1)/2] + values[n/2]) / 2), record.Number(values[0]), record.Number(values[n-1]), n}
}

// Row is a peer in a scenario.
type Row struct {
	Peer   string `json:"peer"`
	Absent string `json:"absent,omitempty"`
	// Runs were made, Counted are in the summaries, Voided were made and thrown away.
	Runs    int `json:"runs"`
	Counted int `json:"counted"`
	Voided  int `json:"voided"`
	// Shown says that no run counts, and the values are of those that do not.
	Shown bool `json:"shown_although_void,omitempty"`
	// Trouble says why runs do not count, once each.
	Trouble []string           `json:"trouble,omitempty"`
	Values  map[string]Summary `json:"values,omitempty"`
	// Late is the largest share of requests that were sent late, of the runs that are shown.
	Late float64 `json:"sent_late"`
}

// Part is a scenario's rows; seeds of the same name are one scenario.
type Part struct {
	Scenario string `json:"scenario"`
	Doc      string `json:"doc,omitempty"`
	Rows     []Row  `json:"rows"`
}

// Table is what a record says, to be read. Peers are in the record's order.
func Table(r record.Record) (parts []Part) {
	for _, s := range r.Scenarios {
		if slices.ContainsFunc(parts, func(p Part) bool { return p.Scenario == s.Name }) {
			continue
		}
		part := Part{Scenario: s.Name, Doc: s.Doc}
		for i := range r.Peers {
			part.Rows = append(part.Rows, row(r, s.Name, i))
		}
		parts = append(parts, part)
	}
	return parts
}

func row(r record.Record, scenario string, peer int) Row {
	out := Row{Peer: r.Peers[peer].Name, Absent: r.Peers[peer].Absent, Values: map[string]Summary{}}
	var counted, others []record.Trial
	for _, t := range r.Runs {
		if t.Peer != peer || r.Scenarios[t.Scenario].Name != scenario {
			continue
		}
		out.Voided += t.Harness.Voided
		if why := trouble(t); why == "" {
			counted = append(counted, t)
		} else {
			others = append(others, t)
			if !slices.Contains(out.Trouble, why) {
				out.Trouble = append(out.Trouble, why)
			}
		}
	}
	out.Runs, out.Counted = len(counted)+len(others), len(counted)
	if len(counted) == 0 { // better than nothing, and said
		counted, out.Shown = others, len(others) > 0
	}
	values := map[string][]float64{}
	for _, t := range counted {
		out.Late = max(out.Late, float64(t.Harness.Late+t.Harness.NotSent)/float64(max(t.Harness.Sent, 1)))
		for name, v := range t.Values {
			if v.There() {
				values[name] = append(values[name], float64(v))
			}
		}
	}
	for name, all := range values {
		out.Values[name] = summary(all)
	}
	return out
}

// column is one of a table's.
type column struct {
	title, measure, format string
	// spread says that least and most are shown.
	spread bool
}

var columns = []column{
	{"critical/oracle", "critical", "%.3f", true},
	{"total/oracle", "total", "%.3f", true},
	{"sessions", "sessions", "%.3f", false},
	{"least", least, "%.2f", false},
	{"refused in the calm", "calm_refused", "%.1f %%", false},
	{"innocents refused", "innocent_refused", "%.1f %%", false},
	{"p99 of critical", p99, "%.0f ms", false},
	{"CPU", cpu, "%.0f µs", false},
}

func (c column) cell(values map[string]Summary) string {
	v := values[c.measure]
	if v.Of == 0 {
		return "-"
	}
	text := fmt.Sprintf(c.format, float64(v.Median))
	if c.spread && v.Of > 1 {
		text += fmt.Sprintf(" ("+c.format+" to "+c.format+")", float64(v.Least), float64(v.Most))
	}
	return text
}

// titles are a table's first line.
func titles() (cells []string) {
	cells = append(cells, "peer")
	for _, c := range columns {
		cells = append(cells, c.title)
	}
	return append(cells, "runs", "sent late", "void")
}

func (r Row) cells() []string {
	cells := []string{r.Peer}
	if r.Shown {
		cells[0] += " (void)"
	}
	for _, c := range columns {
		cells = append(cells, c.cell(r.Values))
	}
	return append(cells, fmt.Sprintf("%d of %d", r.Counted, r.Runs), fmt.Sprintf("%.1f %%", 100*r.Late), fmt.Sprint(r.Voided))
}
