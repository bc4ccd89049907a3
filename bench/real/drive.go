package real

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"triage/bench/load"
	"triage/bench/origin"
	"triage/bench/sim"
)

// drive is the clients of one run.
type drive struct {
	crowd     *sim.Crowd
	generator func(begin time.Time) (*load.Generator, error)
	admins    []string
	phases    []load.Phase
	lasts     time.Duration

	mu      sync.Mutex
	wants   map[uint64]sim.Want
	limits  []float64
	clients load.Snapshot
}

func newDrive(t Trial, front Front) (*drive, error) {
	crowd, err := sim.NewCrowd(t.Scenario, t.Dice)
	if err != nil {
		return nil, err
	}
	d := &drive{crowd: crowd, admins: front.Admins, wants: map[uint64]sim.Want{}, lasts: t.Scenario.Lasts()}
	s := load.Settings{
		Targets: front.URLs, Deadline: t.Scenario.Clients.Deadline, MaxInFlight: t.inFlight(),
		TagHeader: origin.LuckHeader, OnEnd: d.ended, Arrivals: []load.Arrival{},
	}
	for _, r := range t.Scenario.Routes {
		method := http.MethodGet
		if r.Unsafe {
			method = http.MethodPost
		}
		class := className(t.Scenario.Classes, r.Class)
		s.Requests = append(s.Requests, load.Request{Route: r.Name, Class: class, Method: method, Path: path(r.Name), SessionCookie: sessionCookie})
	}
	for _, p := range t.Scenario.Phases {
		if p.For > 0 {
			d.phases = append(d.phases, load.Phase{Name: p.Name, For: p.For})
		}
	}
	s.Phases = d.phases
	for _, w := range crowd.Arrivals() {
		d.wants[w.ID] = w
		s.Arrivals = append(s.Arrivals, d.arrival(w))
	}
	d.generator = func(begin time.Time) (*load.Generator, error) {
		s.Begin = begin
		return load.New(s)
	}
	return d, nil
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

// ended tells the crowd, and passes on what the same user sends next.
func (d *drive) ended(e load.Ending) (next load.Arrival, more bool) {
	fate, known := map[load.Outcome]sim.Fate{
		load.Served: sim.Served, load.Degraded: sim.Refused, load.Refused: sim.Refused,
		load.Failed: sim.Failed, load.Overrun: sim.Failed, load.GaveUp: sim.Left,
	}[e.How]
	if !known { // aborted: nobody knows what would have become of it
		return next, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	w := d.wants[e.Tag]
	delete(d.wants, e.Tag)
	reason, after := refusal(e)
	then, more := d.crowd.Ended(w, sim.End{At: e.Ended, Fate: fate, Reason: reason, After: after})
	if !more {
		return next, false
	}
	d.wants[then.ID] = then
	return d.arrival(then), true
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
func (d *drive) run(ctx context.Context, begin time.Time, backend, front <-chan struct{}, progress func(Progress)) error {
	generator, err := d.generator(begin)
	if err != nil {
		return err
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var others sync.WaitGroup
	others.Go(func() { d.limits = watch(running, d.admins, begin) })
	others.Go(func() { d.report(running, generator, progress) })
	others.Go(func() {
		select {
		case <-backend:
			stop(errors.New("the backend ended in the middle"))
		case <-front:
			stop(errors.New("the proxy ended in the middle"))
		case <-running.Done():
		}
	})
	err = generator.Run(running)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrCut, context.Cause(running))
	}
	stop(nil)
	others.Wait()
	d.clients = generator.Snapshot()
	return err
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
	s := Seen{Scenario: t.Scenario, Clients: d.clients, Backend: truth.Snapshot, Cut: cut}
	if cut {
		s.Scenario = t.Scenario.Until(d.clients.Elapsed - t.Scenario.Clients.Deadline)
		if len(s.Scenario.Phases) == 0 {
			return s, fmt.Errorf("nothing was measured: the run ended after %v", d.clients.Elapsed.Round(time.Millisecond))
		}
	}
	began := make(map[uint64]time.Duration, len(truth.Records))
	for _, r := range truth.Records {
		if _, twice := began[r.Luck]; !twice {
			began[r.Luck] = time.Duration(r.Begun * float64(time.Second))
		}
	}
	var err error
	s.Result, err = d.crowd.Result(s.Scenario, func(id uint64) (time.Duration, bool) { at, ok := began[id]; return at, ok }, d.limits)
	return s, err
}
