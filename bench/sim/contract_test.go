package sim_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"triage/bench/sim"
)

// auditor stands before a policy and holds the simulator to the contract of Policy.
type auditor struct {
	sim.Policy
	t      *testing.T
	latest time.Duration
	state  map[uint64]string
	ended  int
}

func (a *auditor) at(now time.Duration, call string) {
	if now < a.latest {
		a.t.Fatalf("%s at %v, after %v", call, now, a.latest)
	}
	a.latest = now
}

func (a *auditor) move(r *sim.Request, call, from, to string) {
	if got := a.state[r.ID]; got != from {
		a.t.Fatalf("%s of a request that is %q; want %q", call, got, from)
	}
	a.state[r.ID] = to
}

func (a *auditor) Arrive(now time.Duration, r *sim.Request) sim.Verdict {
	a.at(now, "Arrive")
	v := a.Policy.Arrive(now, r)
	a.move(r, "Arrive", "", [...]string{sim.Start: "running", sim.Wait: "waiting", sim.Refuse: "refused"}[v])
	return v
}

func (a *auditor) Done(now time.Duration, r *sim.Request, o sim.Outcome) {
	a.at(now, "Done")
	a.move(r, "Done", "running", "done")
	a.ended++
	a.Policy.Done(now, r, o)
}

func (a *auditor) Leave(now time.Duration, r *sim.Request) bool {
	a.at(now, "Leave")
	left := a.Policy.Leave(now, r)
	if left {
		a.move(r, "Leave", "waiting", "left")
	}
	return left
}

func (a *auditor) Woken(now time.Duration) []sim.Woken {
	a.at(now, "Woken")
	woken := a.Policy.Woken(now)
	for _, w := range woken {
		to := "refused"
		if w.Start {
			to = "running"
		}
		a.move(w.Request, "Woken", "waiting", to)
	}
	return woken
}

func (a *auditor) Tick(now time.Duration) { a.at(now, "Tick"); a.Policy.Tick(now) }

// choosing is an auditor of a policy that also chooses endpoints.
type choosing struct {
	*auditor
	endpoints int
}

func (c choosing) Choose(now time.Duration, r *sim.Request) (int, bool) {
	c.at(now, "Choose")
	endpoint, ok := c.Policy.(sim.Chooser).Choose(now, r)
	if ok && (endpoint < 0 || endpoint >= c.endpoints) {
		c.t.Fatalf("endpoint %d of %d", endpoint, c.endpoints)
	}
	if !ok {
		c.move(r, "Choose", "running", "refused")
		c.ended++
		if r.Reason == "" {
			c.t.Fatal("refused without a reason")
		}
	}
	return endpoint, ok
}

// whim decides at random, late and early, with a waiting room that is emptied by time.
type whim struct {
	dice *rand.Rand
	line []*sim.Request
	due  time.Duration
	out  []sim.Woken
}

func (w *whim) Arrive(now time.Duration, r *sim.Request) sim.Verdict {
	v := sim.Verdict(w.dice.IntN(3))
	if v == sim.Wait {
		w.line = append(w.line, r)
		if w.due == 0 {
			w.due = now + time.Duration(w.dice.IntN(int(time.Second)))
		}
	}
	return v
}

func (w *whim) Done(time.Duration, *sim.Request, sim.Outcome) {}

func (w *whim) Leave(_ time.Duration, r *sim.Request) bool {
	for i, other := range w.line {
		if other == r {
			w.line = append(w.line[:i], w.line[i+1:]...)
			return true
		}
	}
	return false
}

func (w *whim) Tick(time.Duration)       {}
func (w *whim) TickEvery() time.Duration { return 50 * time.Millisecond }
func (w *whim) NextWake() time.Duration  { return w.due }

func (w *whim) Woken(now time.Duration) []sim.Woken {
	w.out = w.out[:0]
	if w.due > 0 && now >= w.due {
		for _, r := range w.line {
			w.out = append(w.out, sim.Woken{Request: r, Start: w.dice.IntN(2) == 0})
		}
		w.line, w.due = w.line[:0], 0
	}
	return w.out
}

