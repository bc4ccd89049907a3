package peer

import (
	"math"
	"math/rand/v2"
)

// failsafe-go v0.9.8, package priority.
const (
	failsafePriorities = 5
	failsafeWide       = 100  // levels of a priority; a higher level is more important
	failsafeRemembered = 1000 // levels
)

// failsafeLevels draws levels and remembers the newest of those that were recorded while the limiter was full.
type failsafeLevels struct {
	dice   *rand.Rand
	window [failsafeRemembered]int
	counts [failsafePriorities * failsafeWide]int
	head   int
	n      int
}

// draw gives a random level inside the class's priority; class 0 is VeryHigh, class 4 and below are VeryLow.
func (l *failsafeLevels) draw(class int) int {
	priority := failsafePriorities - 1 - clampClass(class, failsafePriorities)
	return priority*failsafeWide + l.dice.IntN(failsafeWide)
}

func (l *failsafeLevels) record(level int) {
	if l.n == failsafeRemembered {
		l.counts[l.window[l.head]]--
	} else {
		l.n++
	}
	l.window[l.head] = level
	l.counts[level]++
	l.head = (l.head + 1) % failsafeRemembered
}

// quantile gives the level at that share of those remembered, 0 if there are none.
func (l *failsafeLevels) quantile(q float64) int {
	want := max(1, int(math.Ceil(float64(l.n)*q)))
	seen := 0
	for level, n := range l.counts {
		seen += n
		if seen >= want {
			return level
		}
	}
	return 0
}
