//go:build race

package sim_test

// Under the race detector everything takes ten times as long. A run is sequential, so of long tests a part is enough: one seed, one
// episode, one drawn world in so many.
const (
	seeds = 1
	thin  = 20
	whole = false
)
