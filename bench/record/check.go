package record

import (
	"errors"
	"fmt"
	"slices"
)

// A series may have so many points: ten a second for a day, in which a scenario has to be over.
const (
	longest = 864_000
	day     = 86_400
	// mostASecond is more than any machine sends.
	mostASecond = 1_000_000_000
)

// check lists everything that does not hold together.
func (r Record) check() error {
	var problems []error
	if r.Kind != Run && r.Kind != Compare && r.Kind != Cost {
		problems = append(problems, fmt.Errorf("kind is %q: want %s, %s or %s", r.Kind, Run, Compare, Cost))
	}
	for _, s := range r.Scenarios {
		for i, p := range s.Phases {
			if p.From < 0 || p.To < p.From || p.To > day || i > 0 && p.From < s.Phases[i-1].To {
				problems = append(problems, fmt.Errorf("scenario %q: phase %q is from %g to %g: want phases in the order of time, within a day", s.Name, p.Name, p.From, p.To))
			}
		}
	}
	for i, t := range r.Runs {
		if err := r.checkTrial(t); err != nil {
			problems = append(problems, fmt.Errorf("run %d: %w", i, err))
		}
	}
	return errors.Join(problems...)
}

func (r Record) checkTrial(t Trial) error {
	if t.Scenario < 0 || t.Scenario >= len(r.Scenarios) {
		return fmt.Errorf("scenario %d: there are %d", t.Scenario, len(r.Scenarios))
	}
	if t.Peer < 0 || t.Peer >= len(r.Peers) {
		return fmt.Errorf("peer %d: there are %d", t.Peer, len(r.Peers))
	}
	if !(t.Seconds >= 0 && t.Seconds <= day) {
		return fmt.Errorf("it lasts %g s: want 0 to %d", t.Seconds, day)
	}
	for name := range t.Values {
		if !slices.ContainsFunc(r.Measures, func(m Measure) bool { return m.Name == name }) {
			return fmt.Errorf("a value of %q: there is no measure of that name", name)
		}
	}
	for _, route := range t.Routes {
		if err := route.check(); err != nil {
			return fmt.Errorf("route %q: %w", route.Name, err)
		}
	}
	for _, l := range t.Latencies {
		if n := len(l.P50); len(l.P90) != n || len(l.P99) != n || len(l.Max) != n || n > longest {
			return fmt.Errorf("latencies of %q: want percentiles of the same seconds, at most %d", l.Class, longest)
		}
	}
	for _, h := range t.Histograms {
		if n := len(r.Scenarios[t.Scenario].Phases); h.Phase < -1 || h.Phase >= n {
			return fmt.Errorf("a histogram of phase %d: there are %d", h.Phase, n)
		}
	}
	for _, g := range t.Gauges {
		if !(g.Every > 0) || len(g.Values) > longest {
			return fmt.Errorf("gauge %q has %d values every %g s: want at most %d, and a time between them", g.Name, len(g.Values), g.Every, longest)
		}
	}
	return nil
}

func (r Route) check() error {
	n := len(r.Offered)
	series := map[string][]int{
		"offered": r.Offered,
		"served":  r.Served, "degraded": r.Degraded, "refused": r.Refused, "failed": r.Failed, "aborted": r.Aborted, "oracle": r.Oracle, "attempts": r.Attempts,
	}
	for reason, s := range r.Reasons {
		series["refusals "+reason] = s
	}
	for name, s := range series {
		if s != nil && len(s) != n {
			return fmt.Errorf("%s has %d seconds, offered has %d", name, len(s), n)
		}
		if i := slices.IndexFunc(s, func(n int) bool { return n < 0 || n > mostASecond }); i >= 0 {
			return fmt.Errorf("%s is %d in second %d: want 0 to %d", name, s[i], i, mostASecond)
		}
	}
	if n > longest {
		return fmt.Errorf("%d seconds: want at most %d", n, longest)
	}
	for i := range n {
		if became := at(r.Served, i) + at(r.Degraded, i) + at(r.Refused, i) + at(r.Failed, i) + at(r.Aborted, i); became > r.Offered[i] {
			return fmt.Errorf("in second %d %d were offered, and %d came to something", i, r.Offered[i], became)
		}
	}
	return nil
}

// at is a series' value, 0 where the series is missing.
func at(s []int, i int) int {
	if i < len(s) {
		return s[i]
	}
	return 0
}
