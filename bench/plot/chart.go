package plot

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"triage/bench/record"
)

// The drawing's units: a chart is as wide as a telephone, so that its letters are as large there as anywhere.
const (
	width     = 380
	left      = 48 // of the plot, in charts with an axis of values
	right     = 6
	top       = 18  // names of phases
	bottom    = 18  // times
	letter    = 6.2 // of a name, about
	mostSteps = 180 // points of a line
)

// Chart is a drawing over time, or over percentiles.
type Chart struct {
	Title, Note string
	Label       string // for those who do not see it
	From        string
	Height      int
	Left        int
	PlotTop     int
	PlotHeight  int
	Shades      []shade
	Ticks       []tick // below
	Values      []tick // on the left
	Bands       []band
	Lines       []path
	Bars        []Bar
	Legend      []legend
	Hits        []hit
}

// shade is a phase behind the lines.
type shade struct {
	X, Width, Middle float64
	Name, Is, Shown  string
}

type tick struct {
	At   float64
	Text string
}

// band is one class: Offered is an area, Served an area within it, Oracle a line.
type band struct {
	Name, Says, Most        string
	Class                   string // of CSS
	Y                       int
	Offered, Served, Oracle string
}

// path is a line, or an area.
type path struct{ Class, D string }

type legend struct{ Class, Text string }

// hit shows values where the pointer stands.
type hit struct {
	X, Width float64
	Text     string
}

// axis maps values onto the drawing.
type axis struct {
	from, to float64 // values
	at, size float64 // place
	log      bool
}

func (a axis) place(v float64) float64 {
	from, to := a.from, a.to
	if a.log {
		v, from, to = math.Log10(math.Max(v, a.from)), math.Log10(from), math.Log10(to)
	}
	share := 0.0
	if to > from {
		share = math.Min(math.Max((v-from)/(to-from), 0), 1)
	}
	return a.at + share*a.size
}

// mostTicks is how many decades have a word beside them.
const mostTicks = 5

// ticks are where an axis of values is written on: nothing, half and all, or powers of ten.
func (a axis) ticks() (at []float64) {
	if !a.log {
		return []float64{0, a.to / 2, a.to}
	}
	decades := math.Round(math.Log10(a.to / a.from))
	step := math.Pow(10, max(1, math.Ceil(decades/mostTicks)))
	for v := a.from; v <= a.to*1.001; v *= step {
		at = append(at, v)
	}
	return at
}

// times is the axis of a scenario's seconds.
func times(until float64, from int) axis {
	return axis{from: 0, to: math.Max(until, 1e-9), at: float64(from), size: float64(width - right - from)}
}

// upwards is an axis of values, from the bottom up.
func upwards(from, to float64, y, height int, log bool) axis {
	return axis{from: from, to: to, at: float64(y + height), size: -float64(height), log: log}
}

// timeTicks are at round seconds or minutes.
func timeTicks(a axis) (ticks []tick) {
	step := 1.0
	for _, s := range []float64{1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600, 7200} {
		if step = s; a.to/s <= 5 {
			break
		}
	}
	for t := 0.0; t <= a.to*1.0001; t += step {
		text := strconv.FormatFloat(t, 'f', -1, 64)
		if t > 0 && t+step > a.to*1.0001 {
			text += " s"
		}
		ticks = append(ticks, tick{a.place(t), text})
	}
	return ticks
}

// round is the next number above that people like on an axis.
func round(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow10(int(math.Floor(math.Log10(v))))
	for _, m := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10} {
		if m*unit >= v*0.9999 {
			return m * unit
		}
	}
	return 10 * unit
}

// decade is the power of ten above or below.
func decade(v float64, up bool) float64 {
	if up {
		return math.Pow10(int(math.Ceil(math.Log10(v) - 1e-9)))
	}
	return math.Pow10(int(math.Floor(math.Log10(v) + 1e-9)))
}

func shades(s record.Scenario, a axis) (all []shade) {
	for _, p := range s.Phases {
		x, to := a.place(p.From), a.place(p.To)
		if to <= x {
			continue
		}
		is := p.Is
		if is == "" {
			is = "calm"
		}
		sh := shade{X: x, Width: to - x, Middle: (x + to) / 2, Name: p.Name, Is: is}
		if float64(len(p.Name))*letter < sh.Width {
			sh.Shown = p.Name
		}
		all = append(all, sh)
	}
	return all
}

// coordinate is short on paper.
func coordinate(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

// steps draws one step for each value; an area goes down to the bottom, which is a line of its own if below is there.
func steps(values, below []float64, every float64, x, y axis, area bool) string {
	if len(values) == 0 {
		return ""
	}
	var b strings.Builder
	end := func(i int) string { return coordinate(x.place(float64(i+1) * every)) }
	fmt.Fprintf(&b, "M%s %s", coordinate(x.place(0)), coordinate(y.place(values[0])))
	for i, v := range values {
		if here := coordinate(y.place(v)); i > 0 && here != coordinate(y.place(values[i-1])) {
			fmt.Fprintf(&b, "V%s", here)
		}
		if i+1 == len(values) || coordinate(y.place(values[i+1])) != coordinate(y.place(v)) {
			fmt.Fprintf(&b, "H%s", end(i))
		}
	}
	if !area {
		return b.String()
	}
	if below == nil {
		fmt.Fprintf(&b, "V%sH%sz", coordinate(y.place(y.from)), coordinate(x.place(0)))
		return b.String()
	}
	for i := len(below) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "V%sH%s", coordinate(y.place(below[i])), coordinate(x.place(float64(i)*every)))
	}
	return b.String() + "z"
}

// curve joins points; NaN is a gap.
func curve(values []float64, place func(i int) float64, y axis) string {
	var b strings.Builder
	pen := false
	for i, v := range values {
		if math.IsNaN(v) {
			pen = false
			continue
		}
		move := "L"
		if !pen {
			move, pen = "M", true
			if i+1 == len(values) || math.IsNaN(values[i+1]) { // a point by itself would not be seen
				fmt.Fprintf(&b, "M%s %sh1", coordinate(place(i)), coordinate(y.place(v)))
				continue
			}
		}
		fmt.Fprintf(&b, "%s%s %s", move, coordinate(place(i)), coordinate(y.place(v)))
	}
	return b.String()
}

// thin makes few points of many, each of so many neighbours.
func thin(values []float64, every float64, of func([]float64) float64) ([]float64, float64) {
	each := (len(values) + mostSteps - 1) / mostSteps
	if each <= 1 {
		return values, every
	}
	var out []float64
	for i := 0; i < len(values); i += each {
		out = append(out, of(values[i:min(i+each, len(values))]))
	}
	return out, every * float64(each)
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}

// largest passes over what is missing.
func largest(values []float64) float64 {
	most := math.NaN()
	for _, v := range values {
		if !(v <= most) && !math.IsNaN(v) {
			most = v
		}
	}
	return most
}
