//go:build race

package sim_test

// Under the race detector everything takes ten times as long. A run is sequential, so of long tests a part is enough: one seed, one
// episode, one drawn world in so many, and of the trials those in which checkout is asked at most so many times a second.
const (
	seeds   = 1
	thin    = 50
	whole   = false
	busiest = 400
)
