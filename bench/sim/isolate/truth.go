package isolate

import (
	"fmt"
	"slices"
	"strings"

	"triage/bench/sim"
	"triage/proxy/incident/verdict"
)

// truth is where the failure is: one or more ways of saying it that are all right.
type truth []place

// place is one way of saying it.
type place struct {
	kind   verdict.Kind
	routes []string // none: the kind says all
	any    bool     // every route may be named
}

// String is for the matrix.
func (t truth) String() string { return string(t[0].kind) }

// parse reads a label of the zoo: "none", "endpoint", "upstream", "route NAME", "resource NAME…", several with "or" between them.
func parse(label string, sc sim.Scenario) (truth, error) {
	var t truth
	for part := range strings.SplitSeq(label, " or ") {
		words := strings.Fields(part)
		if len(words) == 0 {
			return nil, fmt.Errorf("verdict %q: want none, endpoint, upstream, route NAME or resource NAME", label)
		}
		switch kind := verdict.Kind(words[0]); {
		case (kind == verdict.None || kind == verdict.Endpoint || kind == verdict.Upstream) && len(words) == 1:
			t = append(t, place{kind: kind, any: kind == verdict.Upstream})
		case kind == verdict.Route && len(words) == 2:
			t = append(t, place{kind: kind, routes: words[1:]})
		case kind == verdict.Resource && len(words) >= 2:
			users, all := usersOf(words[1:], sc)
			if len(users) == 0 {
				return nil, fmt.Errorf("verdict %q: no route needs it", label)
			}
			t = append(t, place{kind: kind, routes: users})
			if all {
				t = append(t, place{kind: verdict.Upstream, routes: users})
			}
		default:
			return nil, fmt.Errorf("verdict %q: want none, endpoint, upstream, route NAME or resource NAME", label)
		}
	}
	return t, nil
}

// usersOf are the routes that need one of the resources, and whether those are all there are.
func usersOf(resources []string, sc sim.Scenario) (users []string, all bool) {
	for _, r := range sc.Routes {
		if slices.ContainsFunc(r.Steps, func(s sim.Step) bool { return slices.Contains(resources, s.Resource) }) {
			users = append(users, r.Name)
		}
	}
	return users, len(users) == len(sc.Routes)
}

// right reports whether the verdict says the same.
func (t truth) right(v verdict.Verdict) bool {
	return slices.ContainsFunc(t, func(p place) bool {
		if p.kind != v.Kind {
			return false
		}
		if len(p.routes) == 0 {
			return true
		}
		return len(t.innocents(v)) == 0 && 2*len(v.Routes) >= len(p.routes)
	})
}

// innocents are the routes that the verdict names and no way of saying the truth does. Of an endpoint, a client or this process any route is one.
func (t truth) innocents(v verdict.Verdict) (out []string) {
	for _, r := range v.Routes {
		guilty := slices.ContainsFunc(t, func(p place) bool { return p.any || slices.Contains(p.routes, r) })
		if !guilty {
			out = append(out, r)
		}
	}
	return out
}
