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
	id := mix(w.seed, uint64(s.index)<<40|s.count)
	w.planArrival(s)
	w.dice.state = id
	if s.path == nil {
		w.attempt(&call{id: id, route: s.route, user: scramble(w.dice.Uint64()) % uint64(w.sc.Users)})
		return
	}
	w.users++
	v := &visit{path: s.path, user: id, stays: 1}
	for v.stays < len(v.path.Stages) && w.dice.rng.Float64() >= v.path.Stages[v.stays-1].Leave {
		v.stays++
	}
	w.stage(v, 0)
}

// stage lets a user think and then go on.
func (w *world) stage(v *visit, n int) {
	at := v.path.Stages[n]
	c := &call{id: mix(v.user, uint64(n)), user: v.user, stage: n, visit: v, route: w.routeIndex(at.Route)}
	w.dice.state = c.id
	w.plan(w.dice.pause(at.Think), event{kind: atStage, call: c})
}

func (w *world) routeIndex(name string) int {
	for i := range w.routes {
		if w.routes[i].Name == name {
			return i
		}
	}
	return -1
}

// attempt sends a request, for the first time or again.
func (w *world) attempt(c *call) {
	if c.attempts == 0 {
		c.arrived, c.phase = w.now, w.phase
		w.result.offered(c)
	}
	r := &w.routes[c.route]
	j := &job{call: c, car: w.active[int(c.user%uint64(len(w.active)))], arrived: w.now, steps: r.steps}
	j.Request = Request{
		ID: mix(c.id, uint64(c.attempts)), Route: c.route, Class: r.Class, Session: c.user, Stage: c.stage,
		Attempt: c.attempts, Retry: c.attempts > 0 && w.sc.Clients.MarksRetries, Unsafe: r.Unsafe, world: j,
	}
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
	if c.visit == nil {
		return
	}
	if c.stage+1 < c.visit.stays {
		w.stage(c.visit, c.stage+1)
		return
	}
	w.result.visited(w.now, true)
}

// lost ends an attempt badly: the client tries again, or the call is over.
func (w *world) lost(j *job, again, refused bool, after time.Duration) {
	c, retry := j.call, w.sc.Clients.Retry
	if again && c.attempts <= retry.Times && !j.Unsafe && w.now < w.end {
		wait := time.Duration(0)
		if retry.Backoff > 0 {
			w.dice.state = mix(j.ID, 77)
			wait = w.dice.pause(retry.Backoff << (c.attempts - 1))
		}
		if retry.Honour {
			wait = max(wait, after)
		}
		w.plan(wait, event{kind: atStage, call: c})
		return
	}
	w.result.lost(c, refused)
	if c.visit != nil {
		w.result.visited(w.now, false)
	}
}
