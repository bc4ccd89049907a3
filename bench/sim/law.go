package sim

import (
	"container/heap"
	"fmt"
	"slices"
	"time"

	"triage/shed"
)

// Law is the real controller of package shed, with the real breakers, behind the Policy interface.
type Law struct {
	controller *shed.Controller
	breakers   *breakers
	routes     []*shed.Route
	woken      []Woken
	waiting    deadlines
	sessions   sessions
	would      map[string]int // by route, while it observes: how many it would have refused
}

// lawTicket is a request's ticket, and when its wait is over.
type lawTicket struct {
	shed.Ticket
	passes
	request *Request
	until   time.Duration
	index   int // in the heap; -1: it does not wait
}

// NewLaw makes the law.
func NewLaw(f Facts) (Policy, error) { return newLaw(f, false) }

// NewObserver makes a law that decides and refuses nothing.
func NewObserver(f Facts) (Policy, error) { return newLaw(f, true) }

func newLaw(f Facts, observe bool) (*Law, error) {
	settings := shed.Settings{Classes: f.Classes, Observe: observe}
	for _, r := range f.Routes {
		settings.Routes = append(settings.Routes, shed.RouteSettings{Name: r.Name, Class: r.Class})
	}
	controller, err := shed.New(settings)
	if err != nil {
		return nil, fmt.Errorf("making the law: %w", err)
	}
	routes, err := controller.Configure(0, settings)
	if err != nil {
		return nil, fmt.Errorf("making the law: %w", err)
	}
	breakers, err := newBreakers(f, observe)
	if err != nil {
		return nil, fmt.Errorf("making the law: %w", err)
	}
	return &Law{controller: controller, breakers: breakers, routes: routes, sessions: newSessions(f), would: map[string]int{}}, nil
}

// Arrive asks the controller.
func (l *Law) Arrive(now time.Duration, r *Request) Verdict {
	t := &lawTicket{request: r, index: -1}
	t.Route, t.Owner = l.routes[r.Route], t
	t.Retry, t.Deadline = r.Retry, r.Deadline
	t.Stage, t.Cohort = l.sessions.look(now, r)
	r.Policy = t
	l.controller.Admit(now, &t.Ticket)
	if t.Would != shed.Admitted {
		l.would[t.Route.Name()]++
	}
	switch {
	case t.Running():
		return Start
	case t.Waiting():
		t.until = now + l.controller.Wait(now, &t.Ticket)
		heap.Push(&l.waiting, t)
		return Wait
	}
	r.Reason = t.Reason.String()
	return Refuse
}

// reasonBreaker is package proxy's word for a refusal by a route's breaker.
const reasonBreaker = "breaker"

// Choose asks the breakers. A request that its route's breaker refuses has taken a slot for nothing.
func (l *Law) Choose(now time.Duration, r *Request) (endpoint int, ok bool) {
	t := r.Policy.(*lawTicket)
	t.passes, ok = l.breakers.choose(now, r)
	switch {
	case ok:
	case t.at != nil: // it only observes, and a request would have been refused once
		if t.Would == shed.Admitted {
			l.would[t.Route.Name()]++
		}
	default:
		r.Reason = reasonBreaker
		l.controller.Done(now, &t.Ticket, shed.NotSent, 0)
		return 0, false
	}
	t.Endpoint = t.at.Index + 1
	return t.at.Index, true
}

// Done brings the ticket and the passes back.
func (l *Law) Done(now time.Duration, r *Request, o Outcome) {
	t := r.Policy.(*lawTicket)
	l.breakers.done(now, r, t.passes, o)
	outcome := [...]shed.Outcome{Success: shed.Success, Failure: shed.Failure, Timeout: shed.Timeout, Abandoned: shed.Abandoned}[o]
	if outcome == shed.Success {
		l.sessions.complete(now, r)
	}
	if t.endpoint.Probe() {
		outcome = shed.NotSent // as in package proxy: an endpoint's probe says nothing of the load on the others
	}
	l.controller.Done(now, &t.Ticket, outcome, 0)
}

// Leave takes a waiting ticket back.
func (l *Law) Leave(now time.Duration, r *Request) bool {
	t := r.Policy.(*lawTicket)
	left := l.controller.Leave(now, &t.Ticket)
	if left {
		l.forget(t)
	}
	return left
}

// Tick measures and moves.
func (l *Law) Tick(now time.Duration) { l.controller.Tick(now) }

// TickEvery is the law's own.
func (l *Law) TickEvery() time.Duration { return shed.TickEvery }

// Woken gives those whom the controller has let out, and those whose deadline in the waiting room has come.
func (l *Law) Woken(now time.Duration) []Woken {
	l.woken = l.woken[:0]
	l.take()
	for len(l.waiting) > 0 && l.waiting[0].until <= now {
		t := l.waiting[0]
		if l.controller.Leave(now, &t.Ticket) {
			l.woken = append(l.woken, Woken{Request: t.request, Reason: t.Reason.String()})
		}
		l.forget(t)
		l.take()
	}
	return l.woken
}

// take collects what the controller has let out.
func (l *Law) take() {
	for _, w := range l.controller.Woken() {
		t := w.Owner.(*lawTicket)
		l.forget(t)
		l.woken = append(l.woken, Woken{Request: t.request, Start: w.Running(), Reason: w.Reason.String()})
	}
}

func (l *Law) forget(t *lawTicket) {
	if t.index >= 0 {
		heap.Remove(&l.waiting, t.index)
	}
}

// NextWake is the first deadline in the waiting room.
func (l *Law) NextWake() time.Duration {
	if len(l.waiting) == 0 {
		return 0
	}
	return l.waiting[0].until
}

// WouldRefuse is how many requests of each route the law would have refused so far, if it did not only observe.
func (l *Law) WouldRefuse() map[string]int { return l.would }

// RetryAfter is the law's advice.
func (l *Law) RetryAfter(now time.Duration, r *Request) time.Duration {
	t := r.Policy.(*lawTicket)
	if r.Reason == reasonBreaker {
		return max(l.breakers.routes[r.Route].RetryIn(now), time.Second)
	}
	return l.controller.RetryAfter(now, t.Route, t.Reason)
}

// Limit is the sum of the groups' limits.
func (l *Law) Limit() float64 {
	sum := 0.0
	for _, g := range l.controller.Snapshot(time.Time{}).Groups {
		sum += g.Limit
	}
	return sum
}

// CriticalProbes counts critical requests that were spent on breakers.
func (l *Law) CriticalProbes() int { return l.breakers.spent }

// Entries is what the law and the breakers changed, and why.
func (l *Law) Entries() []shed.Entry {
	epoch := time.Unix(0, 0).UTC()
	all := append(l.controller.Entries(0, epoch), l.breakers.entries(epoch)...)
	slices.SortStableFunc(all, func(a, b shed.Entry) int { return a.Time.Compare(b.Time) })
	return all
}

// deadlines is a heap of tickets that wait, the first whose wait is over at the root.
type deadlines []*lawTicket

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].until < d[j].until }
func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].index, d[j].index = i, j
}

func (d *deadlines) Push(x any) {
	t := x.(*lawTicket)
	t.index = len(*d)
	*d = append(*d, t)
}

func (d *deadlines) Pop() any {
	last := len(*d) - 1
	t := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	t.index = -1
	return t
}
