package sim

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"triage/shed"
)

// Pool is a resource with a fixed number of slots: connections of a database, threads.
type Pool struct {
	Size int
	// Contention multiplies a service time by 1 + Contention·min(waiters/Size, 10).
	Contention float64
}

// Route is a kind of request.
type Route struct {
	Name    string
	Class   int
	Pool    string // "": no resource, the service time alone counts
	Service time.Duration
	Sigma   float64 // of the lognormal
}

// Phase is a stretch of time with given arrivals and faults; what it does not name is as in calm.
type Phase struct {
	Name  string
	For   time.Duration
	Rates map[string]float64 // requests a second
	Slow  map[string]float64 // by pool: service times are multiplied
	Fail  map[string]float64 // by route: share of fast errors
	// Capacity is by pool the number of waiters above which it answers at once with an error; 0: it never does.
	Reject map[string]int
}

// Scenario is a backend and what happens to it.
type Scenario struct {
	Name     string
	Classes  int
	Pools    map[string]Pool
	Routes   []Route
	Phases   []Phase
	Deadline time.Duration // of a client; 0 means a second
	Sessions int           // 0 means 5000
	// StallEvery and StallFor make the proxy's own process stand still now and then: mean gap and mean length, exponential. What
	// comes back meanwhile is seen when the stall ends.
	StallEvery, StallFor time.Duration
	// Unprotected leaves the controller out.
	Unprotected bool
}

// Tally counts what became of the requests of one route that arrived in one phase.
type Tally struct {
	Offered, Served, Refused, Failed int
	Latency                          []time.Duration // of those served, sorted
}

// Share is Served ÷ Offered, 1 if nothing was offered.
func (t Tally) Share() float64 {
	if t.Offered == 0 {
		return 1
	}
	return float64(t.Served) / float64(t.Offered)
}

// Result has a tally per phase and route, and the first second of each phase apart.
type Result struct {
	Phases  []map[string]*Tally
	First   []map[string]*Tally
	Entries []shed.Entry
	// Reasons counts refusals by route and reason.
	Reasons map[string]int
}

// Run simulates the scenario.
func Run(sc Scenario, seed uint64) Result {
	w := newWorld(sc, seed)
	w.schedule()
	for w.events.Len() > 0 {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.do()
	}
	return w.finish()
}

type world struct {
	sc     Scenario
	dice   *rand.Rand
	now    time.Duration
	end    time.Duration
	order  uint64
	events events
	pools  map[string]*pool
	ctl    *shed.Controller
	routes map[string]*shed.Route
	phase  int
	stall  time.Duration // end of the stall under way
	result Result
}

type request struct {
	route          Route
	phase          int
	first          bool
	ticket         shed.Ticket
	arrived, began time.Duration
	over           bool // the client has its answer, or has left
	back           bool // the ticket is back
}

func newWorld(sc Scenario, seed uint64) *world {
	w := &world{sc: sc, dice: rand.New(rand.NewPCG(seed, 1)), pools: map[string]*pool{}, routes: map[string]*shed.Route{}}
	if w.sc.Deadline == 0 {
		w.sc.Deadline = time.Second
	}
	if w.sc.Sessions == 0 {
		w.sc.Sessions = 5000
	}
	settings := shed.Settings{Classes: sc.Classes}
	for _, r := range sc.Routes {
		settings.Routes = append(settings.Routes, shed.RouteSettings{Name: r.Name, Class: r.Class})
	}
	ctl, err := shed.New(settings)
	if err != nil {
		panic(err)
	}
	routes, _ := ctl.Configure(0, settings)
	for _, r := range routes {
		w.routes[r.Name()] = r
	}
	w.ctl = ctl
	for name, p := range sc.Pools {
		w.pools[name] = &pool{Pool: p, slow: 1}
	}
	w.result.Reasons = map[string]int{}
	for range sc.Phases {
		w.result.Phases = append(w.result.Phases, tallies(sc))
		w.result.First = append(w.result.First, tallies(sc))
	}
	return w
}

func tallies(sc Scenario) map[string]*Tally {
	out := map[string]*Tally{}
	for _, r := range sc.Routes {
		out[r.Name] = &Tally{}
	}
	return out
}

// schedule puts every arrival, phase change and tick into the calendar.
func (w *world) schedule() {
	var at time.Duration
	for i, p := range w.sc.Phases {
		w.at(at, func() { w.enter(i) })
		for _, r := range w.sc.Routes {
			rate := p.Rates[r.Name]
			for t := at + w.gap(rate); rate > 0 && t < at+p.For; t += w.gap(rate) {
				first := t < at+time.Second
				w.at(t, func() { w.awake(func() { w.arrive(r, i, first) }) })
			}
		}
		at += p.For
	}
	w.end = at
	for t := w.pause(w.sc.StallEvery); w.sc.StallEvery > 0 && t < at; t += w.pause(w.sc.StallEvery) {
		w.at(t, func() { w.stall = w.now + w.pause(w.sc.StallFor) })
	}
	for t := time.Duration(0); t < at+2*time.Second; t += shed.TickEvery {
		w.at(t, func() { w.awake(func() { w.ctl.Tick(w.now); w.wake() }) })
	}
}

func (w *world) pause(mean time.Duration) time.Duration {
	return time.Duration(w.dice.ExpFloat64() * float64(mean))
}

