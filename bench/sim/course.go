package sim

import (
	"cmp"
	"math"
	"slices"
)

// Course is how a run went over time, in as few numbers as a chart needs.
type Course struct {
	Seed int `json:"seed"`
	// Every is the time from point to point, in seconds.
	Every   float64       `json:"every"`
	Phases  []CoursePhase `json:"phases"`
	Classes []CourseClass `json:"classes"`
	// Limit is the mean of the policy's own limit, nil if it has none.
	Limit []float64 `json:"limit,omitempty"`
}

// CoursePhase is a phase, Until seconds after the beginning.
type CoursePhase struct {
	Name  string  `json:"name"`
	Is    Label   `json:"is"`
	Until float64 `json:"until"`
}

// CourseClass has for each point what users wanted of a class, what they got, and what they would have got from the oracle.
type CourseClass struct {
	Class   int   `json:"class"`
	Offered []int `json:"offered"`
	Served  []int `json:"served"`
	Ideal   []int `json:"ideal"`
}

// mostPoints is how many points a course has at most.
const mostPoints = 60

// courseOf sums up a run and the oracle's run of the same scenario.
func courseOf(sc Scenario, seed int, got, ideal *Result) *Course {
	windows := int(sc.lasts() / window)
	each := max(1, (windows+mostPoints-1)/mostPoints)
	c := &Course{Seed: seed, Every: float64(each) * window.Seconds()}
	for i, p := range sc.Phases {
		c.Phases = append(c.Phases, CoursePhase{p.Name, or(p.Label, Calm), (got.begin[i] + p.For).Seconds()})
	}
	for i, r := range sc.Routes {
		at := slices.IndexFunc(c.Classes, func(k CourseClass) bool { return k.Class == r.Class })
		if at < 0 {
			at = len(c.Classes)
			n := (windows + each - 1) / each
			c.Classes = append(c.Classes, CourseClass{r.Class, make([]int, n), make([]int, n), make([]int, n)})
		}
		k := &c.Classes[at]
		for w := range windows {
			k.Offered[w/each] += got.Windows[w][i].Offered
			k.Served[w/each] += got.Windows[w][i].Served
			k.Ideal[w/each] += ideal.Windows[w][i].Served
		}
	}
	slices.SortFunc(c.Classes, func(a, b CourseClass) int { return cmp.Compare(a.Class, b.Class) })
	c.Limit = means(got.Limits, each*int(window/sampleEvery))
	return c
}

// means takes the mean of every so many; nil if all are 0.
func means(values []float64, every int) (out []float64) {
	any := false
	for chunk := range slices.Chunk(values, every) {
		sum := 0.0
		for _, v := range chunk {
			sum += v
		}
		any = any || sum > 0
		out = append(out, round(sum/float64(len(chunk)), 3))
	}
	if !any {
		return nil
	}
	return out
}

// round keeps so many significant digits.
func round(v float64, digits int) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	scale := math.Pow10(digits - 1 - int(math.Floor(math.Log10(math.Abs(v)))))
	return math.Round(v*scale) / scale
}

// worstSeed is the index of the seed that misses most goals; of several the one with the least critical, then total, goodput.
func worstSeed(seeds []Values) int {
	worth := func(v Values) (missed int, critical, total float64) {
		for i, m := range Measures() {
			switch m.Name {
			case "critical":
				critical = v[i]
			case "total":
				total = v[i]
			}
			if !m.Met(v[i]) {
				missed++
			}
		}
		return missed, critical, total
	}
	worst := 0
	for i := range seeds {
		m, c, t := worth(seeds[i])
		wm, wc, wt := worth(seeds[worst])
		if cmp.Or(cmp.Compare(wm, m), cmp.Compare(c, wc), cmp.Compare(t, wt)) < 0 {
			worst = i
		}
	}
	return worst
}
