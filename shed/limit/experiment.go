package limit

import (
	"math"
	"time"
)

// begin holds the limit where requests really are: a limit that does not bind measures nothing.
func (s State) begin(in Sample) State {
	s.Limit = math.Max(1, math.Min(s.Limit, float64(max(in.Peak, in.InFlight))))
	s.top = reading{}
	return s.drainTo(in, Hold)
}

// drainTo waits until what is in flight fits the limit, then goes on to the next phase.
func (s State) drainTo(in Sample, next Phase) State {
	s.Phase, s.next, s.until = Drain, next, in.Now+drainFor
	s.ghosts, s.rounds = 0, 0
	return s
}

// settle waits for what was admitted under the old limit to leave before anything is counted.
func (s State) settle(in Sample) State {
	wait := time.Duration(1.2 * in.Y * meanBase(in) * float64(time.Second))
	s.until = in.Now + max(settleTick, min(wait, drainFor))
	s.collecting = false
	s.now = reading{limit: s.Limit}
	return s
}

func meanBase(in Sample) float64 {
	if in.Samples == 0 {
		return 0
	}
	return in.Base / float64(in.Samples)
}

// gather adds the tick to the reading under way; done says that it is complete.
func (s State) gather(in Sample) (State, bool) {
	if in.Now < s.until {
		return s, false
	}
	if !s.collecting {
		s.collecting, s.now.began = true, in.Now
		return s, false
	}
	s.now.samples += in.Samples
	s.now.lost += in.Lost
	s.now.sum += in.Sum
	s.now.base += in.Base
	s.now.took = in.Now - s.now.began
	if s.now.earlyBase == 0 || 2*s.now.samples <= collect {
		s.now.earlySum, s.now.earlyBase = s.now.sum, s.now.base
	}
	want := collect
	if s.upward() {
		want = collectUp
	}
	enough := s.now.samples >= want && s.now.took >= collectLeast || s.now.took >= collectFor && s.now.samples >= minCollect
	return s, enough
}

// upward reports that the experiment under way looks at a higher limit than the reference.
func (s State) upward() bool { return s.Phase == Look && s.now.limit > s.first.limit }

func (s State) hold(in Sample) (State, Reason) {
	s, done := s.gather(in)
	if !done {
		return s, None
	}
	if s.now.y() < relieved*s.Scale {
		return s.rest(in), None
	}
	s.first = s.now
	return s.cut(in, step)
}

// cut lowers the limit by a factor, never below what critical demand needs while the backend is as slow as it is: nothing
// critical is refused to find something out. By Little's law that leaves room for a cut as long as critical demand is less than
// half of the capacity. With more the limit goes up instead: latency that does not follow it upward is not load either, and it
// costs nobody anything.
func (s State) cut(in Sample, factor float64) (State, Reason) {
	need := s.floor(in)
	if !s.now.censored() { // else the latency says when clients lost patience, and a floor made of it would hold the flood
		need *= math.Min(math.Max(1, s.now.y()/s.Scale), slowest)
	}
	limit := math.Max(s.now.limit*factor, need)
	if limit > 0.95*s.now.limit {
		s.first, s.Limit = s.now, stepUp*s.now.limit
		return s.drainTo(in, Look), OnlyCritical
	}
	s.Limit = limit
	return s.drainTo(in, Look), Probing
}

func (s State) drain(in Sample) (State, Reason) {
	if float64(in.InFlight) > 1.1*s.Limit+1 && in.Now < s.until {
		return s, None
	}
	s.Phase = s.next
	return s.settle(in), None
}

func (s State) look(in Sample) (State, Reason) {
	s, done := s.gather(in)
	if !done {
		return s, None
	}
	haunted := float64(s.ghosts) > lostShare*float64(s.now.samples)
	slow := s.now.y() > relieved*s.Scale
	if slow && !haunted && in.Now < s.hauntedTill {
		return s.settle(in), None
	}
	if slow && (haunted || s.now.drifts()) && s.rounds < moreRounds {
		s.rounds, s.ghosts = s.rounds+1, 0
		return s.settle(in), None
	}
	if haunted {
		s.now.lost = s.now.samples
	}
	y1, y2 := s.first.y(), s.now.y()
	dose := math.Log(s.now.limit / s.first.limit)
	e := math.Log(y2/y1) / dose
	eX := math.Log(s.now.rate()/s.first.rate()) / dose
	if s.upward() {
		return s.judgeUp(in, e, eX)
	}
	switch {
	case y2 < relieved*s.Scale:
		return s.rest(in), Relieved
	case s.now.censored() || s.first.censored():
	case math.Abs(e) < 0.4 && eX > 0.3:
		return s.undo(in), NotLoad
	case e < -0.4:
		if s.first.began > 0 { // what was seen while the flood came in is no state to go back to
			s.Limit = s.first.limit
		}
		return s.rest(in), Disturbed
	}
	s.first = s.now
	next, reason := s.cut(in, math.Min(0.6, math.Max(0.4, Target*s.Scale/y2)))
	if reason == Probing {
		reason = CutAgain
	}
	return next, reason
}

// judgeUp ends an experiment upward: the higher limit stays if it cost no latency and brought throughput.
func (s State) judgeUp(in Sample, e, eX float64) (State, Reason) {
	if e < 0.4 && eX > 0.3 && !s.now.censored() {
		s.Scale = math.Max(1, s.now.y())
		return s.rest(in), NotLoad
	}
	s.Limit = s.first.limit
	s = s.rest(in)
	s.restTill = in.Now + restUp
	return s, OnlyCritical
}

// undo accepts the latency as the scale and gives the slots back: those from before the first cut, if the latency was the same
// there.
func (s State) undo(in Sample) State {
	y := s.now.y()
	limit := s.first.limit
	if was := s.top.y(); s.top.limit > limit && was < sameLatency*y && y < sameLatency*was {
		limit = s.top.limit
	}
	s.Scale, s.Limit = math.Max(1, y), limit
	s = s.rest(in)
	s.accel = maxAccel
	return s
}

// rest ends an experiment.
func (s State) rest(in Sample) State {
	s.Phase, s.accel, s.lowSince = Steady, 1, -1
	s.restTill = in.Now + restAfter
	return s
}
