package plot

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"triage/bench/record"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"value": func(c Cell, of Column) string { return text(c.Median, of.Unit) },
	"span":  rangeText,
	"met":   met,
	"goal":  goalText,
	"edge":  func() int { return width - right },
	"width": func() int { return width },
	"sub":   func(a, b int) int { return a - b },
	"add":   func(a, b int) int { return a + b },
	"bytes": bytesText,
	"ratio": func(c Cell) string { return ratioText(c.Ratio) },
	"anchor": func(name string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return '-'
		}, strings.ToLower(name))
	},
}).Parse(pageText))

// Page is records ready to be shown.
type Page struct {
	Report
	Title    string
	Sections []Section
	// Costs are charts of what has no course over time.
	Costs []Part

	sources []Source
	groups  []group
}

// Section is one scenario's table and charts.
type Section struct {
	Table
	Phases    []record.Phase
	Courses   []Chart
	Latencies []Chart // of the most important class
	Class     string
	Details   []Detail
	Ratios    bool
}

// Detail is the rest of one peer's run.
type Detail struct {
	Peer   string
	Charts []Chart
}

// New makes a page of records.
func New(sources []Source) (Page, error) {
	all := groups(sources)
	if len(all) == 0 {
		return Page{}, errors.New("nothing to show: no run is in these records")
	}
	p := Page{Report: newReport(sources, all), sources: sources, groups: all}
	for i, g := range all {
		p.Sections = append(p.Sections, g.section(p.Scenarios[i], sources))
	}
	p.Costs = p.costs()
	var names []string
	for _, s := range p.Scenarios {
		name, _, _ := strings.Cut(s.Name, ",")
		name, _, _ = strings.Cut(name, ": ")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	p.Title = strings.Join(names, ", ")
	if len(names) > 3 {
		p.Title = fmt.Sprintf("%s and %d more", strings.Join(names[:2], ", "), len(names)-2)
	}
	return p, nil
}

func (g group) section(t Table, sources []Source) Section {
	s := Section{Table: t}
	if len(g.classes) > 0 {
		s.Class = g.classes[0]
	}
	drawn := g.typicals(sources)
	y := latencyAxis(drawn, s.Class)
	for _, r := range g.rows {
		typical := r.typical(sources[r.source].Measures, g.seed())
		if typical == nil || len(typical.Routes) == 0 {
			continue
		}
		if s.Phases == nil {
			s.Phases = typical.scenario.Phases
		}
		name := r.name(len(sources) > 1)
		s.Courses = append(s.Courses, g.course(name, r, *typical, drawn))
		if c, there := latency(name, r, *typical, s.Class, y); there {
			s.Latencies = append(s.Latencies, c)
		}
		if d := g.detail(name, r, *typical); len(d.Charts) > 0 {
			s.Details = append(s.Details, d)
		}
	}
	for _, r := range t.Rows {
		s.Ratios = s.Ratios || slices.ContainsFunc(r.Cells, func(c Cell) bool { return c.Ratio.There() })
	}
	return s
}

func (g group) detail(name string, r row, t run) Detail {
	d := Detail{Peer: name}
	keep := func(c Chart, there bool) {
		if there {
			d.Charts = append(d.Charts, c)
		}
	}
	keep(gauges("limit and in flight", r, t))
	keep(reasons("refusals by reason", r, t))
	if len(g.classes) > 0 {
		keep(distribution("latency of "+g.classes[0]+" by percentile", r, t, g.classes[0]))
	}
	for i, class := range g.classes {
		if i > 0 {
			keep(latency("latency of "+class, r, t, class, latencyAxis([]*run{&t}, class)))
		}
	}
	return d
}

// WriteHTML writes the page.
func WriteHTML(to io.Writer, p Page) error {
	if err := page.Execute(to, p); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// rangeText is from the least to the most, if there are several.
func rangeText(c Cell, of Column) string {
	if !c.Least.There() || c.Least == c.Most {
		return ""
	}
	return text(c.Least, of.Unit) + " to " + text(c.Most, of.Unit)
}

// met reports whether a value is at least, or at most, its goal.
func met(c Cell, of Column) bool {
	switch {
	case of.Goal == nil || !c.Median.There():
		return true
	case of.AtLeast:
		return float64(c.Median) >= *of.Goal
	}
	return float64(c.Median) <= *of.Goal
}

func goalText(of Column) string {
	if of.Goal == nil {
		return of.Unit
	}
	sign := "≤"
	if of.AtLeast {
		sign = "≥"
	}
	return strings.TrimSpace(fmt.Sprintf("%s %g %s", sign, *of.Goal, strings.TrimPrefix(of.Unit, "n")))
}

func bytesText(n int64) string {
	if n == 0 {
		return "not known"
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}
