package real

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"triage/bench/chance"
	"triage/bench/child"
	"triage/bench/origin"
	"triage/bench/sim"
)

// Trial is a scenario that is run in virtual and in real time.
type Trial struct {
	Episode string
	// Source is the file that the episode was read from; "" if it is built in.
	Source string
	Draw   sim.Draw
	// Number is the seed that has drawn the scenario, Dice is what users and service times are drawn from.
	Number int
	Dice   uint64
	// Scale is by what the scenario's size was multiplied.
	Scale    float64
	Scenario sim.Scenario
}

// comfortable is how many attempts a second a small machine sends, proxies and serves without becoming what is measured.
const comfortable = 1500

// Choice says which scenario is drawn of an episode, and how it is changed.
type Choice struct {
	Draw   sim.Draw
	Number int
	// Scale multiplies the scenario's size; 0 makes it small enough for a small machine.
	Scale float64
	// Lasts is how long all phases take together; 0 leaves them as they are.
	Lasts time.Duration
}

// NewTrial draws a scenario. Equal arguments give equal trials, also in another process.
func NewTrial(e sim.Episode, c Choice) (Trial, error) {
	sc, err := e.Scenario(c.Draw, c.Number)
	if err != nil {
		return Trial{}, err
	}
	if c.Lasts > 0 {
		sc = sc.Stretched(c.Lasts.Seconds() / sc.Lasts().Seconds())
	}
	if c.Scale == 0 {
		c.Scale = min(1, comfortable/sc.Peak())
	}
	sc = sc.Scaled(c.Scale).WithDefaults()
	sc.Name = e.Name
	return Trial{e.Name, e.Source, c.Draw, c.Number, e.Dice(c.Draw, c.Number), c.Scale, sc}, nil
}

// shortest is the mean service time below which timers, which are off by up to a millisecond, are a large part of it.
const shortest = 1500 * time.Microsecond

// Carry says why a trial cannot be carried over to real time; nil if it can.
func (t Trial) Carry() error {
	var problems []error
	fail := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if t.Scenario.Plain {
		fail("nothing is said of its backend, no route says what it takes; want --target URL alone")
	}
	stalls := t.Scenario.Sidecars.StallEvery > 0
	if stalls && !child.CanStand {
		fail("its sidecars' processes stand still, which this system cannot make them do")
	}
	for _, p := range t.Scenario.Phases {
		if p.Jump != 0 {
			fail("phase %q moves the sidecars' clocks", p.Name)
		}
		if p.Restart && stalls {
			fail("phase %q replaces sidecars that stand still at other times", p.Name)
		}
	}
	for _, r := range t.Scenario.Routes {
		mean := time.Duration(0)
		for _, s := range r.Steps {
			mean += s.Service.Mean
		}
		if mean < shortest {
			fail("route %q is served in %v, and timers are off by up to a millisecond", r.Name, mean)
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s cannot be carried over to real time: %w", t.Episode, errors.Join(problems...))
	}
	return nil
}

// handles says that the sidecars' processes are interfered with.
func (t Trial) handles() bool {
	return t.Scenario.Sidecars.StallEvery > 0 || slices.ContainsFunc(t.Scenario.Phases, func(p sim.Phase) bool { return p.Restart })
}

// inFlight is how many requests may be under way at once: a client waits no longer than its deadline.
func (t Trial) inFlight() int {
	return int(1.5*t.Scenario.Peak()*t.Scenario.Clients.Deadline.Seconds()) + 200
}

// streaming is how many streams may be open at once, whose clients have had their answer.
func (t Trial) streaming() int {
	most := 0.0
	for _, p := range t.Scenario.Phases {
		open := 0.0
		for _, r := range t.Scenario.Routes {
			for _, s := range r.Steps {
				if s.After {
					open += p.Rates[r.Name] * s.Service.Mean.Seconds()
				}
			}
		}
		most = max(most, open)
	}
	return int(1.5 * most)
}

// connections is how many a proxy may have open on each side.
func (t Trial) connections() int { return t.inFlight() + t.streaming() }

// Descriptors is how many open files a process needs: Triage has a connection on either side of every request.
func (t Trial) Descriptors() uint64 { return uint64(2*t.connections() + 200) }

// most is how many requests a backend records, and how many may wait in it.
const (
	mostRecords = 10_000_000
	mostWaiters = 100_000
)

// Backend is the origin that has the scenario's capacity, and what goes wrong with it.
func (t Trial) Backend() (origin.Settings, []origin.Moment) {
	sc := t.Scenario
	s := origin.Settings{
		Seed: t.Dice, Endpoints: sc.Endpoints, Abandon: sc.Abandon, MaxWaiters: mostWaiters, Records: mostRecords,
	}
	for i, r := range sc.Resources {
		s.Pools = append(s.Pools, origin.PoolSettings{
			Name: r.Name, Size: r.Size, Processor: r.Sharing == sim.Processor, Contention: r.Contention, Bound: r.Bound,
			Patience: r.Patience, PerEndpoint: r.PerEndpoint, Pause: origin.Pause(r.Pause), Seed: chance.Mix(t.Dice, sim.PauseSeed+uint64(i)),
		})
	}
	for _, r := range sc.Routes {
		route := origin.RouteSettings{Name: r.Name, Path: path(r), Body: 200}
		for _, st := range r.Steps {
			route.Steps = append(route.Steps, origin.StepSettings{
				Pool: st.Resource, Service: st.Service, Cache: origin.Cache(st.Cache), Held: st.Held, After: st.After,
			})
		}
		s.Routes = append(s.Routes, route)
	}
	return s, script(sc)
}

// path is where a route is asked for, without a query.
func path(r sim.Route) string {
	path, _, _ := strings.Cut(asked(r), "?")
	return path
}

// asked is the path as it is asked for.
func asked(r sim.Route) string {
	if r.Ask.Path == "" {
		return "/" + r.Name
	}
	return r.Ask.Path
}

func script(sc sim.Scenario) []origin.Moment {
	var moments []origin.Moment
	at := time.Duration(0)
	for _, p := range sc.Phases {
		moments = append(moments, origin.Moment{At: at, Faults: origin.Faults{
			Slow: p.Slow, Size: p.Size, Bound: p.Bound, SlowRoutes: p.SlowRoutes, Fail: p.Fail, Hang: p.Hang,
			Reset: p.Reset, Half: p.Half, Refuse: p.Refuse,
			HangFor: orDefault(p.HangFor, 10*time.Second), Cold: p.Cold, Bad: origin.BadEndpoint(p.BadEndpoint),
		}})
		at += p.For
	}
	return moments
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}
