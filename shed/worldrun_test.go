package shed_test

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"triage/shed"
)

// happening is an entry of a world's calendar.
type happening struct {
	at   time.Duration
	turn int
	what func()
}

// calendar is a heap; of two happenings at one instant the one that was planned first goes first.
type calendar []happening

func (c calendar) Len() int      { return len(c) }
func (c calendar) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c calendar) Less(i, j int) bool {
	return c[i].at < c[j].at || c[i].at == c[j].at && c[i].turn < c[j].turn
}
func (c *calendar) Push(x any) { *c = append(*c, x.(happening)) }
func (c *calendar) Pop() any {
	last := len(*c) - 1
	h := (*c)[last]
	*c = (*c)[:last]
	return h
}

const (
	mostVisitors  = 4000 / thin // in one world
	mostRate      = 3000        // of one route, a second
	patience      = time.Second
	answersWithin = 20.0 // seconds: the longest service
)

// run lets the weathers pass, one after the other.
func (w *world) run() {
	w.dice = rand.New(rand.NewPCG(w.seed, 1))
	c, err := shed.New(shed.Settings{Classes: w.classes, Observe: w.observe})
	if err != nil {
		w.t.Fatal(err)
	}
	w.c, w.inPool, w.running, w.waiting = c, make([]int, len(w.pools)), map[*visitor]bool{}, map[*visitor]bool{}
	w.routes = make([]*shed.Route, len(w.plan))
	for _, r := range w.plan {
		w.class, w.lastRun = append(w.class, r.class), append(w.lastRun, math.MinInt64/2)
	}
	w.configure(w.class)
	w.weather = &w.weathers[0]
	w.in(0, w.tick)
	at := time.Duration(0)
	for i := range w.weathers {
		w.in(at, func() { w.begin(&w.weathers[i]) })
		at += w.weathers[i].lasts
	}
	for w.number < mostVisitors && w.calendar[0].at < at {
		w.next()
	}
	w.closed = true
}

// rest sends nobody any more and waits until all have come back.
func (w *world) rest() {
	for len(w.running)+len(w.waiting) > 0 && w.now < time.Hour {
		w.next()
	}
}

func (w *world) next() {
	h := heap.Pop(&w.calendar).(happening)
	w.now = h.at
	h.what()
}

// in plans something a while from now.
func (w *world) in(wait time.Duration, what func()) {
	w.turn++
	heap.Push(&w.calendar, happening{w.now + wait, w.turn, what})
}

// at is the time that the controller is told. It may go backwards, and is then the latest seen.
func (w *world) at() time.Duration {
	w.seen = max(w.seen, w.now+w.jumped)
	return w.now + w.jumped
}

func (w *world) begin(next *weather) {
	if w.closed {
		return
	}
	w.weather = next
	w.jumped += next.jump
	if next.configure != nil {
		w.configure(next.configure)
	}
	for i := range w.plan {
		w.planVisit(i, next)
	}
}

// planVisit plans the next visitor of a route, while the weather lasts.
func (w *world) planVisit(i int, now *weather) {
	r, load := w.plan[i], 1.0
	if now.load != nil {
		load = now.load[i]
	}
	rate := math.Min(w.pools[r.pool]*r.load*load/r.service, mostRate)
	if rate == 0 {
		return
	}
	w.in(time.Duration(w.dice.ExpFloat64()/rate*float64(time.Second)), func() {
		if w.weather == now && !w.closed {
			w.arrive(i)
			w.planVisit(i, now)
		}
	})
}

// configure gives the routes classes; those with -1 go. Not with the classes of nobody: a world has one route at least.
func (w *world) configure(classes []int) {
	settings := shed.Settings{Classes: w.classes, Observe: w.observe}
	var at []int
	for i, class := range classes {
		if class >= 0 {
			r := w.plan[i]
			settings.Routes = append(settings.Routes, shed.RouteSettings{Name: fmt.Sprintf("r%d", i), Class: class, ErrorObjective: r.objective, Shares: r.shares, Alone: r.alone})
			at = append(at, i)
		}
		w.class[i] = class
	}
	routes, err := w.c.Configure(w.at(), settings)
	if err != nil {
		w.t.Fatal(err)
	}
	for k, i := range at {
		if w.routes[i] != routes[k] {
			w.routes[i], w.lastRun[i] = routes[k], math.MinInt64/2
		}
	}
	w.configured = w.now
	w.woken("Configure")
}

func (w *world) tick() {
	w.c.Tick(w.at())
	w.woken("Tick")
	w.in(shed.TickEvery+w.weather.late, w.tick)
}

