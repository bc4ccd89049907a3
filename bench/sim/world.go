package sim

import (
	"fmt"
	"time"
)

// Facts is what a policy is told before it starts: what a configuration would say.
type Facts struct {
	Classes int
	Routes  []RouteFacts
	// Endpoints is how many instances there are; Timeout is how long a sidecar waits for one of them.
	Endpoints int
	Timeout   time.Duration
	Seed      uint64
	// Hand holds what only a human could know: "limit" is the size of the resource that most routes need.
	Hand map[string]float64
}

// RouteFacts is what a configuration says of a route, in the order of Request.Route.
type RouteFacts struct {
	Name  string
	Class int
	// Stage is what a session has completed that was served by the route: its place in the journeys, from 1 on; 0 if it is in none.
	Stage int
}

// NewPolicy makes the policy of one sidecar.
type NewPolicy func(Facts) (Policy, error)

// Run runs the scenario against a policy. Equal arguments give equal results, to the last event.
func Run(sc Scenario, seed uint64, fresh NewPolicy) (*Result, error) {
	w, err := newWorld(sc, seed)
	if err != nil {
		return nil, err
	}
	w.fresh = fresh
	if err := w.startSidecars(); err != nil {
		return nil, err
	}
	return w.run()
}

// PauseSeed and a resource's place, mixed with the seed, is the stream that its pauses are drawn from.
const PauseSeed = 1000

// drain is how long after the last phase requests and journeys are still followed.
const drain = 10 * time.Second

// sampleEvery is how often a policy's limit is noted.
const sampleEvery = 100 * time.Millisecond

type world struct {
	sc       Scenario
	seed     uint64
	fresh    NewPolicy
	calendar calendar
	now, end time.Duration
	dice     *dice // set to a request's own stream before each use
	phase    int
	phases   []phase
	pools    []*resource
	routes   []route
	sources  []*source
	cars     []*sidecar // every sidecar that ever was
	active   []*sidecar // those that take requests
	oracle   *oracle
	turn     int // of the endpoints
	people   people
	result   *Result
	err      error
}

// route is a Route at work.
type route struct {
	Route
	index int
	steps []step
}

// step is a Step at work; pools has one resource for each endpoint, or one for all, or none.
type step struct {
	Step
	pools []*resource
	cache *cache
}

func newWorld(sc Scenario, seed uint64) (*world, error) {
	sc = sc.defaults()
	if err := sc.check(); err != nil {
		return nil, fmt.Errorf("checking scenario %q: %w", sc.Name, err)
	}
	w := &world{sc: sc, seed: seed, dice: newDice(0), end: sc.lasts()}
	w.people = people{sc, seed, w.dice}
	byName := w.buildResources()
	for i, r := range sc.Routes {
		built := route{Route: r, index: i}
		for _, s := range r.Steps {
			st := step{Step: s, pools: byName[s.Resource]}
			if s.Cache.Entries > 0 {
				st.cache = &cache{Cache: s.Cache, filled: s.Cache.Entries}
			}
			built.steps = append(built.steps, st)
		}
		w.routes = append(w.routes, built)
	}
	w.result = newResult(sc, w.end+drain)
	w.buildPhases()
	w.buildSources()
	for i := range w.phases {
		w.calendar.add(event{at: w.phases[i].begin, kind: atPhase, index: i})
	}
	return w, nil
}

func (w *world) buildResources() map[string][]*resource {
	byName := map[string][]*resource{}
	for _, r := range w.sc.Resources {
		copies := 1
		if r.PerEndpoint {
			copies = w.sc.Endpoints
		}
		for range copies {
			index := len(w.pools)
			res := &resource{Resource: r, index: index, size: r.Size, bound: r.Bound, slow: 1, dice: newDice(mix(w.seed, PauseSeed+uint64(index)))}
			w.pools = append(w.pools, res)
			byName[r.Name] = append(byName[r.Name], res)
			if r.Pause.Every > 0 {
				w.calendar.add(event{at: res.dice.Jitter(r.Pause.Every), kind: atPause, index: index})
			}
		}
	}
	return byName
}

// run empties the calendar.
func (w *world) run() (*Result, error) {
	for t := time.Duration(0); t < w.end; t += sampleEvery {
		w.result.Limits = append(w.result.Limits, 0)
	}
	w.plan(sampleEvery, event{kind: atSample})
	last := w.end + drain
	for w.err == nil {
		e, ok := w.calendar.next()
		if !ok || e.at > last {
			break
		}
		w.now = e.at
		w.result.Events++
		w.happen(e)
	}
	for _, car := range w.cars {
		if j, ok := car.policy.(Journal); ok {
			w.result.Entries = append(w.result.Entries, j.Entries()...)
		}
		if p, ok := car.policy.(Prober); ok {
			w.result.CriticalProbes = max(w.result.CriticalProbes, 0) + p.CriticalProbes()
		}
	}
	w.result.finish()
	return w.result, w.err
}

// plan puts an event a while from now into the calendar.
func (w *world) plan(in time.Duration, e event) {
	e.at = w.now + in
	w.calendar.add(e)
}

func (w *world) happen(e event) {
	switch e.kind {
	case atPhase:
		w.begin(e.index)
	case atArrival:
		w.arrive(w.sources[e.index])
	case atStage:
		w.attempt(e.call)
	case atReach:
		w.reach(e.job)
	case atDeadline:
		w.deadline(e.job)
	case atGone:
		w.gone(e.job)
	case atTimeout:
		w.timeout(e.job)
	case atStep:
		w.stepDone(e)
	case atShare:
		w.shareDone(e)
	case atPause:
		w.pause(w.pools[e.index])
	case atGoOn:
		w.reshare(w.pools[e.index])
	case atAnswer:
		w.back(e.job, e.ok)
	case atTick:
		w.tick(w.cars[e.index])
	case atWake:
		w.wake(w.cars[e.index], e.stamp)
	case atStall:
		w.stall(w.cars[e.index])
	case atSample:
		w.sample()
	}
}

// sample notes the limits of all sidecars together.
func (w *world) sample() {
	if w.now >= w.end {
		return
	}
	total := 0.0
	for _, car := range w.active {
		if g, ok := car.policy.(Gauge); ok {
			total += g.Limit()
		}
	}
	w.result.Limits[w.now/sampleEvery] = total
	w.plan(sampleEvery, event{kind: atSample})
}
