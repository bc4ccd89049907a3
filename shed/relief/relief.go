// Package relief answers one question: how much better off are the others when this route is shed, and how sure is that?
//
// Every time a route has been kept back and somebody looked, there are two readings of the others' work a second, before and while it
// was kept back: n₁ samples at a rate X₁, n₂ at X₂, with times of a coefficient of variation cv. The effect is
//
//	d = ln(X₂/X₁)          standard error  s = cv·√(1/n₁ + 1/n₂)
//
// 0: nothing gained; 0.7: the others get twice as much done. Looks are pooled by inverse variance, the usual fixed-effect mean
// (Cochran 1954), and older ones fade with a half-life of ten minutes: a backend changes.
//
// The package is pure: time is the duration since the controller's start.
package relief

import (
	"math"
	"time"
)

const (
	halfLife = 10 * time.Minute
	// least is the smallest effect that is worth anything, as a logarithm: about an eighth more.
	least = 0.12
	sure  = 2    // standard errors
	widen = 0.05 // standard error that every look has beside the statistical one: nothing else stands still meanwhile
)

// Reading is the work that others did for some time.
type Reading struct {
	Samples int
	// Work is baselines' worth of answers, in seconds; Took how long it took.
	Work float64
	Took time.Duration
	// CV is the coefficient of variation of single times.
	CV float64
}

// rate is work a second.
func (r Reading) rate() float64 { return r.Work / math.Max(r.Took.Seconds(), 1e-3) }

// Effect compares two readings. known is false while either says nothing.
func Effect(before, during Reading) (effect, se float64, known bool) {
	if before.Samples < 1 || during.Samples < 1 || before.rate() <= 0 || during.rate() <= 0 {
		return 0, 0, false
	}
	cv := math.Max(math.Max(before.CV, during.CV), 0.3)
	se = math.Hypot(cv*math.Sqrt(1/float64(before.Samples)+1/float64(during.Samples)), widen)
	return math.Log(during.rate() / before.rate()), se, true
}

// Relieves reports whether an effect is evidently worth something.
func Relieves(effect, se float64) bool { return effect > math.Max(least, sure*se) }

// Estimate is what is known of one route. The zero value knows nothing.
type Estimate struct {
	weight, sum float64 // of 1/s² and d/s²
	looks       int
	latest      time.Duration
}

// Add files a look.
func (e Estimate) Add(now time.Duration, effect, se float64) Estimate {
	e = e.fade(now)
	w := 1 / (se * se)
	e.weight += w
	e.sum += w * effect
	e.looks++
	return e
}

func (e Estimate) fade(now time.Duration) Estimate {
	if keep := math.Exp2(-max(now-e.latest, 0).Seconds() / halfLife.Seconds()); e.weight > 0 {
		e.weight *= keep
		e.sum *= keep
	}
	e.latest = max(now, e.latest)
	return e
}

// Mean is the pooled effect as a share: 0.5 means that the others get half as much again done; se is its standard error. Without a look
// both are 0.
func (e Estimate) Mean(now time.Duration) (share, se float64) {
	if e.looks == 0 {
		return 0, 0
	}
	e = e.fade(now)
	mean := e.sum / e.weight
	return math.Expm1(mean), math.Exp(mean) / math.Sqrt(e.weight)
}

// Looks is how many looks there were.
func (e Estimate) Looks() int { return e.looks }
