package isolate

import (
	"fmt"
	"slices"
	"time"

	"triage/bench/sim"
	"triage/proxy/incident/verdict"
)

// Judgement is one verdict beside the truth.
type Judgement struct {
	Episode string `json:"episode"`
	// Variant says what was made of the episode, "" if nothing.
	Variant string          `json:"variant,omitempty"`
	Seed    int             `json:"seed"`
	Phase   string          `json:"phase"`
	Truth   string          `json:"truth"`
	Verdict verdict.Verdict `json:"verdict"`
	Right   bool            `json:"right"`
	// Innocents are routes that were named wrongly.
	Innocents []string `json:"innocents,omitempty"`
}

// course is what the isolator was shown in one run of an episode: seconds, with the index of the phase that each ended in.
type course struct {
	episode sim.Episode
	sc      sim.Scenario
	seed    int
	truths  []truth // by phase; nil: not judged
	seconds []shown
}

type shown struct {
	verdict.Second
	phase   int
	restart bool // a new process, which knows nothing, is shown it
}

// watchEvery is how often the simulator asks a policy for its limit, which is how the watch knows the world's time.
const watchEvery = 100 * time.Millisecond

// run runs one episode and keeps what its first sidecar saw.
func run(e sim.Episode, draw sim.Draw, seed int) (*course, error) {
	sc, err := e.Scenario(draw, seed)
	if err != nil {
		return nil, err
	}
	c := &course{episode: e, sc: sc, seed: seed}
	if err := c.label(); err != nil {
		return nil, fmt.Errorf("%s: %w", e.Name, err)
	}
	ticks, made, restarted := 0, 0, false
	perSidecar := max(sc.Sidecars.Count, 1)
	var lasts time.Duration
	for _, p := range sc.Phases {
		lasts += p.For
	}
	tell := func(s verdict.Second) {
		if time.Duration(ticks+1)*watchEvery >= lasts {
			return // the run is over, what is left drains
		}
		c.seconds = append(c.seconds, shown{s, c.phaseAt(time.Duration(ticks) * watchEvery), restarted})
		restarted = false
	}
	_, err = sim.Run(sc, e.Dice(draw, seed), func(f sim.Facts) (sim.Policy, error) {
		first := made%perSidecar == 0
		made++
		if !first {
			return sim.NewLaw(f)
		}
		restarted = made > 1
		w, err := newWatched(f, tell)
		return &clocked{w, &ticks}, err
	})
	return c, err
}

// clocked counts the world's time, which a policy is not told.
type clocked struct {
	*watched
	ticks *int
}

// Limit is asked for every watchEvery of the world's time.
func (c *clocked) Limit() float64 {
	*c.ticks++
	return c.watched.Limit()
}

func (c *course) phaseAt(at time.Duration) int {
	for i, p := range c.sc.Phases {
		if at -= p.For; at < 0 {
			return i
		}
	}
	return len(c.sc.Phases) - 1
}

// label reads the zoo's word for each phase. A phase in which nothing is wrong is judged only if nothing ever is: what a trouble leaves behind
// may last a while.
func (c *course) label() error {
	all, own := c.episode.VerdictLabels()
	for i, p := range c.sc.Phases {
		word := own[i]
		if word == "" {
			word = all
		}
		none := all == string(verdict.None)
		if calm := p.Label == sim.Calm || p.Label == ""; calm && !none && own[i] == "" {
			c.truths = append(c.truths, nil)
			continue
		}
		if word == "" {
			c.truths = append(c.truths, nil) // a test demands a label of every episode
			continue
		}
		t, err := parse(word, c.sc)
		if err != nil {
			return err
		}
		c.truths = append(c.truths, t)
	}
	return nil
}

// actedWithin is how long after protection has acted an incident is open at least.
const actedWithin = 30 * time.Second

// acted reports whether protection has acted lately: only then is an incident open.
func (c *course) acted(i int) bool {
	for k := i; k >= 0 && c.seconds[i].At-c.seconds[k].At < actedWithin; k-- {
		s := c.seconds[k]
		if len(s.Groups) > 0 || slices.ContainsFunc(s.Routes, func(r verdict.RouteSeen) bool { return r.Shut }) ||
			slices.ContainsFunc(s.Endpoints, func(e verdict.EndpointSeen) bool { return e.Shut }) {
			return true
		}
	}
	return false
}

// judge shows the seconds to a fresh isolator, changed by what the variant does to them, and judges at the end of each phase.
func (c *course) judge(v variant) (out []Judgement) {
	isolator, kept := &verdict.Isolator{}, verdict.Verdict{Kind: verdict.None}
	for i, s := range c.seconds {
		if s.restart {
			isolator, kept = &verdict.Isolator{}, verdict.Verdict{Kind: verdict.None}
		}
		second := s.Second
		if v.change != nil {
			second = v.change(c, i, second)
		}
		isolator.Look(second)
		if v := isolator.Verdict(); v.Replaces(kept) {
			kept = v
		}
		last := i == len(c.seconds)-1 || c.seconds[i+1].phase != s.phase
		t := c.truths[s.phase]
		if !last || t == nil {
			continue
		}
		if v.truth != nil {
			if s.phase == 0 {
				continue
			}
			t = v.truth(t)
		}
		got := kept
		if t[0].kind == verdict.None && !c.acted(i) {
			got = verdict.Verdict{Kind: verdict.None} // no incident is open, nobody asks
		}
		j := Judgement{Episode: c.episode.Name, Variant: v.name, Seed: c.seed, Phase: c.sc.Phases[s.phase].Name, Truth: t.String(), Verdict: got}
		j.Right, j.Innocents = t.right(got), t.innocents(got)
		out = append(out, j)
	}
	return out
}
