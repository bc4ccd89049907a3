package level

import "math"

const (
	alarm = 6.9 // ln((1−β)/α), α = 0.001, β = 0.01
	// excess is how far the test remembers beyond the alarm: five successes in a row end it, or it would speak of errors that are over.
	excess = 1
)

// Test is the sequential test of one protected route. The zero value has seen nothing.
type Test struct{ llr float64 }

// Add feeds outcomes; alarmed reports that the errors are evidently above the objective.
func (t *Test) Add(completed, errors int, objective float64) (alarmed bool) {
	p0 := math.Min(math.Max(objective, 0.001), 0.5)
	p1 := math.Min(math.Max(0.20, 5*p0), 0.95)
	t.llr += float64(errors)*math.Log(p1/p0) + float64(completed-errors)*math.Log((1-p1)/(1-p0))
	t.llr = math.Min(math.Max(t.llr, 0), alarm+excess)
	return t.llr >= alarm
}

// Reset forgets.
func (t *Test) Reset() { t.llr = 0 }
