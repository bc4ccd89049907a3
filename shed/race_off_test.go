//go:build !race

package shed_test

const raceDetector = false

// Everything as it is meant.
const thin = 1
