package sim

import (
	"time"

	"triage/bench/chance"
)

// fast is how long an error takes that needs no work.
const fast = time.Millisecond

// cache is a Cache at work.
type cache struct {
	Cache
	filled float64
}

func (c *cache) share() float64 { return c.Hit * c.filled / c.Entries }

func (c *cache) fill() { c.filled += 1 - c.filled/c.Entries }

// empty makes every cache of the route cold.
func (r *route) empty() {
	for i := range r.steps {
		if c := r.steps[i].cache; c != nil {
			c.filled = 0
		}
	}
}

// serve sends an attempt to the backend.
func (w *world) serve(j *job) {
	j.state = running
	w.result.admitted(w, j)
	if w.sc.Sidecars.Timeout > 0 {
		w.plan(w.sc.Sidecars.Timeout, event{kind: atTimeout, job: j})
	}
	p := &w.phases[w.phase]
	w.dice.Reset(mix(j.ID, chance.Failure))
	fail, hang := p.fail[j.Route], p.hang[j.Route]
	if j.endpoint == 0 {
		fail = max(fail, p.BadEndpoint.Fail)
	}
	die := w.dice.Float64()
	if die < fail {
		j.finished = true
		w.forget(j)
		w.plan(fast, event{kind: atAnswer, job: j})
		return
	}
	if j.endpoint == 0 && die < fail+p.BadEndpoint.Hang {
		j.finished = true
		w.forget(j)
		w.plan(p.HangFor, event{kind: atAnswer, job: j})
		return
	}
	hangs := die < fail+hang
	if half := p.half[j.Route]; half > 0 && !hangs {
		j.halved = w.dice.Float64() < half
	}
	w.enter(j, hangs)
}

// enter takes a request to its next step, or to its answer.
func (w *world) enter(j *job, hangs bool) {
	p := &w.phases[w.phase]
	for j.step < len(j.steps) {
		s := &j.steps[j.step]
		if s.After {
			w.answer(j, true)
		}
		w.dice.Reset(mix(j.ID, chance.Step+uint64(j.step)))
		j.miss = s.cache != nil
		if s.cache != nil && !hangs && w.dice.Float64() < s.cache.share() {
			w.letGo(j)
			j.step++
			continue
		}
		j.work = w.dice.Service(s.Service) * p.slow[j.Route]
		if j.endpoint == 0 && p.BadEndpoint.Slow > 0 {
			j.work *= p.BadEndpoint.Slow
		}
		if j.failing = hangs; hangs {
			j.work = p.HangFor.Seconds()
		}
		if len(s.pools) == 0 {
			w.plan(seconds(j.work), event{kind: atStep, job: j, stamp: j.stamp})
			return
		}
		w.queue(s.pools[j.endpoint%len(s.pools)], j)
		return
	}
	w.finish(j, true)
}

// stepDone goes on after a step, unless a pause has come in between: then the rest of the service is still to be done.
func (w *world) stepDone(e event) {
	j := e.job
	if e.stamp != j.stamp {
		return
	}
	res := j.at
	if res != nil {
		if late := res.pauses - j.pauses; late > 0 {
			j.pauses = res.pauses
			w.plan(late, e)
			return
		}
		if j.steps[j.step].Held {
			j.holds = append(j.holds, res)
		} else {
			res.busy--
		}
	}
	w.goOn(j)
	if res != nil {
		w.fill(res)
	}
	w.settleOracle()
}

// goOn ends the step under way and begins the next.
func (w *world) goOn(j *job) {
	if j.miss {
		j.steps[j.step].cache.fill()
	}
	if !j.steps[j.step].Held {
		w.letGo(j)
	}
	j.at = nil
	j.step++
	if j.failing {
		w.finish(j, false)
		return
	}
	w.enter(j, false)
}

// finish ends the backend's work on a request.
func (w *world) finish(j *job, ok bool) {
	j.finished = true
	w.forget(j)
	w.release(j)
	w.answer(j, ok && !j.halved)
}

// answer sends the header, once: what fails afterwards breaks a body, and the sidecar has been told already.
func (w *world) answer(j *job, ok bool) {
	if !j.answered {
		j.answered = true
		w.plan(0, event{kind: atAnswer, job: j, ok: ok})
	}
}

// release gives back the slots that a request has held over its steps.
func (w *world) release(j *job) {
	holds := j.holds
	j.holds = nil
	for _, res := range holds {
		res.busy--
		w.fill(res)
	}
}

func (w *world) letGo(j *job) {
	if w.oracle != nil {
		w.oracle.letGo(j, j.step)
	}
}

func (w *world) forget(j *job) {
	if w.oracle != nil {
		w.oracle.forget(j)
	}
}

// drop takes a request off the backend's hands, if the backend cares that nobody waits for it any more.
func (w *world) drop(j *job) {
	if !w.sc.Abandon || j.finished {
		return
	}
	j.stamp++
	j.finished = true
	res := j.at
	j.at = nil
	switch {
	case res == nil:
	case res.Sharing == Processor:
		w.reshareBefore(res)
		res.leave(j)
		w.reshare(res)
	case j.queued >= 0:
		res.waiters.remove(j)
	default:
		res.busy--
		w.fill(res)
	}
	w.forget(j)
	w.release(j)
	w.settleOracle()
}
