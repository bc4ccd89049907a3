//go:build race

package shed_test

const raceDetector = true
