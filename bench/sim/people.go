package sim

import (
	"time"

	"triage/bench/chance"
)

// people is how clients behave, without a clock and without a backend: what they want, and what they do with an answer. Everything is
// drawn from the number of whatever it is drawn for.
type people struct {
	sc   Scenario
	seed uint64
	dice *dice
}

// first is what a source's count-th user wants, after a pause.
func (p *people) first(s *source, count uint64) (c *call, think time.Duration) {
	id := mix(p.seed, uint64(s.index)<<40|count)
	p.dice.Reset(id)
	if s.path == nil {
		return &call{id: id, route: s.route, user: scramble(p.dice.Uint64()) % uint64(p.sc.Users)}, 0
	}
	v := &visit{path: s.path, user: id, stays: 1}
	for v.stays < len(v.path.Stages) && p.dice.Float64() >= v.path.Stages[v.stays-1].Leave {
		v.stays++
	}
	return p.stage(v, 0)
}

// stage is what a user wants at the n-th stage of a journey, after having thought.
func (p *people) stage(v *visit, n int) (c *call, think time.Duration) {
	at := v.path.Stages[n]
	c = &call{id: mix(v.user, uint64(n)), user: v.user, stage: n, visit: v, route: p.routeIndex(at.Route)}
	p.dice.Reset(c.id)
	return c, p.dice.Pause(at.Think)
}

func (p *people) routeIndex(name string) int {
	for i := range p.sc.Routes {
		if p.sc.Routes[i].Name == name {
			return i
		}
	}
	return -1
}

// request is the attempt that a user makes next.
func (p *people) request(c *call) Request {
	r := &p.sc.Routes[c.route]
	return Request{
		ID: mix(c.id, uint64(c.attempts)), Route: c.route, Class: r.Class, Session: c.user, Stage: c.stage,
		Attempt: c.attempts, Retry: c.attempts > 0 && p.sc.Clients.MarksRetries, Unsafe: r.Unsafe,
	}
}

// goesOn says whether the user of a call that was served wants another stage.
func (c *call) goesOn() bool { return c.visit != nil && c.stage+1 < c.visit.stays }

// again says whether and when a user tries again whose attempt was lost; willing is what the kind of loss says, after what a refusal
// advised.
func (p *people) again(c *call, r *Request, willing bool, after time.Duration) (wait time.Duration, yes bool) {
	retry := p.sc.Clients.Retry
	if !willing || c.attempts > retry.Times || r.Unsafe {
		return 0, false
	}
	if retry.Backoff > 0 {
		p.dice.Reset(mix(r.ID, chance.Retry))
		wait = p.dice.Pause(retry.Backoff << (c.attempts - 1))
	}
	if retry.Honour {
		wait = max(wait, after)
	}
	return wait, true
}
