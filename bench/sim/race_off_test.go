//go:build !race

package sim_test

// Three seeds for each trial, every episode.
const (
	seeds = 3
	thin  = 1
)
