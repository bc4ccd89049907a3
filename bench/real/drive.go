package real

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"triage/bench/load"
	"triage/bench/origin"
	"triage/bench/record"
	"triage/bench/sim"
)

// drive is the clients of one run.
type drive struct {
	crowd     *sim.Crowd
	settings  load.Settings
	clientsOf sim.Clients
	fronts    []Front
	stalls    [][]sim.Stall
	phases    []load.Phase
	shifts    []shift
	lasts     time.Duration

	mu      sync.Mutex
	wants   map[uint64]sim.Want
	watched watched
	clients load.Snapshot
	course  *record.Collector
	// tally, if set, is told of every attempt that has ended; again says that its user tries again.
	tally func(e load.Ending, w sim.Want, reason string, again bool)
}

// shift says from when on whose limits count.
type shift struct {
	from   time.Duration
	admins []string
}

func newDrive(t Trial, fronts []Front) (*drive, error) {
	crowd, err := sim.NewCrowd(t.Scenario, t.Dice)
	if err != nil {
		return nil, err
	}
	course, err := newCourse(t.Scenario)
	if err != nil {
		return nil, err
	}
	d := &drive{
		crowd: crowd, fronts: fronts, wants: map[uint64]sim.Want{}, lasts: t.Scenario.Lasts(), stalls: t.Scenario.Stalls(t.Dice), course: course,
	}
	d.plan(t.Scenario.Phases)
	s := load.Settings{
		Targets: fronts[0].URLs, Phases: d.phases, Deadline: t.Scenario.Clients.Deadline, MaxInFlight: t.inFlight(),
		OnEnd: d.ended, Arrivals: []load.Arrival{}, Protocol: load.Lean, Keep: origin.Mark, CloseEach: t.Scenario.Clients.CloseEach,
	}
	for _, r := range t.Scenario.Routes {
		class := className(t.Scenario.Classes, r.Class)
		s.Requests = append(s.Requests, request(r, class))
	}
	for _, w := range crowd.Arrivals() {
		d.wants[w.ID] = w
		s.Arrivals = append(s.Arrivals, d.arrival(w))
	}
	d.settings, d.clientsOf = s, t.Scenario.Clients
	return d, nil
}

// generator makes the one that sends it all, from an instant on.
func (d *drive) generator(begin time.Time) (*load.Generator, error) {
	s := d.settings
	s.Begin = begin
	s.Sign = d.sign(d.clientsOf, begin)
	return load.New(s)
}

// request is what a route's clients send.
func request(r sim.Route, class string) load.Request {
	out := load.Request{
		Route: r.Name, Class: class, Method: r.Ask.Method, Path: asked(r), Body: []byte(r.Ask.Body), Header: http.Header{},
		SessionCookie: sessionCookie, Stream: streams(r),
	}
	for name, value := range r.Ask.Header {
		out.Header.Set(name, value)
	}
	if out.Method == "" {
		out.Method = http.MethodGet
		if r.Unsafe {
			out.Method = http.MethodPost
		}
	}
	return out
}

// streams says whether a route's answer goes on after its header.
func streams(r sim.Route) bool {
	return slices.ContainsFunc(r.Steps, func(s sim.Step) bool { return s.After })
}

// plan lays out the phases, and who is asked in them.
func (d *drive) plan(phases []sim.Phase) {
	at, front := time.Duration(0), -1
	for i, p := range phases {
		if i == 0 || p.Restart {
			front++
			d.shifts = append(d.shifts, shift{at, d.fronts[front].Admins})
		}
		if p.For > 0 {
			d.phases = append(d.phases, load.Phase{Name: p.Name, For: p.For, Targets: d.fronts[front].URLs})
		}
		at += p.For
	}
}

// arrival is a want as the generator sends it.
func (d *drive) arrival(w sim.Want) load.Arrival {
	phase, end := 0, d.phases[0].For
	for phase+1 < len(d.phases) && w.At >= end {
		phase++
		end += d.phases[phase].For
	}
	return load.Arrival{At: w.At, Tag: w.ID, Session: uint32(w.Session), Phase: uint16(phase), Request: uint16(w.Route)}
}

// sign gives each request its number, its user's address, and what clients of the scenario say of themselves.
func (d *drive) sign(clients sim.Clients, begin time.Time) func(load.Arrival, http.Header) {
	return func(a load.Arrival, h http.Header) {
		h.Set(origin.LuckHeader, strconv.FormatUint(a.Tag, 16))
		h.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", byte(a.Session>>16), byte(a.Session>>8), byte(a.Session)))
		if clients.TellsDeadline {
			h.Set("X-Request-Deadline", strconv.FormatInt(begin.Add(a.At+clients.Deadline).UnixMilli(), 10))
		}
		if clients.MarksRetries {
			d.mu.Lock()
			attempt := d.wants[a.Tag].Attempt
			d.mu.Unlock()
			h.Set("X-Retry-Attempt", strconv.Itoa(attempt))
		}
	}
}

