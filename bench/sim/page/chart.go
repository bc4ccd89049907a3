package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"triage/bench/sim"
)

// chart shows a course: a band for each class, and one for the limit, over time. Paths and lengths are in units of the drawing.
type chart struct {
	Episode, Doc string
	Seed         int
	Width        int
	Height       int
	Body         int // height of the phases
	Phases       []phaseBox
	Bands        []band
	Begin, End   string
	Missed       int
}

// phaseBox is a phase behind the bands.
type phaseBox struct {
	Name, Is string
	X, Width int
	Label    string // the name, where there is room for it
	Middle   int
}

// band is one class, or the limit: Offered is an area, Served an area within it, Ideal a line.
type band struct {
	Name, Most string
	Class      string // of CSS
	Y          int
	Offered    string
	Served     string
	Ideal      string
	Limit      string
}

const (
	chartWidth = 600
	bandHeight = 44
	bandGap    = 20
	chartTop   = 26
	phaseTop   = 20
	letter     = 11 // units of the drawing for a letter of a phase's name
)

var classNames = []string{"critical", "important", "normal", "sheddable"}

func className(class int) string {
	if class < len(classNames) {
		return classNames[class]
	}
	return "class " + strconv.Itoa(class)
}

func charts(d sim.Document, own string) (all []chart) {
	records := ofPolicy(d, own)
	for _, e := range d.Episodes {
		if r := records[e.Name]; r != nil && r.Course != nil {
			c := newChart(r.Course)
			c.Episode, c.Doc, c.Missed = e.Name, e.Doc, missed(r.Seeds[r.Course.Seed-1])
			all = append(all, c)
		}
	}
	return all
}

func missed(v sim.Values) (n int) {
	for i, m := range sim.Measures() {
		if !m.Met(v[i]) {
			n++
		}
	}
	return n
}

func newChart(c *sim.Course) chart {
	out := chart{Seed: c.Seed, Width: chartWidth, Begin: "0", Height: chartTop}
	last := 0.0
	if n := len(c.Phases); n > 0 {
		last = c.Phases[n-1].Until
	}
	out.End = fmt.Sprintf("%.0f s", last)
	x := 0
	for _, p := range c.Phases {
		to := int(p.Until / math.Max(last, 1e-9) * chartWidth)
		box := phaseBox{Name: p.Name, Is: string(p.Is), X: x, Width: to - x, Middle: (x + to) / 2}
		if len(p.Name)*letter < box.Width {
			box.Label = p.Name
		}
		out.Phases = append(out.Phases, box)
		x = to
	}
	for _, k := range c.Classes {
		most := slices.Max(append(append([]int{1}, k.Offered...), k.Ideal...))
		b := band{Name: className(k.Class), Class: "c" + strconv.Itoa(min(k.Class, len(classNames)-1)), Y: out.Height}
		b.Most = fmt.Sprintf("%.0f/s", math.Ceil(float64(most)/c.Every))
		b.Offered, b.Served, b.Ideal = area(k.Offered, most), area(k.Served, most), line(k.Ideal, most)
		out.Bands = append(out.Bands, b)
		out.Height += bandHeight + bandGap
	}
	if len(c.Limit) > 0 {
		limits := make([]int, len(c.Limit))
		for i, v := range c.Limit {
			limits[i] = int(math.Round(10 * v))
		}
		most := slices.Max(limits)
		out.Bands = append(out.Bands, band{Name: "limit", Class: "limit", Y: out.Height, Most: fmt.Sprintf("%.0f", math.Ceil(float64(most)/10)), Limit: line(limits, most)})
		out.Height += bandHeight + bandGap
	}
	out.Body = out.Height - phaseTop
	return out
}

// line is a path of steps, one for each value, from the bottom of a band upwards.
func line(values []int, most int) string { return steps(values, most, false) }

// area is the same, filled down to the bottom.
func area(values []int, most int) string { return steps(values, most, true) }

func steps(values []int, most int, closed bool) string {
	if len(values) == 0 {
		return ""
	}
	height := func(v int) int {
		return int(math.Round(math.Min(math.Max(float64(v)/float64(max(most, 1)), 0), 1) * bandHeight))
	}
	var b strings.Builder
	at, x := 0, 0
	if closed {
		fmt.Fprintf(&b, "M0 %d", bandHeight)
	} else {
		at = height(values[0])
		fmt.Fprintf(&b, "M0 %d", bandHeight-at)
	}
	for i, v := range values {
		if h := height(v); h != at {
			fmt.Fprintf(&b, "v%d", at-h)
			at = h
		}
		to := (i + 1) * chartWidth / len(values)
		if i+1 < len(values) && height(values[i+1]) == at {
			continue // one long step
		}
		fmt.Fprintf(&b, "h%d", to-x)
		x = to
	}
	if closed {
		fmt.Fprintf(&b, "V%dz", bandHeight)
	}
	return b.String()
}
