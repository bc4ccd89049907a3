package peer

import (
	"time"

	"triage/bench/sim"
)

// idleTick is the tick of peers that have nothing to do on it.
const idleTick = time.Second

// flight is what a peer keeps of a request between admission and its end.
type flight struct {
	began time.Duration
	// inFlight counts requests in flight at its admission, itself included.
	inFlight int
}

// immediate is the part common to peers without a waiting room: run or refuse at once.
type immediate struct{ inFlight int }

func (m *immediate) run(now time.Duration, r *sim.Request) sim.Verdict {
	m.inFlight++
	r.Policy = &flight{began: now, inFlight: m.inFlight}
	return sim.Start
}

// end takes a request out and gives its latency; false if it was never admitted here.
func (m *immediate) end(now time.Duration, r *sim.Request) (f *flight, latency time.Duration, ok bool) {
	f, ok = r.Policy.(*flight)
	if !ok {
		return nil, 0, false
	}
	m.inFlight--
	r.Policy = nil
	return f, max(0, now-f.began), true
}

func refuse(r *sim.Request, why string) sim.Verdict {
	r.Reason = why
	return sim.Refuse
}

// Leave reports false: nobody waits here.
func (m *immediate) Leave(time.Duration, *sim.Request) bool { return false }

// Woken gives nothing: nobody waits here.
func (m *immediate) Woken(time.Duration) []sim.Woken { return nil }

// NextWake is never: nobody waits here.
func (m *immediate) NextWake() time.Duration { return 0 }

// Tick does nothing.
func (m *immediate) Tick(time.Duration) {}

// TickEvery is long: there is nothing to do.
func (m *immediate) TickEvery() time.Duration { return idleTick }
