package sim

import "time"

// call is what a user wants: one request, however many attempts it takes.
type call struct {
	id       uint64
	route    int
	user     uint64
	stage    int
	visit    *visit // nil outside journeys
	attempts int
	phase    int
	arrived  time.Duration
}

// visit is a user on a journey.
type visit struct {
	path  *Journey
	user  uint64
	stays int // the number of stages the user wants
}

// arrive lets a user come, and plans the next one.
func (w *world) arrive(s *source) {
	s.count++
	w.planArrival(s)
	c, think := w.people.first(s, s.count)
	if c.visit == nil {
		w.attempt(c)
		return
	}
	w.plan(think, event{kind: atStage, call: c})
}

// attempt sends a request, for the first time or again.
func (w *world) attempt(c *call) {
	if c.attempts == 0 {
		c.arrived, c.phase = w.now, w.phase
		w.result.offered(c)
	}
	j := &job{call: c, car: w.active[int(c.user%uint64(len(w.active)))], arrived: w.now, steps: w.routes[c.route].steps}
	j.Request = w.people.request(c)
	j.world = j
	c.attempts++
	w.calendar.addLast(event{at: w.now + w.sc.Clients.Deadline, kind: atDeadline, job: j})
	w.reach(j)
}

// deadline lets a client leave that has no answer yet.
func (w *world) deadline(j *job) {
	if j.over {
		return
	}
	j.over = true
	if j.state == running {
		w.result.latency(w, j)
	}
	w.gone(j)
	w.lost(j, w.sc.Clients.Retry.Leaving, false, 0)
}

// served ends a call well.
func (w *world) served(j *job) {
	c := j.call
	w.result.latency(w, j)
	w.result.served(c)
	if c.goesOn() {
		next, think := w.people.stage(c.visit, c.stage+1)
		w.plan(think, event{kind: atStage, call: next})
	} else if c.visit != nil {
		w.result.visited(w.now, true)
	}
}

// lost ends an attempt badly: the client tries again, or the call is over.
func (w *world) lost(j *job, again, refused bool, after time.Duration) {
	if wait, yes := w.people.again(j.call, &j.Request, again && w.now < w.end, after); yes {
		w.plan(wait, event{kind: atStage, call: j.call})
		return
	}
	w.result.lost(j.call, refused)
	if j.call.visit != nil {
		w.result.visited(w.now, false)
	}
}