// Every episode keeps the contract, with the law and with a policy without sense; every want ends in one of three ways.
func TestContract(t *testing.T) {
	policies := map[string]sim.NewPolicy{
		"law": sim.NewLaw,
		"whim": func(f sim.Facts) (sim.Policy, error) {
			return &whim{dice: rand.New(rand.NewPCG(f.Seed, 0))}, nil
		},
	}
	for i, e := range zoo(t) {
		if i%thin != 0 {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			for name, fresh := range policies {
				s := short(draw(t, e, 1))
				ended := 0
				var audits []*auditor
				r := simulate(t, s, 1, func(f sim.Facts) (sim.Policy, error) {
					p, err := fresh(f)
					audit := &auditor{Policy: p, t: t, state: map[uint64]string{}}
					audits = append(audits, audit)
					if _, chooses := p.(sim.Chooser); chooses {
						return choosing{audit, f.Endpoints}, err
					}
					return audit, err
				})
				for _, a := range audits {
					ended += a.ended
				}
				if ended == 0 {
					t.Errorf("%s: no request was brought back", name)
				}
				for i, p := range s.Phases {
					for route, tally := range r.Phases[i] {
						if sum := tally.Served + tally.Refused + tally.Failed; sum > tally.Offered || float64(sum) < 0.95*float64(tally.Offered)-50 {
							t.Errorf("%s: %s, %s: %d offered, %d served, %d refused, %d failed", name, p.Name, route, tally.Offered, tally.Served, tally.Refused, tally.Failed)
						}
					}
				}
			}
		})
	}
}

// short keeps the phases of an episode and lets none last longer than three seconds.
func short(s sim.Scenario) sim.Scenario {
	for i := range s.Phases {
		s.Phases[i].For = min(s.Phases[i].For, 3*time.Second)
	}
	return s
}

func zoo(t testing.TB) []sim.Episode {
	t.Helper()
	episodes, err := sim.Zoo()
	if err != nil {
		t.Fatal(err)
	}
	return episodes
}

func draw(t testing.TB, e sim.Episode, seed int) sim.Scenario {
	t.Helper()
	s, err := e.Scenario(sim.Development, seed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Restarts bring fresh policies, jumps move the clock they see, several sidecars share the users.
func TestSidecars(t *testing.T) {
	s := plain(10, sim.Constant, 100)
	s.Sidecars.Count = 3
	s.Phases = []sim.Phase{
		{Name: "a", For: 2 * time.Second, Rates: map[string]float64{"a": 100}},
		{Name: "forward", For: 2 * time.Second, Rates: map[string]float64{"a": 100}, Jump: time.Minute},
		{Name: "back", For: 2 * time.Second, Rates: map[string]float64{"a": 100}, Jump: -30 * time.Second},
		{Name: "restart", For: 2 * time.Second, Rates: map[string]float64{"a": 100}, Restart: true},
	}
	var audits []*auditor
	simulate(t, s, 1, func(sim.Facts) (sim.Policy, error) {
		audits = append(audits, &auditor{Policy: sim.None{}, t: t, state: map[uint64]string{}})
		return audits[len(audits)-1], nil
	})
	if len(audits) != 6 {
		t.Fatalf("%d policies were made; want 3 before the restart and 3 after", len(audits))
	}
	for i, a := range audits {
		if n := len(a.state); n < 30 {
			t.Errorf("sidecar %d saw %d requests; the users are not spread", i, n)
		}
	}
	if got := audits[0].latest; got < time.Minute || got > time.Minute+7*time.Second {
		t.Errorf("the last call was at %v of the policy's clock; want a minute and some seconds: it jumped there and then stood still", got)
	}
	if got := audits[3].latest; got < 30*time.Second || got > 50*time.Second {
		t.Errorf("the fresh sidecar's clock is at %v; want half a minute and some seconds", got)
	}
}

// A process that stands still sees everything later, and the clients wait.
func TestStalls(t *testing.T) {
	s := plain(10, sim.Constant, 100)
	s.Phases[0].For = 20 * time.Second
	quiet := simulate(t, s, 1, sim.NewNone)
	s.Sidecars = sim.Sidecars{StallEvery: 100 * time.Millisecond, StallFor: 50 * time.Millisecond}
	noisy := simulate(t, s, 1, sim.NewNone)
	before, after := meanLatency(quiet, 0, "a"), meanLatency(noisy, 0, "a")
	if after < before+0.010 {
		t.Errorf("mean latency is %.4f s with stalls, %.4f without; want 10 ms more at least", after, before)
	}
	if noisy.Phases[0]["a"].Share() != 1 {
		t.Errorf("%.3f served; stalls lose nothing", noisy.Phases[0]["a"].Share())
	}
}
