package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"triage/bench/record"
)

// Report is the records' tables: what is written as JSON, and what page and Markdown are made of.
type Report struct {
	Records   []RecordFacts `json:"records"`
	Scenarios []Table       `json:"scenarios"`
}

// RecordFacts are where and how a record was made.
type RecordFacts struct {
	ID      string         `json:"id"`
	File    string         `json:"file"`
	SHA256  string         `json:"sha256_begins"`
	Kind    record.Kind    `json:"kind"`
	Command string         `json:"command"`
	Begun   string         `json:"begun"`
	Cut     string         `json:"cut_short,omitempty"`
	Triage  record.Program `json:"triage"`
	Machine record.Machine `json:"machine"`
}

// Table is one scenario's peers.
type Table struct {
	Name    string   `json:"name"`
	Doc     string   `json:"doc,omitempty"`
	Seeds   []int    `json:"seeds"`
	Columns []Column `json:"columns"`
	Rows    []Row    `json:"rows"`
}

// Column is a measure, or the share that is served of a class.
type Column struct {
	record.Measure
	// Main is set for those that a reader wants first.
	Main bool `json:"main,omitempty"`
}

// Row is a peer.
type Row struct {
	Peer    string `json:"peer"`
	Doc     string `json:"doc,omitempty"`
	Version string `json:"version,omitempty"`
	Own     bool   `json:"own,omitempty"`
	Absent  string `json:"absent,omitempty"`
	Runs    int    `json:"runs"`
	Invalid int    `json:"runs_that_do_not_count,omitempty"`
	Cut     int    `json:"runs_cut_short,omitempty"`
	// Void says that no run counts, and the values are of those that do not.
	Void bool `json:"no_run_counts,omitempty"`
	// Sent and Late are of all runs.
	Sent  int      `json:"sent,omitempty"`
	Late  int      `json:"sent_late_or_not,omitempty"`
	Notes []string `json:"notes,omitempty"`
	Cells []Cell   `json:"cells"`
}

// Cell is a value: the median of a peer's valid runs.
type Cell struct {
	Median record.Number `json:"median"`
	Least  record.Number `json:"least"`
	Most   record.Number `json:"most"`
	// Ratio is to the reference peer's median.
	Ratio record.Number `json:"ratio_to_reference"`
	From  string        `json:"from,omitempty"`
}

// mainMeasures are what a reader wants first, as far as there is such a measure.
var mainMeasures = []string{"critical", "total", "sessions", "protect", "recover", "p99"}

// own is the peer that a page is about.
const own = "triage"

// servedSuffix follows a class in the name of a column with the share that is served of it.
const servedSuffix = " served"

// oracleRow is the name of the row of what could be served at best.
const oracleRow = "oracle"

func newReport(sources []Source, all []group) Report {
	var r Report
	for i, s := range sources {
		r.Records = append(r.Records, RecordFacts{
			ID: fmt.Sprintf("R%d", i+1), File: s.Name, SHA256: s.Digest, Kind: s.Kind, Command: s.Command, Begun: s.Begun.UTC().Format("2006-01-02 15:04 UTC"),
			Cut: s.Cut, Triage: s.Triage, Machine: s.Machine,
		})
	}
	for _, g := range all {
		r.Scenarios = append(r.Scenarios, g.table(sources))
	}
	return r
}

func (g group) table(sources []Source) Table {
	t := Table{Name: g.name}
	several := len(sources) > 1
	for _, class := range g.classes {
		t.Columns = append(t.Columns, Column{record.Measure{Name: class + servedSuffix, Unit: "%", AtLeast: true, Doc: "of what users wanted of this class" + g.when()}, true})
	}
	for _, r := range g.rows {
		for _, m := range sources[r.source].Measures {
			if !slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Name == m.Name }) && g.has(m.Name) {
				t.Columns = append(t.Columns, Column{m, slices.Contains(mainMeasures, m.Name)})
			}
		}
		for _, u := range r.runs {
			if t.Doc == "" {
				t.Doc = u.scenario.Doc
			}
			if !slices.Contains(t.Seeds, u.scenario.Seed) {
				t.Seeds = append(t.Seeds, u.scenario.Seed)
			}
		}
	}
	if !slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Main && !strings.HasSuffix(c.Name, servedSuffix) }) {
		for i := range t.Columns {
			t.Columns[i].Main = true
		}
	}
	for _, r := range g.rows {
		t.Rows = append(t.Rows, g.tableRow(t.Columns, r, r.name(several)))
	}
	if oracle, known := g.oracle(t.Columns); known {
		t.Rows = append(t.Rows, oracle)
	}
	for i, r := range g.rows {
		g.addRatios(t.Columns, t.Rows, i, sources[r.source].Reference)
	}
	return t
}

func (g group) when() string {
	if g.wrong {
		return ", while something is wrong"
	}
	return ""
}

// has reports whether some run has a value of a measure.
func (g group) has(measure string) bool {
	return slices.ContainsFunc(g.rows, func(r row) bool {
		return slices.ContainsFunc(r.runs, func(t run) bool { return t.Values[measure].There() && hasKey(t.Values, measure) })
	})
}

