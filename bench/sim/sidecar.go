package sim

import (
	"fmt"
	"time"
)

// sidecar is a policy and the process it lives in.
type sidecar struct {
	index   int
	policy  Policy
	chooser Chooser // the policy, if it is one
	dice    *dice
	offset  time.Duration // of its clock
	latest  time.Duration // on its clock
	stalled time.Duration // until when its process stands still
	stamp   uint32        // of the wake that counts
	wakeAt  time.Duration // on its clock; 0: none is planned
}

// jobState says where an attempt is, as its sidecar knows it.
type jobState uint8

const (
	outside jobState = iota
	waiting
	running
	told // its policy knows how it ended
)

// job is one attempt. Request is what the policy sees of it.
type job struct {
	Request
	call    *call
	car     *sidecar
	arrived time.Duration
	state   jobState
	over    bool // the client has its answer, or has left

	// The backend's side of it.
	steps    []step
	step     int
	endpoint int
	at       *resource
	queued   time.Duration
	pauses   time.Duration // that its resource had seen when its service began
	until    float64       // on a processor: when it is done, in the processor's own time
	work     float64       // seconds of service that the step under way takes, faults included
	stamp    uint32
	miss     bool
	failing  bool // its step ends in an error
	halved   bool // its answer breaks off in the middle
	finished bool // the backend has done with it
	answered bool // its header is on its way
	holds    []*resource
	booked   []float64 // by the oracle, by step
}

// startSidecars puts fresh sidecars in the place of those there are.
func (w *world) startSidecars() error {
	for i := range w.sc.Sidecars.Count {
		facts := w.facts(i)
		policy, err := w.fresh(facts)
		if err != nil {
			return fmt.Errorf("making the policy of sidecar %d: %w", i, err)
		}
		car := &sidecar{index: len(w.cars), policy: policy, dice: newDice(facts.Seed)}
		car.chooser, _ = policy.(Chooser)
		w.cars = append(w.cars, car)
		if i < len(w.active) {
			car.offset = w.active[i].offset
			w.active[i] = car
		} else {
			w.active = append(w.active, car)
		}
		if policy.TickEvery() > 0 {
			w.plan(w.firstTick(car), event{kind: atTick, index: car.index})
		}
		if every := w.sc.Sidecars.StallEvery; every > 0 {
			w.plan(car.dice.Pause(every), event{kind: atStall, index: car.index})
		}
	}
	return nil
}

// firstTick spreads the ticks of several sidecars, which have not been started at the same instant.
func (w *world) firstTick(car *sidecar) time.Duration {
	if w.sc.Sidecars.Count == 1 {
		return 0
	}
	return time.Duration(car.dice.Float64() * float64(car.policy.TickEvery()))
}

func (w *world) facts(i int) Facts {
	f := Facts{
		Classes: w.sc.Classes, Endpoints: w.sc.Endpoints, Timeout: or(w.sc.Sidecars.Timeout, w.sc.Clients.Deadline),
		Seed: sidecarSeed(w.seed, i+len(w.cars)), Hand: map[string]float64{"limit": w.sc.handLimit()},
	}
	for _, r := range w.sc.Routes {
		f.Routes = append(f.Routes, RouteFacts{r.Name, r.Class, w.sc.StageOf(r.Name)})
	}
	return f
}

// clock is the sidecar's own time: it never goes backwards.
func (w *world) clock(car *sidecar) time.Duration {
	car.latest = max(car.latest, w.now+car.offset)
	return car.latest
}

// asleep puts an event off until the sidecar's process goes on.
func (w *world) asleep(car *sidecar, e event) bool {
	if w.now >= car.stalled {
		return false
	}
	w.plan(car.stalled-w.now, e)
	return true
}

func (w *world) stall(car *sidecar) {
	car.stalled = max(car.stalled, w.now+car.dice.Pause(w.sc.Sidecars.StallFor))
	if w.now < w.end {
		w.plan(car.dice.Pause(w.sc.Sidecars.StallEvery), event{kind: atStall, index: car.index})
	}
}

func (w *world) tick(car *sidecar) {
	if !w.asleep(car, event{kind: atTick, index: car.index}) {
		car.policy.Tick(w.clock(car))
		w.collect(car)
		w.plan(car.policy.TickEvery(), event{kind: atTick, index: car.index})
	}
}