// arrive brings a visitor. Who comes for a route that is gone came before that was known: its ticket is as good as any.
func (w *world) arrive(i int) {
	w.number++
	v := &visitor{route: i, arrived: w.now}
	v.Route, v.Cohort, v.Stage, v.Owner = w.routes[i], uint16(w.dice.IntN(shed.Cohorts)), uint8(w.dice.IntN(3)), v
	if v.Route == nil {
		return
	}
	w.declare(v)
	if w.arrived != nil {
		w.at()
		w.arrived(v)
	}
	w.c.Admit(w.at(), &v.Ticket)
	switch {
	case v.Running():
		w.start(v)
	case v.Waiting():
		w.waiting[v], v.waited = true, true
		wait := w.c.Wait(w.at(), &v.Ticket)
		if w.dice.IntN(10) == 0 {
			wait = time.Duration(w.dice.Float64() * float64(patience))
		}
		w.in(wait, func() { w.leave(v) })
	default:
		w.end(v, w.refused)
	}
	w.woken("Admit")
}

// declare lets a visitor say of itself what the weather lets people say.
func (w *world) declare(v *visitor) {
	if w.dice.Float64() < w.weather.deadlines {
		v.Deadline = max(w.at(), w.seen) + time.Duration(w.dice.ExpFloat64()*0.2*float64(time.Second))
	}
	if v.Retry = w.dice.Float64() < w.weather.retries; v.Retry && w.snapshot().Routes[v.Route.Name()].RetryStorm {
		v.demoted = 1
	}
	w.at()
	v.probe = w.seen-w.lastRun[v.route] >= time.Second
}

// woken takes those who have left the waiting room by themselves.
func (w *world) woken(call string) {
	for _, t := range w.c.Woken() {
		v := t.Owner.(*visitor)
		if !w.waiting[v] {
			w.t.Fatalf("%s woke a request of route %d that does not wait", call, v.route)
		}
		delete(w.waiting, v)
		if t.Running() {
			w.start(v)
		} else {
			w.end(v, w.refused)
		}
	}
	if w.after != nil {
		w.after(call)
	}
}

func (w *world) leave(v *visitor) {
	left := w.c.Leave(w.at(), &v.Ticket)
	if left != w.waiting[v] {
		w.t.Fatalf("Leave of a request that waits (%v) says %v", w.waiting[v], left)
	}
	if left {
		delete(w.waiting, v)
		w.end(v, w.refused)
	}
	w.woken("Leave")
}

// start sends a visitor to the backend, which answers the slower the more is with it.
func (w *world) start(v *visitor) {
	v.begun++
	w.running[v] = true
	if w.admitted != nil {
		w.admitted(v)
	}
	w.lastRun[v.route] = w.seen
	r, slow, bad := w.plan[v.route], w.weather.slow, trouble{}
	if w.weather.trouble != nil {
		bad = w.weather.trouble[v.route]
	}
	w.inPool[r.pool]++
	crowd := math.Max(1, float64(w.inPool[r.pool])/w.pools[r.pool])
	took := math.Min(r.service*slow*crowd*math.Exp(r.sigma*w.dice.NormFloat64()-r.sigma*r.sigma/2), answersWithin)
	outcome := shed.Success
	if w.dice.Float64() < bad.share {
		outcome = bad.outcome
	}
	switch {
	case outcome == shed.Timeout:
		took = patience.Seconds()
	case outcome == shed.Abandoned:
		took *= w.dice.Float64()
	case outcome != shed.Success && w.dice.IntN(2) == 0:
		took = 0.001
	case took > patience.Seconds():
		took, outcome = patience.Seconds(), shed.Abandoned
	}
	w.in(time.Duration(took*float64(time.Second)), func() { w.back(v, outcome) })
}

func (w *world) back(v *visitor, outcome shed.Outcome) {
	waited := time.Duration(0)
	if w.dice.IntN(20) == 0 {
		waited = time.Duration(w.dice.NormFloat64() * float64(time.Second))
	}
	w.inPool[w.plan[v.route].pool]--
	delete(w.running, v)
	w.c.Done(w.at(), &v.Ticket, outcome, waited)
	if outcome == shed.Failure {
		w.failed = w.seen
	}
	if w.finished != nil {
		w.finished(v, outcome)
	}
	w.end(v, nil)
	w.woken("Done")
}

func (w *world) end(v *visitor, tell func(*visitor)) {
	v.ended++
	if tell != nil {
		tell(v)
	}
}
