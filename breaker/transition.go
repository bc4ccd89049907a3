package breaker

import (
	"fmt"
	"slices"
	"time"
)

// settle does what the time that has passed brings with it and gives the time.
func (c *Circuit) settle(now time.Duration) time.Duration {
	now = c.clock.at(now)
	switch c.state {
	case Closed:
		c.ramping = c.ramping && !c.ramp.over(now)
	case Open:
		if c.settings.Trickle == 0 && now >= c.until && c.machine.beginTrial() {
			c.trial, c.leases, c.leased = trial{}, c.leases[:0], 0
			c.move(now, HalfOpen, "the open period is over")
		}
	case HalfOpen:
		c.expire(now)
	}
	return now
}

// expire takes back the leases that have run out. They are in order of their deadlines.
func (c *Circuit) expire(now time.Duration) {
	for c.state == HalfOpen && len(c.leases) > 0 && c.leases[0].deadline <= now {
		c.leases = slices.Delete(c.leases, 0, 1)
		c.trial.failed++
		c.trial.lost++
		c.judge(now)
	}
}

// Done says what became of a request. What comes after the state has changed does not count, nor does a probe's second word or one
// after its lease has run out. Of other permits the caller has to see to it that they come back once; a Pass does.
func (c *Circuit) Done(now time.Duration, p Permit, o Outcome) {
	now = c.settle(now)
	if p.generation != c.generation {
		return
	}
	switch c.state {
	case Closed:
		c.observe(now, o)
	case Open:
		c.trickled(now, o)
	case HalfOpen:
		c.probed(now, p, o)
	}
}

// observe takes in the outcome of a request of the closed state.
func (c *Circuit) observe(now time.Duration, o Outcome) {
	if o > Failure {
		return
	}
	if o == Success && c.evidence.sum == 0 {
		c.calm++
		return
	}
	next, enough := c.law.next(c.evidence, now, c.calm, o == Failure)
	c.evidence, c.calm = next, 0
	if enough {
		c.open(now, fmt.Sprintf("%d of %d failed, evidence %.1f of %.1f needed",
			next.failed, next.seen, next.sum, c.law.threshold(next)))
	}
}

// probed takes in the outcome of a probe.
func (c *Circuit) probed(now time.Duration, p Permit, o Outcome) {
	at := slices.IndexFunc(c.leases, func(l lease) bool { return l.number == p.lease })
	if at < 0 {
		return
	}
	c.leases = slices.Delete(c.leases, at, at+1)
	c.trial = c.trial.add(o)
	c.judge(now)
}

// trickled takes in the outcome of a request that passed while open: a trial without an end, in which failures that are ahead are
// forgotten, so that it closes as soon as successes are.
func (c *Circuit) trickled(now time.Duration, o Outcome) {
	if c.trial = c.trial.add(o); c.trial.failed > c.trial.succeeded {
		c.trial = trial{}
	}
	if c.trial.verdict() == healthy && c.machine.beginTrial() {
		c.close(now, c.trial.reason())
	}
}

// judge ends the trial if it is decided.
func (c *Circuit) judge(now time.Duration) {
	switch c.trial.verdict() {
	case healthy:
		c.close(now, c.trial.reason())
	case failing:
		c.open(now, c.trial.reason())
	}
}

// open opens, from closed or from half-open. A trial that is on ends with its machine.
func (c *Circuit) open(now time.Duration, reason string) {
	if c.state == Closed && now-c.closedAt >= forgiveAfter {
		c.openings = 0
	}
	c.until = now + min(period(c.settings.OpenFor, c.settings.MaxOpen, c.openings, c.settings.Dice()), farthest)
	c.openings++
	c.machine = openMachine(c.settings.Name)
	c.trial, c.trickle = trial{}, trickle{last: now}
	c.move(now, Open, reason)
}

// close closes after a trial. The evidence starts anew, the memory of how busy the route was does not.
func (c *Circuit) close(now time.Duration, reason string) {
	to := c.machine.endTrial()
	c.evidence.sum, c.evidence.seen, c.evidence.failed = 0, 0, 0
	c.closedAt = now
	c.ramping, c.ramp = true, newRamp(now, c.settings.RampFor)
	c.move(now, to, reason)
}

// move enters a state. Permits of the one before no longer count.
func (c *Circuit) move(now time.Duration, to State, reason string) {
	c.changes = append(c.changes, Change{Name: c.settings.Name, From: c.state, To: to, At: now, Reason: reason})
	c.state, c.since = to, now
	c.generation++
}
