//go:build !race

package sim_test

import "math"

// Three seeds for each trial, every trial, every episode, every drawn world.
const (
	seeds   = 3
	thin    = 1
	whole   = true
	busiest = math.MaxInt
)
