package sim

import (
	"math"
	"slices"
	"time"
)

// Oracle runs the scenario with perfect knowledge in the place of a policy; package comment, "The oracle".
func Oracle(sc Scenario, seed uint64) (*Result, error) {
	sc.Sidecars.Count, sc.Sidecars.StallEvery = 1, 0 // one mind, which never stands still
	sc.Phases = append([]Phase(nil), sc.Phases...)
	for i := range sc.Phases {
		sc.Phases[i].Restart, sc.Phases[i].Jump = false, 0
	}
	w, err := newWorld(sc, seed)
	if err != nil {
		return nil, err
	}
	w.oracle = &oracle{w: w, load: make([]float64, len(w.pools)), shut: make([]bool, len(w.pools)), lines: make([]fifo, len(w.routes))}
	w.fresh = func(Facts) (Policy, error) { return w.oracle, nil }
	if err := w.startSidecars(); err != nil {
		return nil, err
	}
	return w.run()
}

// oracle lets a request go to the backend at the instant at which there is room for it on everything that it needs.
type oracle struct {
	w     *world
	load  []float64 // by resource: slots taken, or about to be
	shut  []bool    // by resource: someone better waits for it
	lines []fifo    // by route: who waits, by arrival
	woken []Woken
	turn  int // of the endpoints

	scratch []float64 // of shares
}

// room is the share of a slot by which a resource may be overbooked: less than any request takes.
const room = 1e-6

// Arrive puts everybody in line; who can run is let out by the same event.
func (o *oracle) Arrive(_ time.Duration, r *Request) Verdict {
	o.lines[r.Route].push(r.world.(*job))
	return Wait
}

// Done changes nothing: the oracle looks at the backend itself.
func (o *oracle) Done(time.Duration, *Request, Outcome) {}

// Leave takes a request out of its line.
func (o *oracle) Leave(_ time.Duration, r *Request) bool {
	o.lines[r.Route].remove(r.world.(*job))
	return true
}

// Tick does nothing.
func (o *oracle) Tick(time.Duration) {}

// TickEvery is 0: the oracle needs no ticks.
func (o *oracle) TickEvery() time.Duration { return 0 }

// NextWake is 0: time alone decides nothing.
func (o *oracle) NextWake() time.Duration { return 0 }

// Choose leaves out an endpoint that fails or hangs; the others take turns.
func (o *oracle) Choose(time.Duration, *Request) (endpoint int, ok bool) {
	bad := o.w.phases[o.w.phase].BadEndpoint
	o.turn++
	if n := o.w.sc.Endpoints; n > 1 && (bad.Fail > 0 || bad.Hang > 0) {
		return 1 + o.turn%(n-1), true
	}
	return o.turn % o.w.sc.Endpoints, true
}

// Woken lets out whom there is room for: class by class, in a class who has come furthest, then who came first. A resource that
// somebody better waits for is shut to the rest, or small requests would keep large ones out for ever.
func (o *oracle) Woken(time.Duration) []Woken {
	o.woken = o.woken[:0]
	for i := range o.shut {
		o.shut[i] = false
	}
	o.expire()
	for {
		j := o.best()
		if j == nil {
			return o.woken
		}
		if !o.fits(j) {
			o.close(j)
			continue
		}
		o.lines[j.Route].pop()
		o.take(j)
		o.woken = append(o.woken, Woken{Request: &j.Request, Start: true})
	}
}

// best is the head of a line that comes before all others, of those whose resources are not shut.
func (o *oracle) best() *job {
	var best *job
	for i := range o.lines {
		if o.lines[i].len() == 0 {
			continue
		}
		j := o.lines[i].jobs[o.lines[i].head]
		if !o.shutOut(j) && (best == nil || j.better(best)) {
			best = j
		}
	}
	return best
}

func (j *job) better(k *job) bool {
	switch {
	case j.Class != k.Class:
		return j.Class < k.Class
	case j.Stage != k.Stage:
		return j.Stage > k.Stage
	}
	return j.arrived < k.arrived
}

