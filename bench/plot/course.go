package plot

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"triage/bench/record"
)

const (
	bandHeight = 42
	bandGap    = 22
	mostHits   = 60
)

// classSeries adds the routes of a class up, second by second.
func classSeries(t run, class string, of func(record.Route) []int) []float64 {
	var sum []float64
	for _, r := range t.Routes {
		if class != "" && r.Class != class {
			continue
		}
		for i, n := range of(r) {
			for len(sum) <= i {
				sum = append(sum, 0)
			}
			sum[i] += float64(n)
		}
	}
	return sum
}

func offered(r record.Route) []int { return r.Offered }

// tallest is the most that was wanted of a class in a second, in any run that is drawn.
func tallest(runs []*run, class string) float64 {
	most := 1.0
	for _, t := range runs {
		if v := largest(append(classSeries(*t, class, offered), classSeries(*t, class, ideal)...)); v > most {
			most = v
		}
	}
	return most
}

// lasts is how long a run's drawing goes.
func (t run) lasts() float64 {
	n := 0
	for _, r := range t.Routes {
		n = max(n, len(r.Offered))
	}
	if len(t.scenario.Phases) > 0 {
		return t.scenario.Phases[len(t.scenario.Phases)-1].To
	}
	return max(float64(n), t.Seconds)
}

// course draws what was wanted, what was served and what the oracle serves, a band for each class.
func (g group) course(name string, r row, t run, all []*run) Chart {
	x := times(t.lasts(), 0)
	c := Chart{Title: name, Note: runNote(t), From: r.from([]run{t}, "routes"), PlotTop: top, Shades: shades(t.scenario, x), Ticks: timeTicks(x)}
	var says []string
	y := top
	for _, class := range g.classes {
		wanted, got, best := classSeries(t, class, offered), classSeries(t, class, served), classSeries(t, class, ideal)
		if len(wanted) == 0 {
			continue
		}
		y += bandGap - 4
		most := tallest(all, class)
		up := upwards(0, most, 0, bandHeight, false)
		b := band{Name: class, Class: classStyle(g.classes, class), Y: y, Most: strconv.FormatFloat(most, 'f', 0, 64) + "/s"}
		thinned := func(v []float64) ([]float64, float64) { return thin(v, 1, mean) }
		series, every := thinned(wanted)
		b.Offered = steps(series, nil, every, x, up, true)
		series, every = thinned(got)
		b.Served = steps(series, nil, every, x, up, true)
		series, every = thinned(best)
		b.Oracle = steps(series, nil, every, x, up, false)
		b.Says = text(g.share(t, class, served), "%") + " % served"
		says = append(says, class+" "+b.Says)
		c.Bands = append(c.Bands, b)
		y += bandHeight + 4
	}
	c.PlotHeight = y - top
	c.Height = y + bottom
	c.Label = name + " over time: " + strings.Join(says, ", ")
	c.Hits = g.hits(t, x)
	return c
}

// runNote says which run is drawn, if there are several.
func runNote(t run) string {
	note := fmt.Sprintf("seed %d", t.scenario.Seed)
	if t.Round > 1 {
		note += fmt.Sprintf(", round %d", t.Round)
	}
	if t.Cut != "" {
		note += ", cut short"
	}
	if !t.Harness.Valid {
		note += ", does not count: the machine was measured"
	}
	return note
}

// classStyle is a class's colour; beyond the fourth they share one.
func classStyle(classes []string, class string) string {
	return "c" + strconv.Itoa(min(max(slices.Index(classes, class), 0), 3))
}

// hits say the numbers of a time where the pointer stands.
func (g group) hits(t run, x axis) (all []hit) {
	seconds := int(math.Ceil(t.lasts()))
	each := (seconds + mostHits - 1) / mostHits
	for from := 0; from < seconds; from += max(each, 1) {
		to := min(from+each, seconds)
		lines := []string{fmt.Sprintf("second %d", from)}
		if to-from > 1 {
			lines[0] = fmt.Sprintf("seconds %d to %d", from, to-1)
		}
		for _, class := range g.classes {
			sum := func(of func(record.Route) []int) (n float64) {
				s := classSeries(t, class, of)
				for i := from; i < min(to, len(s)); i++ {
					n += s[i]
				}
				return n
			}
			lines = append(lines, fmt.Sprintf("%s: %.0f wanted, %.0f served, oracle %.0f", class, sum(offered), sum(served), sum(ideal)))
		}
		all = append(all, hit{x.place(float64(from)), x.place(float64(to)) - x.place(float64(from)), strings.Join(lines, "\n")})
	}
	return all
}
