package isolate

import (
	"slices"
	"time"

	"triage/bench/sim"
	"triage/proxy/incident/verdict"
)

// variant makes of an episode what the simulator has no model of; package comment.
type variant struct {
	name string
	// of are the kinds of truth that it is made of.
	of []verdict.Kind
	// change changes the i-th second of a course; truth what is true of a phase.
	change func(c *course, i int, s verdict.Second) verdict.Second
	truth  func(truth) truth
}

// plain is the episode as it is.
var plain = variant{}

// variants are all others.
var variants = []variant{
	{
		name: "connections fail", of: []verdict.Kind{verdict.Endpoint},
		change: func(_ *course, _ int, s verdict.Second) verdict.Second {
			s.Endpoints = slices.Clone(s.Endpoints)
			for k := range s.Endpoints {
				s.Endpoints[k].Unreachable = s.Endpoints[k].Failed + s.Endpoints[k].TimedOut
			}
			return s
		},
		truth: func(t truth) truth { return truth{{kind: verdict.Network}} },
	},
	{
		name: "deployed just before", of: []verdict.Kind{verdict.Route, verdict.Upstream},
		change: func(c *course, i int, s verdict.Second) verdict.Second { return c.deployed(i, s, -time.Second) },
		truth:  func(t truth) truth { return truth{{kind: verdict.Change, routes: t[0].routes, any: t[0].any}} },
	},
	{
		name: "deployed after", of: []verdict.Kind{verdict.Route, verdict.Upstream, verdict.Resource},
		change: func(c *course, i int, s verdict.Second) verdict.Second { return c.deployed(i, s, 5*time.Second) },
	},
	{
		name: "clients hang up", of: []verdict.Kind{verdict.None},
		change: func(c *course, i int, s verdict.Second) verdict.Second {
			if c.seconds[i].phase == 0 {
				return s
			}
			s.Routes = slices.Clone(s.Routes)
			for k := range s.Routes {
				r := &s.Routes[k]
				r.Left += r.Answered / 2
				r.Waited += r.Took / 4
				r.Took, r.Squares, r.Answered = r.Took/2, r.Squares/2, r.Answered-r.Answered/2
			}
			return s
		},
		truth: func(truth) truth { return truth{{kind: verdict.Client}} },
	},
	{
		name: "the process stands still", of: []verdict.Kind{verdict.None},
		change: func(c *course, i int, s verdict.Second) verdict.Second {
			if c.seconds[i].phase > 0 {
				s.Late += 3 * s.Lasted / 10
			}
			return s
		},
		truth: func(truth) truth { return truth{{kind: verdict.Proxy}} },
	},
}

// fits reports whether the variant can be made of the course.
func (v variant) fits(c *course) bool {
	for i, t := range c.truths {
		if v.name == "connections fail" && t != nil && c.sc.Phases[i].Label != sim.Errors {
			return false
		}
		if t != nil && !slices.Contains(v.of, t[0].kind) {
			return false
		}
	}
	// Of calm episodes only those that have enough traffic for anybody to notice anything, and whose process and clock go on.
	if slices.Contains(v.of, verdict.None) {
		return slices.Contains([]string{"step-with-room", "mix-shift", "scatter-with-room"}, c.episode.Name)
	}
	return true
}

// deployed lets a change go live that long after the first phase in which something is wrong begins.
func (c *course) deployed(i int, s verdict.Second, after time.Duration) verdict.Second {
	first := slices.IndexFunc(c.seconds, func(o shown) bool { return c.truths[o.phase] != nil })
	begins := c.seconds[first].At - c.seconds[first].Lasted
	if at := begins + after; at > s.At-s.Lasted && at <= s.At {
		s.Changes = append(slices.Clone(s.Changes), verdict.ChangeSeen{At: at, What: "version 2"})
	}
	return s
}