// expire refuses those who could not be answered in time any more: a request may go while its deadline leaves three times its mean
// service time, for what it will really take nobody knows before. If that is too much to ask, half of what the mean leaves.
func (o *oracle) expire() {
	for i := range o.lines {
		line := &o.lines[i]
		if line.len() == 0 {
			continue
		}
		limit, mean := o.w.sc.Clients.Deadline, seconds(o.mean(line.jobs[line.head]))
		most := max(limit-3*mean, (limit-mean)/2, 0)
		for line.len() > 0 && o.w.now-line.jobs[line.head].arrived > most {
			j := line.pop()
			o.woken = append(o.woken, Woken{Request: &j.Request, Reason: "oracle"})
		}
	}
}

// mean is how long the backend needs for the header of a request, in seconds, if it need not wait for anything.
func (o *oracle) mean(j *job) float64 {
	total := 0.0
	for k := range j.steps {
		if !j.steps[k].After {
			total += o.needs(j, k)
		}
	}
	return total
}

// needs is the mean time of a step, in seconds.
func (o *oracle) needs(j *job, k int) float64 {
	s := &j.steps[k]
	t := s.Service.Mean.Seconds() * o.w.phases[o.w.phase].slow[j.Route]
	if len(s.pools) > 0 {
		t *= s.pools[0].slow
	}
	if s.cache != nil {
		t *= 1 - s.cache.share()
	}
	return t
}

// shares is what a request books of a slot of each of its steps: of its time until the slot is free again the share that it will
// be taken for. A request with one step takes a whole slot. The slice is used again.
func (o *oracle) shares(j *job) []float64 {
	o.scratch = o.scratch[:0]
	total := 0.0
	for k := range j.steps {
		t := o.needs(j, k)
		total += t
		o.scratch = append(o.scratch, t)
	}
	before := 0.0
	for k, t := range o.scratch {
		if j.steps[k].Held {
			o.scratch[k] = (total - before) / math.Max(total, 1e-12)
		} else {
			o.scratch[k] = t / math.Max(before+t, 1e-12)
		}
		before += t
	}
	return o.scratch
}

func (o *oracle) take(j *job) {
	j.booked = slices.Clone(o.shares(j))
	for k, share := range j.booked {
		o.add(j, k, share)
	}
}

func (o *oracle) add(j *job, k int, share float64) {
	for _, res := range j.steps[k].pools {
		o.load[res.index] += share / float64(len(j.steps[k].pools))
	}
}

// tooMuch reports whether a resource has no room for a share of a request.
func (o *oracle) tooMuch(j *job, k int, res *resource, share float64) bool {
	return o.load[res.index]+share/float64(len(j.steps[k].pools)) > float64(res.size)+room
}

func (o *oracle) fits(j *job) bool {
	for k, share := range o.shares(j) {
		for _, res := range j.steps[k].pools {
			if o.tooMuch(j, k, res, share) {
				return false
			}
		}
	}
	return true
}

// close shuts what the request has to wait for.
func (o *oracle) close(j *job) {
	for k, share := range o.shares(j) {
		for _, res := range j.steps[k].pools {
			o.shut[res.index] = o.shut[res.index] || o.tooMuch(j, k, res, share)
		}
	}
}

func (o *oracle) shutOut(j *job) bool {
	for k := range j.steps {
		for _, res := range j.steps[k].pools {
			if o.shut[res.index] {
				return true
			}
		}
	}
	return false
}

// letGo gives back what a request has booked for its k-th step.
func (o *oracle) letGo(j *job, k int) {
	if k < len(j.booked) && j.booked[k] > 0 {
		o.add(j, k, -j.booked[k])
		j.booked[k] = 0
	}
}

// forget gives back everything.
func (o *oracle) forget(j *job) {
	for k := range j.booked {
		o.letGo(j, k)
	}
}

// settleOracle lets the oracle look at the backend again.
func (w *world) settleOracle() {
	if w.oracle != nil && len(w.active) > 0 {
		w.collect(w.active[0])
	}
}
