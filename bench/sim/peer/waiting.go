package peer

import (
	"time"

	"triage/bench/sim"
)

// waiting is the part common to peers with a waiting room.
type waiting struct {
	immediate
	room    room
	decided []sim.Woken
}

func (w *waiting) wait(r *sim.Request, rank int, deadline time.Duration) sim.Verdict {
	w.room.add(r, rank, deadline)
	return sim.Wait
}

// fill hands free slots to those who wait, best first, and gives how many it let go.
func (w *waiting) fill(now time.Duration, limit int) int {
	let := 0
	for w.room.len() > 0 && w.inFlight < limit {
		p := w.room.next()
		w.room.remove(p)
		w.run(now, p.request)
		w.decided = append(w.decided, sim.Woken{Request: p.request, Start: true})
		let++
	}
	return let
}

func (w *waiting) turnAway(p *place, why string) {
	w.room.remove(p)
	p.request.Reason = why
	w.decided = append(w.decided, sim.Woken{Request: p.request, Reason: why})
}

// expire turns away whoever has waited until the deadline. All of a peer wait equally long, so the oldest is the first to go.
func (w *waiting) expire(now time.Duration) {
	for p := w.room.oldest(); p != nil && p.deadline <= now; p = w.room.oldest() {
		w.turnAway(p, "queue_timeout")
	}
}

// Leave takes a waiting request back.
func (w *waiting) Leave(_ time.Duration, r *sim.Request) bool {
	p, ok := r.Policy.(*place)
	if !ok {
		return false
	}
	w.room.remove(p)
	return true
}

// Woken gives what was decided, each request once.
func (w *waiting) Woken(now time.Duration) []sim.Woken {
	w.expire(now)
	out := w.decided
	// A fresh slice: the caller may come back while it still reads this one.
	w.decided = nil
	return out
}

// NextWake is the first deadline in the room.
func (w *waiting) NextWake() time.Duration {
	if p := w.room.oldest(); p != nil && p.deadline != never {
		return p.deadline
	}
	return 0
}
