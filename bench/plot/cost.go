package plot

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"triage/bench/record"
)

// Part is cases that belong together ("routes: 10", "routes: 1000"): a chart for each measure.
type Part struct {
	Name   string
	Charts []Chart
}

// partCase is one case of a part: its table, and its number if it has just one.
type partCase struct {
	name    string
	number  float64
	variant string // the name without the number
	table   Table
}

// numbered is the number that a case's name begins with.
var numbered = regexp.MustCompile(`^[0-9.]+ ?([KMG]?i?B\b)? *`)

// costs draws what has no course over time: bars, or lines where cases differ in a number.
func (p Page) costs() (parts []Part) {
	cases := map[string][]partCase{}
	var names []string
	for i, g := range p.groups {
		if g.hasCourse() {
			continue
		}
		part, of, _ := strings.Cut(g.name, ": ")
		if cases[part] == nil {
			names = append(names, part)
		}
		cases[part] = append(cases[part], partCase{cmp.Or(of, part), g.number(), numbered.ReplaceAllString(of, ""), p.Scenarios[i]})
	}
	for _, name := range names {
		part := Part{Name: name}
		for _, m := range measuresOf(cases[name]) {
			for _, variant := range variants(cases[name]) {
				if grows(variant, m.Name) {
					part.Charts = append(part.Charts, growth(m, variant, peersOf(cases[name])))
					continue
				}
				for _, c := range variant {
					if chart, there := bars(m, c); there {
						part.Charts = append(part.Charts, chart)
					}
				}
			}
		}
		parts = append(parts, part)
	}
	return parts
}

// variants puts cases together that differ in nothing but their number.
func variants(cases []partCase) (all [][]partCase) {
	for _, c := range cases {
		i := slices.IndexFunc(all, func(v []partCase) bool { return v[0].variant == c.variant })
		if i < 0 {
			all = append(all, []partCase{c})
			continue
		}
		all[i] = append(all[i], c)
	}
	return all
}

// number is the one number of a group's scenario; NaN if there is none, or more.
func (g group) number() float64 {
	for _, r := range g.rows {
		for _, t := range r.runs {
			for _, n := range t.scenario.Numbers {
				if len(t.scenario.Numbers) == 1 {
					return n
				}
			}
		}
	}
	return math.NaN()
}

func measuresOf(cases []partCase) (all []Column) {
	for _, c := range cases {
		for _, m := range c.table.Columns {
			if !slices.ContainsFunc(all, func(o Column) bool { return o.Name == m.Name }) {
				all = append(all, m)
			}
		}
	}
	return all
}

// cellOf is a peer's value of a measure in a case.
func (c partCase) cellOf(peer, measure string) (v Cell, there bool) {
	i := slices.IndexFunc(c.table.Columns, func(o Column) bool { return o.Name == measure })
	for _, r := range c.table.Rows {
		if i >= 0 && r.Peer == peer && i < len(r.Cells) && r.Cells[i].Median.There() {
			return r.Cells[i], true
		}
	}
	return v, false
}

// peersOf are all peers of all cases.
func peersOf(cases []partCase) (all []string) {
	for _, c := range cases {
		for _, r := range c.table.Rows {
			if r.Absent == "" && !slices.Contains(all, r.Peer) {
				all = append(all, r.Peer)
			}
		}
	}
	return all
}

// grows reports whether a measure is there in three cases at least that differ in their number.
func grows(cases []partCase, measure string) bool {
	var numbers []float64
	for _, c := range cases {
		has := slices.ContainsFunc(peersOf(cases), func(peer string) bool { _, there := c.cellOf(peer, measure); return there })
		if has && !math.IsNaN(c.number) && !slices.Contains(numbers, c.number) {
			numbers = append(numbers, c.number)
		}
	}
	return len(numbers) >= 3
}

const (
	barHeight = 20
	barNames  = 112
	barValues = 92
)

// Bar is one peer's value.
type Bar struct {
	Y              int
	Name, Text     string
	Width          float64
	Least, Most    float64 // places
	Spread, Styled bool
	From           string
}

// bars draws a measure of one case, peers below each other.
func bars(m Column, c partCase) (chart Chart, there bool) {
	most := 0.0
	for _, peer := range peersOf([]partCase{c}) {
		if v, has := c.cellOf(peer, m.Name); has {
			most, there = max(most, float64(v.Most)), true
		}
	}
	if !there {
		return chart, false
	}
	x := axis{from: 0, to: max(most, 1e-12), at: barNames, size: width - barNames - barValues}
	chart = Chart{Title: m.Name + withUnit(m), Note: c.name, Label: fmt.Sprintf("%s%s, %s: ", m.Name, withUnit(m), c.name)}
	for _, peer := range peersOf([]partCase{c}) {
		v, has := c.cellOf(peer, m.Name)
		if !has {
			continue
		}
		b := Bar{
			Y: 6 + len(chart.Bars)*barHeight, Name: fitted(peer), Text: inBar(v.Median, m.Unit), Width: x.place(float64(v.Median)) - barNames,
			Least: x.place(float64(v.Least)), Most: x.place(float64(v.Most)), Spread: v.Least != v.Most, Styled: peer == own, From: v.From,
		}
		chart.Label += fmt.Sprintf("%s %s; ", peer, b.Text)
		if v.Ratio.There() && v.Ratio != 1 {
			b.Text += " × " + ratioText(v.Ratio)
		}
		chart.Bars = append(chart.Bars, b)
	}
	chart.Height = 10 + len(chart.Bars)*barHeight
	chart.From = chart.Bars[0].From + ", and so on"
	return chart, true
}