func hasKey(values map[string]record.Number, name string) bool {
	_, there := values[name]
	return there
}

func (g group) tableRow(columns []Column, r row, name string) Row {
	out := Row{Peer: name, Doc: r.peer.Doc, Version: r.peer.Version, Absent: r.peer.Absent, Runs: len(r.runs), Own: r.peer.Name == own}
	out.Void = len(r.runs) > 0
	for _, t := range r.runs {
		h := t.Harness
		out.Sent, out.Late = out.Sent+h.Sent, out.Late+h.Late+h.NotSent
		if !h.Valid {
			out.Invalid++
		}
		if t.Cut != "" {
			out.Cut++
		}
		out.Void = out.Void && !t.counts()
		for _, note := range h.Notes {
			if !slices.Contains(out.Notes, note) {
				out.Notes = append(out.Notes, note)
			}
		}
	}
	out.Cells = g.cells(columns, r, r.valid(), "served", served, "values", func(t run) map[string]record.Number { return t.Values })
	return out
}

// cells are a row's values: shares of classes by one series, measures by one table.
func (g group) cells(columns []Column, r row, runs []run, series string, of func(record.Route) []int, table string, values func(run) map[string]record.Number) (all []Cell) {
	for _, c := range columns {
		if class, isShare := strings.CutSuffix(c.Name, servedSuffix); isShare {
			all = append(all, cell(runs, r, "routes[*]."+series, func(t run) record.Number { return g.share(t, class, of) }))
			continue
		}
		all = append(all, cell(runs, r, table+"."+c.Name, func(t run) record.Number {
			if v, there := values(t)[c.Name]; there {
				return v
			}
			return record.Missing()
		}))
	}
	return all
}

// oracle is the row of what could be served at best, of the first peer's scenarios.
func (g group) oracle(columns []Column) (out Row, known bool) {
	out = Row{Peer: oracleRow, Doc: "knows the backend's capacity at every moment and serves classes in order"}
	for _, r := range g.rows {
		runs := slices.DeleteFunc(slices.Clone(r.runs), func(t run) bool { return !t.Class("").Known || len(t.Routes) == 0 })
		if len(runs) == 0 {
			continue
		}
		out.Runs = len(runs)
		out.Cells = g.cells(columns, r, runs, "oracle", ideal, "oracle_values", func(t run) map[string]record.Number { return t.Ideal })
		return out, true
	}
	return out, false
}

func served(r record.Route) []int { return r.Served }
func ideal(r record.Route) []int  { return r.Oracle }

// share is the percentage of what was wanted of a class (of all: ""), in the seconds that count.
func (g group) share(t run, class string, of func(record.Route) []int) record.Number {
	part, offered := 0, 0
	for _, r := range t.Routes {
		if class != "" && r.Class != class {
			continue
		}
		for second, n := range r.Offered {
			if g.counts(t.scenario, second) {
				offered += n
				if s := of(r); s != nil {
					part += s[second]
				}
			}
		}
	}
	if offered == 0 {
		return record.Missing()
	}
	return 100 * record.Number(min(part, offered)) / record.Number(offered)
}

func cell(runs []run, r row, field string, of func(run) record.Number) Cell {
	c := Cell{record.Missing(), record.Missing(), record.Missing(), record.Missing(), ""}
	var values []record.Number
	var used []run
	for _, t := range runs {
		if v := of(t); v.There() {
			values, used = append(values, v), append(used, t)
		}
	}
	if n := len(values); n > 0 {
		slices.Sort(values)
		c.Median, c.Least, c.Most, c.From = (values[(n-1)/2]+values[n/2])/2, values[0], values[n-1], r.from(used, field)
	}
	return c
}

// addRatios relates a row to the reference of its record, in what has no goal of its own: costs.
func (g group) addRatios(columns []Column, rows []Row, i int, reference string) {
	k := slices.IndexFunc(g.rows, func(r row) bool { return reference != "" && r.source == g.rows[i].source && r.peer.Name == reference })
	if k < 0 {
		return
	}
	for c := range rows[i].Cells {
		if base := rows[k].Cells[c].Median; columns[c].Goal == nil && !strings.HasSuffix(columns[c].Name, servedSuffix) && base.There() && base != 0 {
			rows[i].Cells[c].Ratio = rows[i].Cells[c].Median / base
		}
	}
}

// text is a value as people write it.
func text(n record.Number, unit string) string {
	v := float64(n)
	switch {
	case !n.There():
		return "–"
	case unit == "%":
		return trimmed(v, 1)
	case math.Abs(v) >= 100:
		return fmt.Sprintf("%.0f", v)
	case math.Abs(v) >= 10:
		return trimmed(v, 1)
	case unit == "" || math.Abs(v) < 1:
		return trimmed(v, 3)
	}
	return trimmed(v, 2)
}

// ratioText is a ratio: two digits are as much as rounds allow to tell.
func ratioText(n record.Number) string {
	if n >= 0.1 {
		return trimmed(float64(n), 2)
	}
	return trimmed(float64(n), 3)
}

func trimmed(v float64, digits int) string {
	s := fmt.Sprintf("%.*f", digits, v)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
