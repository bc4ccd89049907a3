package shed_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"triage/shed"
)

// twins are two controllers that are told the same: one as it is, and one that decides everything under the lock and never lets a
// route sleep. What they do must be the same to the last bit.
type twins struct {
	t              interface{ Fatalf(string, ...any) }
	quick, slow    *shed.Controller
	quicks, slows  []*shed.Route
	now            time.Duration
	running        []flight
	waiting        []flight
	passed, full   int // decisions without the lock: admitted, and refused because the waiting room was full
	level, counted int // refused by the level; all
	slept, grouped int // ticks in which a route slept, and in which there was a group
	relief         int // entries about that
}

// flight is a request with its ticket in either controller.
type flight struct {
	quick, slow *shed.Ticket
	ends        time.Duration
	outcome     shed.Outcome
}

func newTwins(t *rapid.T) *twins {
	w := &twins{t: t}
	var err error
	for c, routes := range map[**shed.Controller]*[]*shed.Route{&w.quick: &w.quicks, &w.slow: &w.slows} {
		if *c, err = shed.New(settings); err != nil {
			t.Fatal(err)
		}
		if *routes, err = (*c).Configure(0, settings); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *twins) arrive(route int, said shed.Ticket, service time.Duration, outcome shed.Outcome) {
	quick, slow := said, said
	quick.Route, slow.Route = w.quicks[route], w.slows[route]
	f := flight{&quick, &slow, w.now + service, outcome}
	passed := w.quick.Pass(w.now, f.quick)
	if !passed {
		w.quick.Ask(w.now, f.quick)
	}
	w.slow.Locked()
	w.slow.Ask(w.now, f.slow)
	w.counted++
	switch {
	case passed && f.quick.Running():
		w.passed++
	case passed && f.quick.Reason == shed.Errors:
		w.level++
	case passed:
		w.full++
	}
	w.compare(f)
	switch {
	case f.quick.Running():
		w.running = append(w.running, f)
	case f.quick.Waiting():
		w.waiting = append(w.waiting, f)
	}
	w.wake()
}

func (w *twins) compare(f flight) {
	if f.quick.Running() != f.slow.Running() || f.quick.Waiting() != f.slow.Waiting() || f.quick.Reason != f.slow.Reason || f.quick.Would != f.slow.Would {
		w.t.Fatalf("at %v a request of %s: without the lock running %v waiting %v %q, with it running %v waiting %v %q", w.now, f.quick.Route.Name(),
			f.quick.Running(), f.quick.Waiting(), f.quick.Reason, f.slow.Running(), f.slow.Waiting(), f.slow.Reason)
	}
	if f.quick.Running() && f.quick.Hint != f.slow.Hint {
		w.t.Fatalf("at %v: hint %v without the lock, %v with it", w.now, f.quick.Hint, f.slow.Hint)
	}
}

// wake follows those who have left the waiting room.
func (w *twins) wake() {
	quick, slow := w.quick.Woken(), w.slow.Woken()
	if len(quick) != len(slow) {
		w.t.Fatalf("at %v %d leave the waiting room without the lock, %d with it", w.now, len(quick), len(slow))
	}
	for i, t := range quick {
		at := slices.IndexFunc(w.waiting, func(f flight) bool { return f.quick == t })
		if at < 0 || w.waiting[at].slow != slow[i] {
			w.t.Fatalf("at %v another request leaves the waiting room without the lock than with it", w.now)
		}
		f := w.waiting[at]
		w.compare(f)
		w.waiting = slices.Delete(w.waiting, at, at+1)
		if t.Running() {
			f.ends += 10 * time.Millisecond
			w.running = append(w.running, f)
		}
	}
}

// finish brings back what has ended, and takes out of the waiting room who has waited for long enough.
func (w *twins) finish(patience time.Duration) {
	for i := 0; i < len(w.running); i++ {
		if f := w.running[i]; f.ends <= w.now {
			w.running = slices.Delete(w.running, i, i+1)
			i--
			w.quick.Done(w.now, f.quick, f.outcome, 0)
			w.slow.Locked()
			w.slow.Done(w.now, f.slow, f.outcome, 0)
			w.wake()
		}
	}
	for i := 0; i < len(w.waiting); i++ {
		if f := w.waiting[i]; f.ends+patience <= w.now {
			w.waiting = slices.Delete(w.waiting, i, i+1)
			i--
			w.slow.Locked()
			if a, b := w.quick.Leave(w.now, f.quick), w.slow.Leave(w.now, f.slow); !a || !b {
				w.t.Fatalf("at %v a waiting request leaves: %v without the lock, %v with it", w.now, a, b)
			}
		}
	}
}

func (w *twins) tick() {
	w.slow.Locked()
	w.quick.Tick(w.now)
	w.slow.Tick(w.now)
	w.wake()
	if w.quick.Awake() < len(w.quicks) {
		w.slept++
	}
	a, b := w.quick.Snapshot(time.Unix(0, 0)), w.slow.Snapshot(time.Unix(0, 0))
	if len(a.Groups) > 0 {
		w.grouped++
	}
	if !reflect.DeepEqual(a, b) {
		w.t.Fatalf("at %v\nwithout the lock %+v\nwith it          %+v", w.now, a, b)
	}
	x, y := w.quick.Entries(0, time.Unix(0, 0)), w.slow.Entries(0, time.Unix(0, 0))
	if n := len(x); n > 0 && x[n-1].Kind == "relief" {
		w.relief++
	}
	if !reflect.DeepEqual(x, y) {
		w.t.Fatalf("at %v the entries differ:\nwithout the lock %+v\nwith it          %+v", w.now, x, y)
	}
}

func (w *twins) configure(s shed.Settings) {
	var err error
	if w.quicks, err = w.quick.Configure(w.now, s); err != nil {
		w.t.Fatalf("%v", err)
	}
	if w.slows, err = w.slow.Configure(w.now, s); err != nil {
		w.t.Fatalf("%v", err)
	}
	w.wake()
}

// phase is a time of one kind of traffic, in front of a backend of one kind.
type phase struct {
	ticks   int
	rates   [4]int // arrivals in a millisecond, of 100
	workers int    // requests that the backend works on at once
	service time.Duration
	fails   [4]int // percent
	coupled bool   // the first fails only while there is one of the last in flight
	culprit bool   // the last makes the others slow and is not slow itself
	// oneEndpoint of several has all the failures.
	oneEndpoint bool
	jump        time.Duration
}

// play lets a phase pass, a millisecond at a time. A request takes its service and waits for as many as are in front of it.
func (w *twins) play(rng *rand.Rand, p phase) {
	w.now += p.jump
	for range p.ticks {
		for range 95 + rng.IntN(11) {
			w.now += time.Millisecond
			w.finish(200 * time.Millisecond)
			for route, rate := range p.rates[:min(4, len(w.quicks))] {
				if rng.IntN(100) >= rate {
					continue
				}
				service := time.Duration(float64(p.service) * (0.5 + rng.Float64()) * max(1, float64(len(w.running))/float64(p.workers)))
				if p.culprit {
					service = time.Duration(float64(p.service) * (0.9 + 0.2*rng.Float64()) * max(1, float64(w.ofLast())/float64(p.workers)))
				}
				if p.culprit && route == 3 {
					service = 300 * time.Millisecond
				}
				outcome := shed.Success
				switch dice := rng.IntN(100); {
				case dice < p.fails[route] && (!p.coupled || route > 0 || w.ofLast() > 0):
					outcome, service = shed.Failure, service/4
				case dice > 97:
					outcome = shed.Outcome(rng.IntN(6))
				}
				said := w.says(rng)
				if p.oneEndpoint && said.Endpoint != 2 {
					outcome = shed.Success
				}
				w.arrive(route, said, service, outcome)
			}
		}
		w.tick()
	}
}

// says makes up what a request says of itself.
func (w *twins) says(rng *rand.Rand) shed.Ticket {
	said := shed.Ticket{Cohort: uint16(rng.IntN(shed.Cohorts)), Stage: uint8(max(0, rng.IntN(6)-3)), Retry: rng.IntN(8) == 0, Endpoint: rng.IntN(4)}
	if rng.IntN(2) == 0 {
		said.Deadline = w.now + time.Duration(rng.IntN(400)-20)*time.Millisecond
	}
	return said
}

// draw makes a phase up, and a new configuration before it.
func (w *twins) draw(t *rapid.T) phase {
	p := phase{ticks: rapid.IntRange(2, 40).Draw(t, "ticks"), rates: [4]int{20, 10, 10, 20}, workers: 40, service: 20 * time.Millisecond}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 1: // a crowd
		p.rates, p.workers = [4]int{40, 40, 20, 90}, rapid.IntRange(2, 20).Draw(t, "workers")
	case 2: // a slow backend
		p.service = time.Duration(rapid.IntRange(30, 300).Draw(t, "service")) * time.Millisecond
	case 3: // errors
		p.fails = [4]int{rapid.IntRange(10, 60).Draw(t, "fails"), 0, 0, rapid.IntRange(0, 60).Draw(t, "fails too")}
	case 4: // the headroom is used up
		p.rates, p.workers, p.service = [4]int{10, 10, 10, 100}, 200, 150*time.Millisecond
	case 5: // errors that go with the load
		p.fails, p.coupled = [4]int{rapid.IntRange(20, 60).Draw(t, "fails"), 0, 0, rapid.IntRange(0, 60).Draw(t, "fails too")}, true
	}
	if rapid.IntRange(0, 6).Draw(t, "culprit") == 0 {
		p.culprit, p.ticks, p.rates, p.workers = true, 80, [4]int{20, 10, 10, 40}, rapid.IntRange(10, 40).Draw(t, "workers")
	}
	p.oneEndpoint = rapid.IntRange(0, 3).Draw(t, "one endpoint") == 0
	for i := range p.rates { // silence
		if p.culprit {
			break
		}
		if rapid.IntRange(0, 2).Draw(t, "silent") == 0 {
			p.rates[i] = rapid.IntRange(0, 1).Draw(t, "rate")
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "stands still") == 0 {
		p.jump = time.Duration(rapid.IntRange(0, 3000).Draw(t, "jump")) * time.Millisecond
	}
	if rapid.IntRange(0, 3).Draw(t, "configure") == 0 {
		s := shed.Settings{Classes: 4, Routes: slices.Clone(settings.Routes)}
		i := rapid.IntRange(0, 3).Draw(t, "route")
		s.Routes[i].Class = rapid.IntRange(0, 3).Draw(t, "class")
		if rapid.Bool().Draw(t, "another") {
			s.Routes[i].Name += "'"
		}
		s.Observe = rapid.IntRange(0, 2).Draw(t, "observe") == 0
		s.Routes[rapid.IntRange(0, 3).Draw(t, "alone")].Alone = rapid.Bool().Draw(t, "is alone")
		if rapid.Bool().Draw(t, "share") {
			s.Routes[i].Shares, s.Routes[(i+1)%4].Shares = []string{"database"}, []string{"database"}
		}
		w.configure(s)
	}
	return p
}

// ofLast is the number of requests of the last route in flight.
func (w *twins) ofLast() (n int) {
	for _, f := range w.running {
		if f.quick.Route == w.quicks[3] {
			n++
		}
	}
	return n
}

// A request that needs no lock is decided as the controller would decide about it, and a route that slept is as if it had been awake:
// over calm, crowds, a slow backend, failures, silence, a process that stands still, and new configurations.
func TestWithoutTheLockIsAsWithIt(t *testing.T) {
	var passed, full, level, counted, slept, grouped, relief int
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		if raceDetector && seed%8 != 0 {
			return // nothing here runs beside anything else: an eighth is enough
		}
		w := newTwins(t)
		rng := rand.New(rand.NewPCG(seed, 1))
		w.play(rng, phase{ticks: 30, rates: [4]int{20, 10, 10, 20}, workers: 40, service: 20 * time.Millisecond})
		for range rapid.IntRange(1, 4).Draw(t, "phases") {
			w.play(rng, w.draw(t))
		}
		passed, full, level, counted = passed+w.passed, full+w.full, level+w.level, counted+w.counted
		slept, grouped, relief = slept+w.slept, grouped+w.grouped, relief+w.relief
	})
	t.Logf("of %d requests without the lock %d were admitted, %d refused because the room was full, %d by the level; routes slept in %d ticks, there was a group in %d, and word of relief in %d",
		counted, passed, full, level, slept, grouped, relief)
	if raceDetector {
		return
	}
	if passed < counted/4 || full == 0 || level == 0 || slept == 0 || grouped == 0 {
		t.Error("something of that did not happen: the test shows nothing about it")
	}
}
