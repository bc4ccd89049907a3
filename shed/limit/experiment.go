package limit

import (
	"math"
	"time"
)

// begin starts an experiment with the reference: a reading at the limit as it is. In a flood there is no time for that, and the cut comes
// first.
func (s State) begin(in Sample) (State, Reason) {
	s.ghosts, s.rounds = 0, 0
	s.now = reading{limit: s.Limit, began: in.Now}
	if in.Y > flooded*Target*s.Scale {
		s.first, s.now.base, s.now.sum, s.now.samples, s.now.took = reading{}, in.Useful, in.Useful*in.Y, in.Samples, time.Second
		return s.cut(in)
	}
	s.Phase = Hold
	return s, None
}

// hold takes the reference.
func (s State) hold(in Sample) (State, Reason) {
	n := enough(in)
	s.now = s.now.add(in, n)
	if !s.now.full(n) {
		return s, None
	}
	switch {
	case s.now.y() < suspicious*s.Scale || !s.Binding(in):
		s.Phase, s.now = Steady, reading{}
		return s, None
	case s.now.drifts() && s.rounds < moreRounds:
		s.rounds++
		s.now = reading{limit: s.Limit, began: in.Now}
		return s, None
	}
	s.first = s.now
	return s.cut(in)
}

// drain waits until what is in flight fits the limit.
func (s State) drain(in Sample) State {
	s.Phase, s.until = Drain, in.Now+drainFor
	s.ghosts, s.rounds = 0, 0
	return s
}

func (s State) draining(in Sample) (State, Reason) {
	if float64(in.InFlight) > 1.1*s.Limit+1 && in.Now < s.until {
		return s, None
	}
	s.Phase, s.looking = Look, in.Now
	return s.settle(in), None
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

// upward reports that the experiment under way looks at a higher limit than the reference.
func (s State) upward() bool {
	return s.Phase == Look && s.now.limit > s.first.limit && s.first.limit > 0
}

// cut lowers the limit to what would be right if load were the cause, but by so much that it can be seen, and never below what critical
// demand needs while the backend is as slow as it is: nothing critical is refused to find something out. By Little's law that leaves
// room for a cut as long as critical demand is less than half of the capacity. With more the limit goes up instead: latency that does
// not follow it upward is not load either, and it costs nobody anything.
func (s State) cut(in Sample) (State, Reason) {
	again := s.first.limit > s.now.limit
	factor := math.Min(shallow, math.Max(deepest, Target*s.Scale/s.now.y()))
	need := s.floor(in)
	if in.Critical > 0 && !s.now.censored() { // else the latency says when clients lost patience, and a floor made of it would hold the flood
		need *= math.Min(math.Max(1, s.now.y()/s.Scale), slowest)
	}
	if s.saturated {
		need = 1
	}
	limit := math.Max(s.now.limit*factor, need)
	if limit > 0.95*s.now.limit {
		s.first, s.Limit = s.now, stepUp*s.now.limit
		return s.drain(in), OnlyCritical
	}
	s.Limit, s.ignorant = limit, false
	if again {
		return s.drain(in), CutAgain
	}
	return s.drain(in), Probing
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
	want := enough(in)
	switch {
	case s.upward():
		want = max(want, collectUp)
	case s.first.limit == 0: // it is relieved, or becomes the reference
		want /= 2
	}
	s.now = s.now.add(in, want)
	return s, s.now.full(want)
}

func (s State) look(in Sample) (State, Reason) {
	s, done := s.gather(in)
	if !done {
		return s, None
	}
	haunted := float64(s.ghosts) > lostShare*float64(s.now.samples)
	slow := s.now.y() > relieved*s.Scale
	if slow && !haunted && in.Now < min(s.hauntedTill, s.looking+hauntedFor) {
		return s.settle(in), None
	}
	if slow && (haunted || s.now.drifts()) && s.rounds < moreRounds {
		s.rounds, s.ghosts = s.rounds+1, 0
		return s.settle(in), None
	}
	if haunted {
		s.now.lost = s.now.samples
	}
	if s.upward() {
		return s.judgeUp(in)
	}
	return s.judge(in, slow)
}

// judge ends an experiment downward. A backend that is busy does the same work whatever waits in it; one that does less now has slots
// to spare, and what it takes there is its own time: the slowness.
func (s State) judge(in Sample, slow bool) (State, Reason) {
	unsure := s.first.limit == 0 || s.first.censored() || s.now.censored()
	switch {
	case !slow:
		return s.rest(in), Relieved
	case unsure || !s.now.starves(s.first):
	case s.now.y() > 1.25*s.first.y():
		s.Limit = s.first.limit
		return s.rest(in), Disturbed
	default:
		return s.undo(in), NotLoad
	}
	s.first = s.now
	return s.cut(in)
}

// undo accepts the latency as the scale and goes back to the limit that belongs to it: the backend's slots are its throughput while it was
// busy, times the time that each takes.
func (s State) undo(in Sample) State {
	s.Scale = math.Max(1, s.now.y())
	s.Limit = math.Max(s.Limit, Target*s.first.rate()*s.Scale)
	s = s.rest(in)
	s.accel = maxAccel / 2
	return s
}

// judgeUp ends an experiment upward: the higher limit stays if it brought throughput.
func (s State) judgeUp(in Sample) (State, Reason) {
	if s.first.starves(s.now) && !s.now.censored() {
		s.Scale = math.Max(1, s.now.y())
		return s.rest(in), NotLoad
	}
	s.Limit, s.saturated, s.ignorant = s.first.limit, true, false
	held := s.first
	s = s.rest(in)
	s.restTill, s.first = in.Now+restUp, held // what was done under it is what the limit's way down is watched by
	return s, TooMuch
}

// rest ends an experiment.
func (s State) rest(in Sample) State {
	s.Phase, s.accel, s.lowSince = Steady, 1, -1
	s.first, s.now = reading{}, reading{}
	s.restTill = in.Now + restAfter
	return s
}
