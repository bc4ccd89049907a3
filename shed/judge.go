package shed

import (
	"math"
	"time"
)

// Does a route suffer? Package comment, points 1 and 3.

// Constants of the judgement.
const (
	samplesEnough  = 16
	samplesWide    = 64
	sureAtOnce     = 4.5 // standard errors, on the newest samplesEnough
	sureInTime     = 4   // on the newest samplesWide
	slowFrom       = 1.3 // times the baseline: a slow answer
	sureManySlow   = 3   // standard errors
	agesEnough     = 4
	suffersAt      = 1.3
	guessSuffersAt = 2 // while the baseline is a guess
	behindTicks    = 10
	behindShare    = 0.2
	symptomsAt     = 1.1
	sureOfSymptoms = 3 // standard errors
	symptomTicks   = 3
	minExcess      = 0.003 // seconds: less than that more is no trouble, whatever the ratio
	slack          = 0.001 // seconds on either side of a ratio: what a scheduler may add to any answer is no symptom
)

// pace sums the newest times to first byte and says how many they are. With few completions, for two seconds or for what is in flight, the
// ages of what is in flight count as well, if they say more: a backend that hangs completes nothing.
func (r *Route) pace(samples int) (seconds, n float64) {
	sum, _ := r.recent.Newest(samples)
	seconds, n = sum.Sum.Seconds(), float64(sum.Samples)
	stuck := r.stuck()
	if !stuck && sum.Samples >= samplesEnough || r.inFlight < agesEnough || r.stalled {
		return seconds, n
	}
	if stuck {
		sum, _ = r.recent.Last(r.lag() + 1)
	}
	old := sum.Sum + r.measured*time.Duration(r.inFlight) - r.starts
	all := float64(sum.Samples + r.inFlight)
	if old.Seconds()*math.Max(n, 1) <= seconds*all {
		return seconds, n
	}
	return old.Seconds(), all
}

// stuck reports that answers have nearly ceased: fewer have come lately than half of what is in flight, in more time than they take when
// all is well. Older answers then tell of another time.
func (r *Route) stuck() bool {
	lately, ticks := r.recent.Last(r.lag() + 1)
	return r.scaled() > 0 && ticks == r.lag()+1 && r.inFlight >= agesEnough && float64(lately.Samples) < answered*float64(r.inFlight)
}

func (r *Route) normalise() {
	seconds, n := r.pace(samplesEnough)
	r.known = n > 0 && r.scaled() > 0
	if !r.known {
		return
	}
	r.x = (seconds/n + slack) / (r.scaled() + slack + r.noise)
	r.excess = seconds/n - r.scaled()
	r.longest = math.Max(r.longest, r.excess)
	r.se = r.base.CV() / math.Sqrt(n)
}

func (r *Route) judge(fresh bool) {
	if !r.known {
		r.suffering, r.symptoms = false, 0
		return
	}
	threshold := suffersAt
	if !r.base.Known() {
		threshold = guessSuffersAt + 3*r.base.Doubt()
	}
	r.suffering = (r.beyond(samplesEnough, threshold, sureAtOnce) || r.beyond(samplesWide, threshold, sureInTime)) && (r.base.Known() || r.behind())
	switch {
	case r.x <= symptomsAt+sureOfSymptoms*r.se || r.excess <= r.leastExcess():
		r.symptoms = 0
	case fresh:
		r.symptoms++
	}
}

// beyond tests the newest samples, at least so many, against a threshold. The test is made every tick on every route, and sums of a few
// skewed times reach far: three standard errors are passed by chance every few minutes.
func (r *Route) beyond(samples int, threshold, sure float64) bool {
	seconds, n := r.pace(samples)
	x := (seconds/n + slack) / (r.scaled() + slack + r.noise)
	return r.manySlow(samples) && x > threshold+sure*r.base.CV()/math.Sqrt(n) && seconds/n-r.scaled() > r.leastExcess()
}

// manySlow reports whether a greater share of the newest answers is slow than when all is well. A mean is at the mercy of its largest sample,
// which in a heavy tail knows no bounds; what is wrong with a backend makes most answers slower.
func (r *Route) manySlow(samples int) bool {
	usual, known := r.base.Slow()
	sum, _ := r.recent.Newest(samples)
	if !known || sum.Samples < samplesEnough || r.stuck() {
		return true
	}
	n := float64(sum.Samples)
	return float64(sum.Slow)/n > usual+sureManySlow*math.Sqrt(usual*(1-usual)/n)
}

// behind reports that the backend does not keep up: of what was sent to it lately too much is still there. While the baseline is a
// guess of a few answers, which are the short ones, slowness alone is no evidence.
func (r *Route) behind() bool {
	sum, ticks := r.recent.Last(behindTicks)
	oldest, _ := r.recent.Ago(ticks - 1)
	if sum.Lost > 0 {
		return true
	}
	return ticks >= behindTicks/2 && float64(r.inFlight-oldest.Peak) > behindShare*float64(sum.Arrivals)
}