// ended tells the crowd, and passes on what the same user sends next.
func (d *drive) ended(e load.Ending) (next load.Arrival, more bool) {
	e.How = how(e)
	fate, known := map[load.Outcome]sim.Fate{
		load.Served: sim.Served, load.Degraded: sim.Refused, load.Refused: sim.Refused,
		load.Failed: sim.Failed, load.Overrun: sim.Failed, load.GaveUp: sim.Left,
	}[e.How]
	d.mu.Lock()
	defer d.mu.Unlock()
	w := d.wants[e.Tag]
	delete(d.wants, e.Tag)
	if !known { // aborted: nobody knows what would have become of it
		d.course.Add(event(e, w, w, false, ""))
		d.tell(e, w, "", false)
		return next, false
	}
	reason, after := refusal(e)
	then, more := d.crowd.Ended(w, sim.End{At: e.Ended, Fate: fate, Reason: reason, After: after})
	d.course.Add(event(e, w, then, more, reason))
	d.tell(e, w, reason, more && then.Attempt > 0)
	if !more {
		return next, false
	}
	d.wants[then.ID] = then
	return d.arrival(then), true
}

// how an attempt has ended. A 503 that the backend has not marked as its own is a proxy's refusal; most do not say so in Proxy-Status.
func how(e load.Ending) load.Outcome {
	if e.How == load.Failed && e.Answer != nil && e.Answer.StatusCode == http.StatusServiceUnavailable && e.Answer.Header.Get(origin.Mark) == "" {
		return load.Refused
	}
	return e.How
}

func (d *drive) tell(e load.Ending, w sim.Want, reason string, again bool) {
	if d.tally != nil {
		d.tally(e, w, reason, again)
	}
}

// refusal is why a proxy said no, in its own word, and when to come again.
func refusal(e load.Ending) (reason string, after time.Duration) {
	if e.Answer == nil || e.How != load.Refused && e.How != load.Degraded {
		return "", 0
	}
	header := e.Answer.Header
	_, reason, _ = strings.Cut(header.Get("Proxy-Status"), `details="`)
	reason, _, _ = strings.Cut(reason, `"`)
	if reason == "" {
		reason = strconv.Itoa(e.Answer.StatusCode)
	}
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil {
		after = time.Duration(seconds) * time.Second
	}
	return reason, after
}

// run lets the clients come. It gives an error that is ErrCut if that ended before its time.
func (d *drive) run(ctx context.Context, begin time.Time, backend <-chan struct{}, progress func(Progress)) error {
	generator, err := d.generator(begin)
	if err != nil {
		return err
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var others sync.WaitGroup
	others.Go(func() { d.watched = watch(running, d.shifts, begin) })
	others.Go(func() { d.report(running, generator, progress) })
	notice := func(ended <-chan struct{}, what string) {
		select {
		case <-ended:
			stop(errors.New(what + " ended in the middle"))
		case <-running.Done():
		}
	}
	others.Go(func() { notice(backend, "the backend") })
	for _, f := range d.fronts {
		others.Go(func() { notice(f.Ended, "the proxy") })
	}
	for i, stalls := range d.stalls {
		others.Go(func() {
			standStill(running, begin, stalls, func(still bool) error { return d.fronts[0].Stand(i, still) })
		})
	}
	err = generator.Run(running)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrCut, context.Cause(running))
	}
	stop(nil)
	others.Wait()
	d.clients = generator.Snapshot()
	return err
}

// standStill lets a process stand still at its times, and go on in the end. A process that is gone has been noticed elsewhere.
func standStill(ctx context.Context, begin time.Time, stalls []sim.Stall, stand func(still bool) error) {
	for i := 0; i < len(stalls); i++ {
		if !load.SleepUntil(ctx, begin.Add(stalls[i].At)) {
			return
		}
		_ = stand(true)
		until := stalls[i].At + stalls[i].For
		for ; i+1 < len(stalls) && stalls[i+1].At <= until; i++ {
			until = max(until, stalls[i+1].At+stalls[i+1].For)
		}
		load.SleepUntil(ctx, begin.Add(until))
		_ = stand(false)
	}
}

// report tells twice a second how far the run has come.
func (d *drive) report(ctx context.Context, g *load.Generator, progress func(Progress)) {
	if progress == nil {
		return
	}
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s := g.Snapshot()
			progress(Progress{d.phases[max(s.Phase, 0)].Name, s.Elapsed, max(d.lasts-s.Elapsed, 0), s})
		}
	}
}

// seen puts together what clients and backend know. Of a run that was cut short only that counts whose clients had their whole time.
func (d *drive) seen(t Trial, truth origin.Truth, cut bool) (Seen, error) {
	s := Seen{Scenario: t.Scenario, Clients: d.clients, Backend: truth.Snapshot, Asked: d.watched.asked, Slow: d.watched.slow, Cut: cut, Course: d.course}
	if cut {
		s.Scenario = t.Scenario.Until(d.clients.Elapsed - t.Scenario.Clients.Deadline)
		if len(s.Scenario.Phases) == 0 {
			return s, fmt.Errorf("nothing was measured: the run ended after %v", d.clients.Elapsed.Round(time.Millisecond))
		}
	}
	s.Work = work(t.Scenario.Lasts(), truth.Records)
	began := make(map[uint64]time.Duration, len(truth.Records))
	for _, r := range truth.Records {
		if _, twice := began[r.Luck]; !twice {
			began[r.Luck] = time.Duration(r.Begun * float64(time.Second))
		}
	}
	var err error
	s.Result, err = d.crowd.Result(s.Scenario, func(id uint64) (time.Duration, bool) { at, ok := began[id]; return at, ok }, d.watched.limits)
	return s, err
}
