// Package level answers one question: do lower classes have to go because a protected route's backend errors climb?
//
// A concurrency limit does not limit fast errors: a backend that answers 500 at once keeps nobody in flight. So errors
// have a law of their own. The level D counts classes from the bottom: at D = 1.5 the least important class is refused
// whole and half of the one above it, cohort by cohort.
//
// When. Per protected route a sequential test (CUSUM of Wald's log-likelihood ratio, reset at 0): p0 is the route's error
// objective, p1 = max(20 %, 5·p0); an error adds ln(p1/p0), a success ln((1−p1)/(1−p0)), the alarm is at ln(0.99/0.001) =
// 6.9. At an objective of 2 % three errors in a row raise it, one error in three requests at night does not, and 30 %
// errors raise it within about thirteen requests.
//
// Signs first. Errors that appear while the route's other answers are as fast as ever, nobody else fails and nobody else has grown are
// not caused by load, and neither are errors of one endpoint alone (signs.go). As long as there is no sign of load nobody is refused,
// for a minute; after that the experiment is made all the same, at most once a minute, because signs can be wrong.
//
// Then act, look, undo. The level rises by whole classes until at least a third of the work in flight is refused (a
// smaller dose could not be seen), and after the backend has settled forty requests of the protected route are counted.
// If its errors fell clearly the level is verified: it stays, or goes on to the next class while errors are above the
// objective. If they did not fall, load is not the cause (a bad deploy, a broken dependency): the level goes back to where
// it was verified last, and the next attempt waits 15 s, then twice as long each time, up to 5 min. So a broken checkout
// costs the others a second now and then, and nothing more.
//
// Return by a quarter of a class after a second with errors at the objective, then by twice as much each time; what makes them
// climb again is taken back and held for 2 s, then twice as long each time up to 8 s, or until demand has fallen by a
// quarter from where the cut was verified.
//
// The package is pure: time is the duration since the controller's start.
package level

import (
	"math"
	"time"
)

const (
	settleFor  = 200 * time.Millisecond
	enough     = 40
	few        = 10
	patience   = 3 * time.Second
	giveUp     = 6 * time.Second
	silence    = time.Second // without one outcome: its breaker is open, or nobody asks
	backStep   = 0.25
	backAfter  = time.Second
	firstRest  = 15 * time.Second
	longest    = 5 * time.Minute
	firstBlame = 2 * time.Second
	lastBlame  = 8 * time.Second
	// Without a sign of load: how long the experiment is put off, after how long without an alarm that begins anew, and how long it lasts
	// until it is told.
	doubtFor   = time.Minute
	doubtEnds  = 10 * time.Second
	doubtTold  = time.Second
	demandFell = 0.75 // of the demand at which the cut was verified: then the blame is old
)

// Reason says why the level moved.
type Reason string

// The reasons.
const (
	None     Reason = ""
	Climbing Reason = "a protected route's backend errors climbed"
	Helped   Reason = "errors fell with the cut, not enough yet"
	NotLoad  Reason = "not load: errors did not follow the cut"
	NoSign   Reason = "not load: nobody else fails or has grown, and the answers that come are as fast as ever"
	Endpoint Reason = "not load: one endpoint alone carries the errors"
	Calm     Reason = "errors are back at the objective"
	Relapse  Reason = "errors climbed again after the return"
)

// Sample is one tick of the protected route that is watched.
type Sample struct {
	Now time.Duration
	// Completed and Errors are the route's outcomes of this tick; Settle is how long it takes to answer.
	Completed, Errors int
	Settle            time.Duration
	// Alarmed is the sequential test's word; Recent its error share over the newest samples, of RecentN outcomes.
	Alarmed   bool
	Recent    float64
	RecentN   int
	Objective float64
	// Signs say whether load may be the cause; nil stands for yes.
	Signs *Signs
	// Offered is the demand of all that the level can reach, in slots, refused requests included.
	Offered float64
	// Shares is the share of the work in flight by how far a class is from the bottom: Shares[0] is the least important.
	// Protected classes are left out.
	Shares []float64
}

// State is the law's memory; the zero value is level 0, nothing tried.
type State struct {
	// Level is D.
	Level float64

	verified float64 // the last level that is known to help
	testing  bool
	until    time.Duration
	began    time.Duration
	counting bool
	n, errs  int
	e1       float64
	n1       int

	doubt     time.Duration // since when there has been an alarm without a sign of load; 0: not
	doubtSeen time.Duration // when there was last
	doubtTold bool

	restTill time.Duration
	rest     time.Duration
	holdTill time.Duration
	hold     time.Duration
	calm     time.Duration
	calmN    int
	returned bool    // the last move was downward
	back     float64 // the next step downward
	offered  float64 // demand when the cut was verified
}

// Testing reports whether a cut is being looked at.
func (s State) Testing() bool { return s.testing }

// Next moves the law by one tick.
func (s State) Next(in Sample) (State, Reason) {
	if s.testing {
		return s.look(in)
	}
	if in.Alarmed {
		return s.raise(in)
	}
	if s.Level > 0 {
		return s.comeBack(in)
	}
	return s, None
}