// awake does something as soon as the process is not standing still.
func (w *world) awake(do func()) {
	if w.now < w.stall {
		w.at(w.stall, func() { w.awake(do) })
		return
	}
	do()
}

func (w *world) gap(rate float64) time.Duration {
	if rate <= 0 {
		return math.MaxInt64 / 4
	}
	return time.Duration(w.dice.ExpFloat64() / rate * float64(time.Second))
}

func (w *world) enter(i int) {
	w.phase = i
	for name, p := range w.pools {
		p.slow, p.reject = 1, w.sc.Phases[i].Reject[name]
		if f := w.sc.Phases[i].Slow[name]; f > 0 {
			p.slow = f
		}
	}
}

func (w *world) arrive(route Route, phase int, first bool) {
	q := &request{route: route, phase: phase, first: first, arrived: w.now}
	q.ticket = shed.Ticket{Route: w.routes[route.Name], Cohort: uint8(w.dice.IntN(w.sc.Sessions) % shed.Cohorts), Owner: q}
	w.count(q, func(t *Tally) { t.Offered++ })
	w.at(w.now+w.sc.Deadline, func() { w.giveUp(q) })
	if w.sc.Unprotected {
		w.serve(q)
		return
	}
	w.ctl.Admit(w.now, &q.ticket)
	switch {
	case q.ticket.Running():
		w.serve(q)
	case q.ticket.Waiting():
		w.at(w.now+w.ctl.Wait(q.ticket.Route), func() {
			if w.ctl.Leave(w.now, &q.ticket) {
				w.refused(q)
			}
		})
	default:
		w.refused(q)
	}
	w.wake()
}

func (w *world) wake() {
	for _, t := range slices.Clone(w.ctl.Woken()) {
		q := t.Owner.(*request)
		if t.Running() {
			w.serve(q)
		} else {
			w.refused(q)
		}
	}
}

func (w *world) refused(q *request) {
	if q.over {
		return
	}
	q.over = true
	w.result.Reasons[q.route.Name+" "+q.ticket.Reason.String()]++
	w.count(q, func(t *Tally) { t.Refused++ })
}

func (w *world) giveUp(q *request) {
	if q.over {
		return
	}
	q.over = true
	w.count(q, func(t *Tally) { t.Failed++ })
	if q.ticket.Running() && !w.sc.Unprotected {
		w.done(q, shed.Abandoned)
	} else if q.ticket.Waiting() {
		w.ctl.Leave(w.now, &q.ticket)
	}
}

// serve takes the request to its pool, or straight to its service.
func (w *world) serve(q *request) {
	q.began = w.now
	if w.dice.Float64() < w.sc.Phases[w.phase].Fail[q.route.Name] {
		w.at(w.now+time.Millisecond, func() { w.answer(q, false) })
		return
	}
	p := w.pools[q.route.Pool]
	if p == nil {
		w.at(w.now+w.draw(q.route, 1), func() { w.answer(q, true) })
		return
	}
	if p.reject > 0 && len(p.waiters) >= p.reject {
		w.at(w.now+time.Millisecond, func() { w.answer(q, false) })
		return
	}
	p.waiters = append(p.waiters, q)
	w.fill(p)
}

func (w *world) fill(p *pool) {
	for p.busy < p.Size && len(p.waiters) > 0 {
		q := p.waiters[0]
		p.waiters = p.waiters[1:]
		p.busy++
		crowd := math.Min(float64(len(p.waiters))/float64(p.Size), 10)
		w.at(w.now+w.draw(q.route, p.slow*(1+p.Contention*crowd)), func() {
			p.busy--
			w.answer(q, true)
			w.fill(p)
		})
	}
}

func (w *world) draw(r Route, factor float64) time.Duration {
	mean := r.Service.Seconds() * factor
	s := mean
	if r.Sigma > 0 {
		s = math.Exp(math.Log(mean) - r.Sigma*r.Sigma/2 + r.Sigma*w.dice.NormFloat64())
	}
	return time.Duration(s * float64(time.Second))
}

func (w *world) answer(q *request, ok bool) {
	w.awake(func() { w.tell(q, ok) })
}

// tell brings the backend's answer to the controller and to the client.
func (w *world) tell(q *request, ok bool) {
	outcome := shed.Success
	if !ok {
		outcome = shed.Failure
	}
	w.done(q, outcome)
	if q.over {
		return
	}
	q.over = true
	if !ok {
		w.count(q, func(t *Tally) { t.Failed++ })
		return
	}
	took := w.now - q.arrived
	w.count(q, func(t *Tally) { t.Served++; t.Latency = append(t.Latency, took) })
}

func (w *world) done(q *request, o shed.Outcome) {
	if q.back || w.sc.Unprotected {
		return
	}
	q.back = true
	w.ctl.Done(w.now, &q.ticket, o, 0)
	w.wake()
}

func (w *world) count(q *request, f func(*Tally)) {
	f(w.result.Phases[q.phase][q.route.Name])
	if q.first {
		f(w.result.First[q.phase][q.route.Name])
	}
}

func (w *world) finish() Result {
	for _, m := range w.result.Phases {
		for _, t := range m {
			slices.Sort(t.Latency)
		}
	}
	w.result.Entries = w.ctl.Entries(0, time.Unix(0, 0).UTC())
	return w.result
}
