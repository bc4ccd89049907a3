package sim

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Crowd is the clients of a scenario without the simulated backend: it says what they send and when, is told what became of it, says
// what the same users send next, and makes a Result of it all. So the same users with the same wishes as in Run may ask a real
// service, and Judge compares what they got. A Crowd may be told from several goroutines.
type Crowd struct {
	arrivals []Want

	mu     sync.Mutex
	people people
	begin  []time.Duration // of the phases
	end    time.Duration   // of the last phase
	ends   []ended
}

// Want is an attempt that is to be sent.
type Want struct {
	// At is its instant since the run began.
	At time.Duration
	Request

	call *call
}

// Before is how long before it its user first wanted the same: 0 in a first attempt.
func (w Want) Before() time.Duration { return w.At - w.call.arrived }

// Journey is the journey that it is a stage of, "" if none, and Last says whether its user wants nothing after it.
func (w Want) Journey() (name string, last bool) {
	if w.call.visit == nil {
		return "", true
	}
	return w.call.visit.path.Name, !w.call.goesOn()
}

// Fate is what a client sees of an attempt in the end.
type Fate uint8

// The fates.
const (
	Served  Fate = iota // an answer
	Refused             // somebody in front of the backend said no
	Failed              // an error, or a broken answer
	Left                // nothing until the client's deadline
)

// End is how an attempt ended.
type End struct {
	At     time.Duration // since the run began
	Fate   Fate
	Reason string // of a refusal, in the word of whoever refused
	After  time.Duration
}

// ended is an attempt with its end; last says that its user did not try again.
type ended struct {
	want Want
	end  End
	last bool
}

// NewCrowd gives the clients that Run lets come with the same arguments.
func NewCrowd(sc Scenario, seed uint64) (*Crowd, error) {
	w, err := newWorld(sc, seed)
	if err != nil {
		return nil, err
	}
	c := &Crowd{people: w.people, end: w.end, begin: w.result.begin}
	for {
		e, more := w.calendar.next()
		if !more {
			break
		}
		if e.kind == atArrival {
			s := w.sources[e.index]
			s.count++
			w.planArrival(s)
			first, think := c.people.first(s, s.count)
			c.arrivals = append(c.arrivals, c.want(first, e.at+think))
		}
	}
	slices.SortStableFunc(c.arrivals, func(a, b Want) int { return cmp.Compare(a.At, b.At) })
	return c, nil
}

// Arrivals are the first wishes of all users, in the order of time. What they send after that Ended says.
func (c *Crowd) Arrivals() []Want { return c.arrivals }

// want makes an attempt at an instant.
func (c *Crowd) want(of *call, at time.Duration) Want {
	if of.attempts == 0 {
		of.arrived, of.phase = at, c.phase(at)
	}
	w := Want{At: at, Request: c.people.request(of), call: of}
	of.attempts++
	return w
}

func (c *Crowd) phase(at time.Duration) int {
	i := 0
	for i+1 < len(c.begin) && c.begin[i+1] <= at {
		i++
	}
	return i
}

// Ended tells how an attempt ended, once for each. It gives what the same user sends next, if there is something.
func (c *Crowd) Ended(w Want, e End) (next Want, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next, more = c.next(w, e)
	c.ends = append(c.ends, ended{w, e, !more || next.call != w.call})
	return next, more && next.At < c.end+drain
}

func (c *Crowd) next(w Want, e End) (next Want, more bool) {
	if e.Fate == Served {
		if !w.call.goesOn() {
			return next, false
		}
		after, think := c.people.stage(w.call.visit, w.call.stage+1)
		return c.want(after, e.At+think), true
	}
	retry := c.people.sc.Clients.Retry
	willing := map[Fate]bool{Refused: retry.Refusals, Failed: retry.Failures, Left: retry.Leaving}[e.Fate]
	wait, yes := c.people.again(w.call, &w.Request, willing && e.At < c.end, e.After)
	if !yes {
		return next, false
	}
	return c.want(w.call, e.At+wait), true
}

// Result is what became of everybody who came in the time of sc, which is the crowd's scenario or its beginning (Scenario.Until).
// started says when the backend began with an attempt, if it ever did; limits are the limits of whoever stood in front, every 100 ms.
func (c *Crowd) Result(sc Scenario, started func(id uint64) (time.Duration, bool), limits []float64) (*Result, error) {
	sc = sc.defaults()
	if err := sc.check(); err != nil {
		return nil, fmt.Errorf("checking scenario %q: %w", sc.Name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := newResult(sc, sc.lasts()+drain)
	r.Limits = slices.Grow(limits[:len(limits):len(limits)], int(r.until/sampleEvery)+1)
	for time.Duration(len(r.Limits))*sampleEvery < r.until {
		r.Limits = append(r.Limits, 0)
	}
	for _, e := range c.ends {
		if c := e.want.call; c.arrived < r.until || c.visit != nil {
			at, ran := started(e.want.ID)
			r.add(e, at, ran)
		}
	}
	r.finish()
	return r, nil
}

// add counts an attempt. One that was served without the backend's knowledge counts as begun when it was sent.
func (r *Result) add(e ended, started time.Duration, ran bool) {
	w, c := e.want, e.want.call
	r.Events++
	if w.Attempt == 0 {
		r.offered(c)
	}
	r.cell(w.At, w.Route).Attempts++
	if !ran && e.end.Fate == Served {
		started, ran = w.At, true
	}
	if ran {
		r.cell(started, w.Route).Admitted++
	}
	if ran && (e.end.Fate == Served || e.end.Fate == Left) {
		r.tally(c, func(t *Tally) { t.Latency = append(t.Latency, e.end.At-w.At) })
	}
	if e.end.Fate == Refused {
		r.cell(e.end.At, w.Route).Refusals++
		r.Reasons[r.names[w.Route]+" "+e.end.Reason]++
	}
	switch {
	case e.end.Fate == Served:
		r.served(c)
	case e.last:
		r.lost(c, e.end.Fate == Refused)
	}
	if c.visit != nil && e.last && !(e.end.Fate == Served && c.goesOn()) {
		r.visited(e.end.At, e.end.Fate == Served)
	}
}
