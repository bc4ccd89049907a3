package sim

import (
	"math"
	"slices"
	"time"
)

// lower gives for each route those that are less important and use a resource of it; who is innocent is in nobody's way.
func (j judge) lower() [][]int {
	uses := func(r Route, name string) bool {
		return slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Resource == name })
	}
	out := make([][]int, len(j.sc.Routes))
	for i, r := range j.sc.Routes {
		for k, other := range j.sc.Routes {
			shares := slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Resource != "" && uses(other, s.Resource) })
			if other.Class > r.Class && shares && !slices.Contains(j.sc.Innocent, other.Name) {
				out[i] = append(out[i], k)
			}
		}
	}
	return out
}

// inversions counts second by second, in per cent of all attempts.
func (j judge) inversions() float64 {
	lower := j.lower()
	attempts, inverted := 0, 0
	for i := range j.sc.Phases {
		from, to := j.windows(i, 0)
		for k := from; k+1 < to && j.wrong(i); k += 2 {
			for r := range j.sc.Routes {
				attempts += j.got.Windows[k][r].Attempts + j.got.Windows[k+1][r].Attempts
				ahead := 0
				for _, o := range lower[r] {
					ahead += max(j.got.Windows[k][o].Admitted+j.got.Windows[k+1][o].Admitted-1, 0)
				}
				inverted += min(j.got.Windows[k][r].Refusals+j.got.Windows[k+1][r].Refusals, ahead)
			}
		}
	}
	return 100 * ratio(inverted, attempts)
}

// fine reports whether the policy lost no more than the oracle of what arose in a window, but for one request or 1 %.
func (j judge) fine(k int, critical bool) bool {
	offered, lost := 0, 0
	for r, route := range j.sc.Routes {
		if !critical || route.Class == 0 {
			got, ideal := j.got.Windows[k][r], j.ideal.Windows[k][r]
			offered += got.Offered
			lost += got.Offered - got.Served - (ideal.Offered - ideal.Served)
		}
	}
	return float64(lost) <= math.Max(1, 0.01*float64(offered))
}

// steadyAfter is how long after the beginning of a phase all is fine for a while, in seconds; all of the phase if it never is.
func (j judge) steadyAfter(i int, critical bool) float64 {
	from, to := j.windows(i, 0)
	row := 0
	for k := from; k < to; k++ {
		row++
		if !j.fine(k, critical) {
			row = 0
		}
		if row == steadyTurns || row > 0 && k == to-1 {
			return (time.Duration(k+1-row-from) * window).Seconds()
		}
	}
	return j.sc.Phases[i].For.Seconds()
}

func (j judge) protect() float64 {
	worst := math.NaN()
	for i := range j.sc.Phases {
		if v := j.steadyAfter(i, true); j.wrong(i) && !(v <= worst) {
			worst = v
		}
	}
	return worst
}

func (j judge) recover() float64 {
	worst := math.NaN()
	for i := range j.sc.Phases {
		if i == 0 || j.wrong(i) || !j.wrong(i-1) {
			continue
		}
		if v := j.steadyAfter(i, false); !(v <= worst) {
			worst = v
		}
	}
	return worst
}

// latencies merges those of the critical routes in a phase.
func (j judge) latencies(r *Result, i int) Tally {
	var all Tally
	for _, route := range j.sc.Routes {
		if route.Class == 0 {
			all.Latency = append(all.Latency, r.Phases[i][route.Name].Latency...)
		}
	}
	slices.Sort(all.Latency)
	return all
}

// slowdown is by how much the backend itself makes critical requests slower in a phase.
func (j judge) slowdown(p Phase) float64 {
	most := 1.0
	for _, r := range j.sc.Routes {
		for _, s := range r.Steps {
			if r.Class == 0 {
				most = math.Max(most, or(p.Slow[s.Resource], 1)*or(p.SlowRoutes[r.Name], 1))
			}
		}
	}
	return most
}

func (j judge) p99() float64 {
	base := j.latencies(j.ideal, 0)
	worst := math.NaN()
	for i, p := range j.sc.Phases {
		now := j.latencies(j.got, i)
		if !j.wrong(i) || len(base.Latency) < fewSamples || len(now.Latency) < fewSamples {
			continue
		}
		v := now.Quantile(0.99).Seconds() / (base.Quantile(0.99).Seconds() * j.slowdown(p))
		if !(v <= worst) {
			worst = v
		}
	}
	return worst
}

// steadiness of the limit under overload: coefficient of variation, and turns a minute; the worst phase of each.
func (j judge) steadiness() (cv, flips float64) {
	cv, flips = math.NaN(), math.NaN()
	for i, p := range j.sc.Phases {
		if p.Label != Overload {
			continue
		}
		var limits []float64
		end := int((j.got.begin[i] + p.For) / sampleEvery)
		for k := int((j.got.begin[i] + settled) / sampleEvery); k < end; k++ {
			if l := j.got.Limits[k]; l > 0 {
				limits = append(limits, l)
			}
		}
		if len(limits) < fewLimits {
			continue
		}
		mean, deviation := spread(limits)
		turned := float64(turns(limits, mean/4)) / (time.Duration(len(limits)) * sampleEvery).Minutes()
		if !(deviation/mean <= cv) {
			cv = deviation / mean
		}
		if !(turned <= flips) {
			flips = turned
		}
	}
	return cv, flips
}

func spread(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(deviation)
}

// turns counts changes of direction, where a movement counts once it is as large as least.
func turns(values []float64, least float64) (n int) {
	low, high, rising := values[0], values[0], 0
	for _, v := range values {
		low, high = math.Min(low, v), math.Max(high, v)
		switch {
		case rising >= 0 && high-v >= least:
			if rising > 0 {
				n++
			}
			rising, low = -1, v
		case rising <= 0 && v-low >= least:
			if rising < 0 {
				n++
			}
			rising, high = 1, v
		}
	}
	return n
}
