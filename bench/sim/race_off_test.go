//go:build !race

package sim_test

// Three seeds for each trial, every episode, every drawn world.
const (
	seeds = 3
	thin  = 1
	whole = true
)
