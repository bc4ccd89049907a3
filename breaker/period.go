package breaker

import (
	"math"
	"time"
)

const (
	// jitter is the share by which an open period is longer or shorter than its nominal length.
	jitter = 0.2
	// maxDoublings keeps 2^n within what a duration can hold.
	maxDoublings = 40
	// forgiveAfter is how long the breaker must have been closed until the next open period is the first again.
	forgiveAfter = 60 * time.Second
)

// period is the length of open period n, counted from 0, for a throw of the dice in [0, 1). It is within 20 % of
// first·2^n, or of longest if that is less, and never over longest.
func period(first, longest time.Duration, n int, dice float64) time.Duration {
	nominal := min(math.Ldexp(float64(first), min(n, maxDoublings)), float64(longest))
	low, high := (1-jitter)*nominal, min((1+jitter)*nominal, float64(longest))
	return time.Duration(low + dice*(high-low))
}