// reach brings an attempt to its sidecar.
func (w *world) reach(j *job) {
	if j.over || w.asleep(j.car, event{kind: atReach, job: j}) {
		return
	}
	w.result.attempted(w, j)
	if w.sc.Clients.TellsDeadline {
		j.Deadline = w.clock(j.car) + j.arrived + w.sc.Clients.Deadline - w.now
	}
	switch j.car.policy.Arrive(w.clock(j.car), &j.Request) {
	case Start:
		w.send(j)
	case Wait:
		j.state = waiting
	default:
		w.refuse(j)
	}
	w.collect(j.car)
}

// collect carries out what the policy has decided about waiting requests.
func (w *world) collect(car *sidecar) {
	again := false
	for _, k := range car.policy.Woken(w.clock(car)) {
		j := k.Request.world.(*job)
		if k.Start && j.over { // its client left while the word was on its way
			j.state = running
			w.tell(j, Abandoned)
			continue
		}
		if k.Start {
			again = !w.send(j) || again
			continue
		}
		if k.Reason != "" {
			j.Reason = k.Reason
		}
		w.refuse(j)
	}
	if again { // what was refused after all has made room for others
		w.collect(car)
		return
	}
	w.planWake(car)
}

// send sends an attempt to an endpoint, if its policy does not think better of it.
func (w *world) send(j *job) bool {
	if c := j.car.chooser; c != nil {
		endpoint, ok := c.Choose(w.clock(j.car), &j.Request)
		if !ok {
			w.refuse(j)
			return false
		}
		j.endpoint = endpoint
	} else {
		j.endpoint = w.turn % w.sc.Endpoints
		w.turn++
	}
	w.serve(j)
	return true
}

// leastWake keeps a policy that asks for an instant that has passed from stopping time.
const leastWake = 10 * time.Microsecond

// planWake keeps one wake in the calendar: when the policy says that time alone decides something.
func (w *world) planWake(car *sidecar) {
	at := car.policy.NextWake()
	if at == 0 || at == car.wakeAt {
		return
	}
	car.stamp++
	car.wakeAt = at
	w.plan(max(at-car.offset-w.now, leastWake), event{kind: atWake, index: car.index, stamp: car.stamp})
}

func (w *world) wake(car *sidecar, stamp uint32) {
	if stamp == car.stamp && !w.asleep(car, event{kind: atWake, index: car.index, stamp: stamp}) {
		car.wakeAt = 0
		w.collect(car)
	}
}

func (w *world) refuse(j *job) {
	j.state = told
	if j.over {
		return
	}
	j.over = true
	w.result.refused(w, j)
	after := time.Second
	if a, ok := j.car.policy.(Adviser); ok {
		after = a.RetryAfter(w.clock(j.car), &j.Request)
	}
	w.lost(j, w.sc.Clients.Retry.Refusals, true, after)
}

// gone tells the sidecar that the client has left.
func (w *world) gone(j *job) {
	if j.state != waiting && j.state != running || w.asleep(j.car, event{kind: atGone, job: j}) {
		return
	}
	if j.state == waiting {
		if j.car.policy.Leave(w.clock(j.car), &j.Request) {
			j.state = told
		}
	} else {
		w.tell(j, Abandoned)
		w.drop(j)
	}
	w.collect(j.car)
}

// timeout ends a sidecar's patience with the backend.
func (w *world) timeout(j *job) {
	if j.state != running || w.asleep(j.car, event{kind: atTimeout, job: j}) {
		return
	}
	w.tell(j, Timeout)
	w.drop(j)
	w.failed(j)
	w.collect(j.car)
}

// back brings the backend's answer to the sidecar, and through it to the client.
func (w *world) back(j *job, ok bool) {
	if w.asleep(j.car, event{kind: atAnswer, job: j, ok: ok}) {
		return
	}
	outcome := Success
	if !ok {
		outcome = Failure
	}
	w.tell(j, outcome)
	if !ok {
		w.failed(j)
	} else if !j.over {
		j.over = true
		w.served(j)
	}
	w.collect(j.car)
}

func (w *world) failed(j *job) {
	if !j.over {
		j.over = true
		w.lost(j, w.sc.Clients.Retry.Failures, false, 0)
	}
}

// tell tells the policy how an attempt ended, once.
func (w *world) tell(j *job, o Outcome) {
	if j.state == running {
		j.state = told
		j.car.policy.Done(w.clock(j.car), &j.Request, o)
	}
}
