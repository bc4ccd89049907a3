package window

import (
	"math"
	"slices"
	"time"
)

// Constants of the baseline, with their origin: tried over 24 scenarios in virtual time before this code was written.
const (
	windows    = 60
	learning   = 10 // windows during which the baseline may still move freely
	minSamples = 30
	minTime    = 500 * time.Millisecond
	firstTime  = time.Second
	maxRise    = 1.0005 // a window

	guessFrom  = 4 // early samples for a first guess
	guessBatch = 8 // early samples for each further one
	guessCV    = 0.7
)

// Longest is the longest time to first byte that is told apart from a longer one.
const Longest = time.Hour

// Baseline learns the time to first byte when all is well. The zero value knows nothing.
type Baseline struct {
	value float64 // seconds
	cv    float64

	means  []float64
	closed int

	guess    float64 // from early samples
	guessed  int     // samples behind it
	early    int     // samples of the batch under way
	earlySum float64

	began   time.Duration
	open    bool
	n       int
	sum     float64
	squares float64

	judged, slow int     // of the window under way: samples that were told slow from not slow, and the slow ones
	slowShare    float64 // when all is well
	slowKnown    bool
}

// Known reports whether the baseline is a learned one.
func (b *Baseline) Known() bool { return b.value > 0 }

// Seconds is the baseline: the learned one, else the guess, else 0.
func (b *Baseline) Seconds() float64 {
	if b.value == 0 {
		return b.guess
	}
	return b.value
}

// CV is the coefficient of variation of single times to first byte, between 0.1 and 3; 1 while nothing is known.
func (b *Baseline) CV() float64 {
	switch {
	case b.cv > 0:
		return min(max(b.cv, 0.1), 3)
	case b.Seconds() > 0:
		return guessCV
	}
	return 1
}

// Doubt is the standard error of a guessed baseline as a share of it, 0 for a learned one.
func (b *Baseline) Doubt() float64 {
	if b.Known() || b.guessed == 0 {
		return 0
	}
	return guessCV / math.Sqrt(float64(b.guessed))
}

// Early feeds a success that had the backend nearly to itself. A process that starts in the middle of a flood sees a few of them, and
// nothing healthy afterwards: a guess is better than learning the flood. Of several guesses the lowest counts, for what is
// wrong with an early sample makes it too long.
func (b *Baseline) Early(seconds float64) {
	if b.value > 0 || !(seconds > 0) {
		return
	}
	seconds = min(seconds, Longest.Seconds())
	b.early++
	b.earlySum += seconds
	mean := b.earlySum / float64(b.early)
	switch {
	case b.guessed == 0 && b.early >= guessFrom:
		b.guess, b.guessed = mean, b.early
	case b.early >= guessBatch:
		if mean < b.guess {
			b.guess, b.guessed = mean, b.early
		}
		b.early, b.earlySum = 0, 0
	}
}

// Guess stands in for a baseline of which nothing else is known.
func (b *Baseline) Guess(seconds float64) {
	if b.value == 0 && b.guessed == 0 && seconds > 0 {
		b.guess, b.guessed = min(seconds, Longest.Seconds()), guessBatch
	}
}

// Fall lowers the baseline to what is evidently possible.
func (b *Baseline) Fall(seconds float64) {
	if b.Seconds() <= seconds || !(seconds > 0) {
		return
	}
	if b.value > 0 {
		b.value = seconds
		b.means = append(b.means[:0], seconds)
	}
	b.guess = min(b.guess, seconds)
}

// Add feeds n successes: the sum of their times, and the sum of their squares in seconds². The caller leaves out what was not
// healthy. What took no time at all, or less, is no sample: a clock stood still.
func (b *Baseline) Add(n int, sum time.Duration, squares float64) {
	if n <= 0 || sum <= 0 || !(squares >= 0) {
		return
	}
	b.n += n
	b.sum += min(sum.Seconds(), float64(n)*Longest.Seconds())
	b.squares += min(squares, float64(n)*Longest.Seconds()*Longest.Seconds())
}

// AddSlow feeds how many of n successes were slow: evidently longer than the baseline, by the caller's measure.
func (b *Baseline) AddSlow(n, slow int) {
	b.judged += n
	b.slow += slow
}

// Slow is the share of slow samples when all is well; ok is false while it is not known.
func (b *Baseline) Slow() (share float64, ok bool) { return b.slowShare, b.slowKnown }

// learnSlow follows slowly, as learnCV does.
func (b *Baseline) learnSlow() {
	if b.judged < minSamples {
		return
	}
	share := float64(b.slow) / float64(b.judged)
	if !b.slowKnown {
		b.slowShare, b.slowKnown = share, true
	}
	b.slowShare += (share - b.slowShare) / 8
}

// Spoil throws the window under way out: something in it was not healthy.
func (b *Baseline) Spoil() {
	b.open, b.n, b.sum, b.squares, b.judged, b.slow = false, 0, 0, 0, 0, 0
}

// Tick closes the window under way if it is long and full enough.
func (b *Baseline) Tick(now time.Duration) {
	if !b.open {
		if b.n > 0 {
			b.open, b.began = true, now
		}
		return
	}
	need := minTime
	if b.closed == 0 {
		need = firstTime
	}
	if b.n < minSamples || now-b.began < need {
		return
	}
	b.close()
}

func (b *Baseline) close() {
	n := float64(b.n)
	mean := b.sum / n
	variance := max(0, b.squares/n-mean*mean)
	b.learnCV(math.Sqrt(variance) / max(mean, 1e-9))
	b.learnSlow()
	b.means = append(b.means, mean)
	if len(b.means) > windows {
		b.means = slices.Delete(b.means, 0, 1)
	}
	b.closed++
	b.Spoil()

	median := medianOf(b.means)
	if b.closed > learning && b.value > 0 {
		median = min(median, b.value*maxRise)
	}
	b.value = median
}

// learnCV follows slowly: one window of a heavy-tailed service says little about its spread.
func (b *Baseline) learnCV(cv float64) {
	if b.cv == 0 {
		b.cv = cv
		return
	}
	b.cv += (cv - b.cv) / 8
}

func medianOf(values []float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}
