package peer

import "time"

// Gains and target function of "PID Controller for Cinnamon": error = (inflow − outflow − free in-flight) ÷ outflow, with the
// in-flight limit below the line when nothing flowed out; the D term is not used.
const (
	piP = 0.1
	piI = 1.4 // a second
	// Ours: the integral stays inside what it can ask for, or it winds up while the ratio cannot rise any more.
	piMax = 0.95
	// recentFor is how far back priorities are remembered.
	recentFor = 60
)

// pi turns flows into a reject ratio.
type pi struct{ integral float64 }

// next takes the flows of an interval: inflow is counted behind the rejector, outflow is what was handed to the backend.
func (c *pi) next(inflow, outflow, free, limit float64) float64 {
	below := outflow
	if below == 0 {
		below = max(1, limit)
	}
	err := (inflow - outflow - free) / below
	c.integral = min(piMax, max(0, c.integral+piI*err*cinnamonPIEvery.Seconds()))
	return min(piMax, max(0, piP*err+c.integral))
}

func (c *pi) reset() { c.integral = 0 }

// recentLevels is the distribution of the priorities of all arrivals in the last minute, in slices of a second.
type recentLevels struct {
	slices [recentFor][]uint32
	total  []int
	n      int
	second int64
}

func newRecentLevels(levels int) recentLevels {
	r := recentLevels{total: make([]int, levels)}
	for i := range r.slices {
		r.slices[i] = make([]uint32, levels)
	}
	return r
}

func (r *recentLevels) add(now time.Duration, level int) {
	r.rotate(now)
	r.slices[r.second%recentFor][level]++
	r.total[level]++
	r.n++
}

// rotate forgets the slices that are a minute old.
func (r *recentLevels) rotate(now time.Duration) {
	second := int64(max(0, now) / time.Second)
	for turned := 0; r.second < second && turned < recentFor; turned++ {
		r.second++
		for level, n := range r.slices[r.second%recentFor] {
			r.total[level] -= int(n)
			r.n -= int(n)
		}
		clear(r.slices[r.second%recentFor])
	}
	r.second = max(r.second, second)
}

// threshold is the last level that is let through when that share is to be rejected.
func (r *recentLevels) threshold(now time.Duration, ratio float64) int {
	r.rotate(now)
	last := len(r.total) - 1
	if ratio <= 0 || r.n == 0 {
		return last
	}
	pass := (1 - ratio) * float64(r.n)
	seen := 0
	for level, n := range r.total {
		seen += n
		if float64(seen) >= pass {
			return level
		}
	}
	return last
}
