package limit

import (
	"math"
	"time"
)

// Binding reports whether the limit keeps anybody out, or nearly; a limit that has not done so yet has to do so.
func (s State) Binding(in Sample) bool {
	share := 0.9
	if s.fresh {
		share = 1
	}
	return in.Waiting > 0 || float64(in.Peak) >= math.Max(1, share*s.Limit)
}

func (s State) steady(in Sample) (State, Reason) {
	s, faster := s.lowerScale(in)
	if faster {
		return s, Faster
	}
	binding := s.Binding(in)
	z := in.Y / s.Scale
	if s.fresh && binding && z > Target {
		return s.firstCut(in), Overload
	}
	s, keepsUp := s.keepsUp(in, binding)
	if keepsUp {
		return s, KeepsUp
	}
	if binding && z > suspicious+1.5*in.SE && in.Now >= s.restTill && in.Samples > 0 {
		return s.begin(in)
	}
	return s.follow(in, binding, z)
}

// follow moves the limit in proportion to what the latency is away from the target. It is paced by samples, and by how long an
// answer takes: what was let in now shows when it is answered.
func (s State) follow(in Sample, binding bool, z float64) (State, Reason) {
	if in.Samples == 0 || !binding {
		s.accel = 1
		return s, None
	}
	if s, starved := s.watch(in); starved {
		return s.undo(in), NotLoad
	} else {
		return s.step(in, z)
	}
}

func (s State) step(in Sample, z float64) (State, Reason) {
	pace := math.Min(float64(in.Samples)/fullPace, tickSeconds/(in.Y*meanBase(in)))
	pace = math.Min(pace, 1)
	if z > Target {
		s.accel = 1
		low := s.floor(in)
		if s.saturated {
			low = 1
		}
		s.Limit = math.Max(s.Limit*(1-math.Min(1-maxCut, gain*(z-Target))*pace), math.Min(s.Limit, low))
		return s, TooSlow
	}
	if s.ignorant || s.Limit < known*in.Peaks { // it has taken more than this before, or nobody knows what it takes
		s.Limit *= 1 + slowStart*math.Min(1, float64(in.Samples)/math.Max(leastPace, s.Limit))
		return s, RoomLeft
	}
	s.Limit *= 1 + gain*(Target-z)*s.accel*pace
	s.accel = math.Min(maxAccel, s.accel+accelStep)
	return s, RoomLeft
}

// watch keeps an eye on where the limit is led. If it has been lowered by much, and less work is done than before, then the latency that led it
// down was not its doing: the verdict of an experiment, without one.
func (s State) watch(in Sample) (State, bool) {
	n := enough(in)
	if s.now.limit == 0 {
		s.now = reading{limit: s.Limit, began: in.Now}
		return s, false
	}
	if s.now = s.now.add(in, n); !s.now.full(n) {
		return s, false
	}
	led := s.now
	s.now = reading{}
	if s.first.limit == 0 || led.concurrency() > shallow*s.first.concurrency() || led.censored() {
		if led.concurrency() >= s.first.concurrency() || s.first.limit == 0 {
			s.first = led
		}
		return s, false
	}
	if led.y() > relieved*s.Scale && led.starves(s.first) {
		s.now = led
		return s, true
	}
	s.first = led
	return s, false
}

const tickSeconds = 0.1

// floor is what critical demand needs, with a margin, once the backend is as fast as the scale says.
func (s State) floor(in Sample) float64 { return math.Max(1, 1.15*in.Critical*s.Scale) }

// firstCut goes to the useful concurrency at once, at least to four fifths of what was healthy before: too low a start costs
// as much as too high a one.
func (s State) firstCut(in Sample) State {
	inFlight := float64(in.InFlight)
	z := math.Max(1, in.Y/s.Scale)
	limit := math.Max(math.Min(in.Useful*s.Scale, inFlight/z)*Target, 0.8*in.Peaks)
	s.first = reading{}
	if in.Peaks < leastStart { // hardly anything is known: a guess must not begin at next to nothing
		limit, s.ignorant = math.Max(limit, leastStart), true
	}
	s.Limit = math.Max(1, math.Min(limit, math.Max(inFlight, in.Peaks)))
	s.fresh = false
	if s.Limit > 0.8*inFlight {
		s.restTill = in.Now // too small a step to learn from
		return s
	}
	return s.drain(in)
}

// keepsUp is the passive half of the verdict: latency stays high, but all that is offered is served and nobody waits. An
// overloaded backend cannot do that. So it is slow, not overloaded, and cutting would only cost.
func (s State) keepsUp(in Sample, binding bool) (State, bool) {
	if binding || in.Y/s.Scale <= suspicious || float64(in.Lost) > lostShare*float64(in.Samples) {
		s.freeSince = -1
		return s, false
	}
	if s.freeSince < 0 {
		s.freeSince = in.Now
		return s, false
	}
	need := max(keepsUpFor, time.Duration(5*in.Y*meanBase(in)*float64(time.Second)))
	if in.Now-s.freeSince < need {
		return s, false
	}
	s.Scale, s.freeSince = in.Y, -1
	return s, true
}

// lowerScale lets the accepted slowness go when the backend has been faster than it for a while.
func (s State) lowerScale(in Sample) (State, bool) {
	if s.Scale <= 1 || in.Y > scaleFalls*s.Scale {
		s.lowSince = -1
		return s, false
	}
	if s.lowSince < 0 {
		s.lowSince = in.Now
		return s, false
	}
	if in.Now-s.lowSince < scaleAfter {
		return s, false
	}
	s.Scale, s.lowSince = math.Max(1, in.Y), -1
	return s, true
}