func (s State) raise(in Sample) (State, Reason) {
	s.calm, s.calmN = 0, 0
	if s.returned {
		s.returned = false
		s.hold = min(max(firstBlame, 2*s.hold), lastBlame)
		s.holdTill = in.Now + s.hold
		s.Level = math.Min(s.Level+math.Max(backStep, s.back/2), s.verified)
		s.back = backStep
		return s, Relapse
	}
	if in.Now < s.restTill || in.Signs != nil && in.Signs.Refused {
		return s, None
	}
	if in.Signs != nil && !in.Signs.Load() && s.verified == 0 {
		if s = s.wonder(in.Now); in.Now-s.doubt < doubtFor {
			return s.tell(in)
		}
		s.rest = max(s.rest, doubtFor/2) // so that the next is a minute away
	}
	next := dose(s.Level, in.Shares)
	if next <= s.Level {
		return s, None
	}
	s.e1, s.n1 = in.Recent, in.RecentN
	return s.try(in, next), Climbing
}

// wonder notes an alarm without a sign of load.
func (s State) wonder(now time.Duration) State {
	if s.doubt == 0 || now-s.doubtSeen > doubtEnds {
		s.doubt, s.doubtTold = now, false
	}
	s.doubtSeen = now
	return s
}

// tell says once why nothing is done.
func (s State) tell(in Sample) (State, Reason) {
	switch {
	case s.doubtTold || in.Now-s.doubt < doubtTold:
		return s, None
	case in.Signs.OneEndpoint:
		s.doubtTold = true
		return s, Endpoint
	}
	s.doubtTold = true
	return s, NoSign
}

// dose is the smallest whole level above from at which a third of the work in flight is refused.
func dose(from float64, shares []float64) float64 {
	var refused float64
	level := math.Floor(from + 1e-9)
	for k := int(level); k < len(shares); k++ {
		refused += shares[k]
		if shares[k] > 0 {
			level = float64(k + 1)
		}
		if refused >= 1.0/3 {
			break
		}
	}
	return math.Max(from, level)
}

func (s State) try(in Sample, next float64) State {
	s.Level, s.testing, s.counting = next, true, false
	s.until = in.Now + max(settleFor, 2*in.Settle)
	s.n, s.errs, s.began = 0, 0, in.Now
	return s
}

func (s State) look(in Sample) (State, Reason) {
	if in.Now < s.until {
		return s, None
	}
	if !s.counting {
		s.counting, s.began = true, in.Now
		return s, None
	}
	s.n += in.Completed
	s.errs += in.Errors
	took := in.Now - s.began
	switch {
	case s.n >= enough || took >= patience && s.n >= few:
		return s.judge(in)
	case took >= giveUp, s.n == 0 && took >= silence:
		return s.undo(in)
	}
	return s, None
}

func (s State) judge(in Sample) (State, Reason) {
	s.testing = false
	e2 := float64(s.errs) / float64(s.n)
	if !fell(s.e1, s.n1, e2, s.n) {
		return s.undo(in)
	}
	s.verified, s.returned, s.offered, s.back = s.Level, false, in.Offered, backStep
	if e2 <= 2*in.Objective {
		s.rest = 0
		return s, None
	}
	next := dose(s.Level, in.Shares)
	if next <= s.Level {
		return s, None
	}
	s.e1, s.n1 = e2, s.n
	return s.try(in, next), Helped
}

func (s State) undo(in Sample) (State, Reason) {
	s.testing = false
	s.Level = s.verified
	s.rest = min(max(firstRest, 2*s.rest), longest)
	s.restTill = in.Now + s.rest
	return s, NotLoad
}

// fell tests whether the error share fell clearly: by at least three tenths, and by two standard errors.
func fell(e1 float64, n1 int, e2 float64, n2 int) bool {
	if n1 == 0 || n2 == 0 {
		return false
	}
	p := (e1*float64(n1) + e2*float64(n2)) / float64(n1+n2)
	se := math.Sqrt(p * (1 - p) * (1/float64(n1) + 1/float64(n2)))
	return e2 < 0.7*e1 && e1-e2 > 2*se
}

func (s State) comeBack(in Sample) (State, Reason) {
	s.calmN += in.Completed
	if in.Recent > math.Max(2*in.Objective, 0.02) || s.calm == 0 {
		s.calm, s.calmN = in.Now, 0
		return s, None
	}
	held := in.Now < s.holdTill && in.Offered > demandFell*s.offered
	if held || in.Now-s.calm < backAfter || s.calmN < few {
		return s, None
	}
	s.Level = math.Max(0, s.Level-math.Max(s.back, backStep))
	s.calm, s.calmN, s.returned, s.back = in.Now, 0, true, 2*math.Max(s.back, backStep)
	if s.Level == 0 {
		s.verified, s.hold, s.returned = 0, 0, false
	}
	return s, Calm
}