func withUnit(m Column) string {
	if m.Unit == "" {
		return ""
	}
	return ", " + m.Unit
}

// growth draws a measure over the number in which cases differ, a line for each peer, in the colours that the peers have in all of the part.
func growth(m Column, cases []partCase, peers []string) Chart {
	cases = slices.DeleteFunc(slices.Clone(cases), func(c partCase) bool { return math.IsNaN(c.number) })
	slices.SortStableFunc(cases, func(a, b partCase) int { return cmp.Compare(a.number, b.number) })
	y := growthAxis(m, cases)
	x := axis{from: math.Log10(cases[0].number + 1), to: math.Log10(cases[len(cases)-1].number + 1), at: left, size: width - right - left}
	at := func(c partCase) float64 { return x.place(math.Log10(c.number + 1)) }
	chart := Chart{Title: m.Name + withUnit(m), Note: cases[0].variant, Left: left, PlotTop: top, PlotHeight: plotHeight, Height: top + plotHeight + bottom, Label: m.Name + ": "}
	for _, v := range y.ticks() {
		chart.Values = append(chart.Values, tick{y.place(v), short(v)})
	}
	last := math.Inf(-1)
	for i, c := range cases {
		if place := at(c); place-last > 34 && (i == len(cases)-1 || at(cases[len(cases)-1])-place > 40 || i == 0) {
			chart.Ticks, last = append(chart.Ticks, tick{place, short(c.number)}), place
		}
	}
	for i, peer := range peers {
		var values, places []float64
		for _, c := range cases {
			if v, has := c.cellOf(peer, m.Name); has && (!y.log || v.Median > 0) { // nothing has no place on a log axis
				values, places = append(values, float64(v.Median)), append(places, at(c))
				chart.From = cmp.Or(chart.From, v.From+", and so on")
			}
		}
		if values == nil {
			continue
		}
		style := "line r" + lineColours[i%len(lineColours)]
		if peer == own {
			style = "line own-line"
		}
		chart.Lines = append(chart.Lines, path{style, curve(values, func(i int) float64 { return places[i] }, y)})
		chart.Legend = append(chart.Legend, legend{style, fmt.Sprintf("%s: %s to %s", peer, text(record.Number(values[0]), m.Unit), text(record.Number(values[len(values)-1]), m.Unit))})
		chart.Label += fmt.Sprintf("%s %s to %s; ", peer, text(record.Number(values[0]), m.Unit), text(record.Number(values[len(values)-1]), m.Unit))
	}
	return chart
}

// muchLarger is by how much the largest value exceeds the least where a linear axis would show only the largest.
const muchLarger = 100

func growthAxis(m Column, cases []partCase) axis {
	least, most := math.Inf(1), 0.0
	for _, c := range cases {
		for _, peer := range peersOf(cases) {
			if v, has := c.cellOf(peer, m.Name); has && v.Median > 0 {
				least, most = min(least, float64(v.Median)), max(most, float64(v.Median))
			}
		}
	}
	if most > muchLarger*least {
		return upwards(decade(least, false), decade(most, true), top, plotHeight, true)
	}
	return upwards(0, round(most), top, plotHeight, false)
}

// lineColours are those of reasons that are not like the one of the page's own peer.
var lineColours = []string{"0", "3", "2", "4", "7", "6", "5"}

// fitted is a name that has room beside its bar.
func fitted(name string) string {
	const room = 17 // letters
	name = strings.Replace(name, ", tuned by hand", ", tuned", 1)
	if letters := []rune(name); len(letters) > room {
		return string(letters[:room-1]) + "…"
	}
	return name
}

// inBar is a value where there is little room.
func inBar(n record.Number, unit string) string {
	if n >= 1e4 {
		return short(float64(n))
	}
	return text(n, unit)
}

// short is a large number in a few letters.
func short(v float64) string {
	switch {
	case v >= 1e9:
		return trimmed(v/1e9, 1) + "G"
	case v >= 1e6:
		return trimmed(v/1e6, 1) + "M"
	case v >= 1e4:
		return trimmed(v/1e3, 1) + "k"
	case v >= 1000:
		return trimmed(v, 0)
	}
	return trimmed(v, 2)
}
