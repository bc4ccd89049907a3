//go:build race

package shed_test

const raceDetector = true

// Under the race detector everything takes ten times as long. A controller is for one goroutine, so a part of each world is enough.
const thin = 4
