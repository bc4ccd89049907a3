//go:build race

package shed_test

import "flag"

const raceDetector = true

// Under the race detector everything takes ten times as long. A controller is for one goroutine, so a part of each world is enough.
const thin = 4

// For the same reason a property is tried in fewer worlds; the command line has the last word.
func init() {
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
}
