package shed

import "slices"

// What routes share may be said in the configuration, where it would otherwise have to be learned from an incident. Routes with a name in
// common begin in the same fate: when one of them suffers, the others join its group in the same tick, well or not. That is where the
// evidence begins and not where it ends: a member that is evidently well leaves, as any other does. A route that is said to share
// nothing is in no group but its own, whatever its latency looks like, and errors of others are not its concern.

// sharesWith reports whether the configuration says that the routes share something.
func (r *Route) sharesWith(o *Route) bool {
	return slices.ContainsFunc(r.settings.Shares, func(name string) bool { return slices.Contains(o.settings.Shares, name) })
}

// withCompanions adds the routes that are said to share something with one of these, or with one of those that are added.
func (c *Controller) withCompanions(routes []*Route, free func(*Route) bool) []*Route {
	in, done := setOf(routes), map[string]bool{}
	for i := 0; i < len(routes); i++ {
		names := routes[i].settings.Shares
		if !slices.ContainsFunc(names, func(name string) bool { return !done[name] }) {
			continue // all who have one of its names are there
		}
		for _, o := range c.routes {
			if !in[o] && free(o) && routes[i].sharesWith(o) {
				if o.asleep {
					c.wake(o)
				}
				routes, in[o] = append(routes, o), true
			}
		}
		for _, name := range names {
			done[name] = true
		}
	}
	return routes
}

func setOf(routes []*Route) map[*Route]bool {
	set := make(map[*Route]bool, len(routes))
	for _, r := range routes {
		set[r] = true
	}
	return set
}

// apart splits routes that begin to suffer in the same tick: each that shares nothing stays by itself.
func apart(routes []*Route) (sets [][]*Route) {
	var together []*Route
	for _, r := range routes {
		if r.settings.Alone {
			sets = append(sets, []*Route{r})
		} else {
			together = append(together, r)
		}
	}
	if len(together) > 0 {
		sets = append(sets, together)
	}
	return sets
}

// openTo reports whether the route may be in the group.
func (g *group) openTo(r *Route) bool { return !r.settings.Alone && !g.private() }

// private reports whether the group is of a route that shares nothing, which is in no group but its own.
func (g *group) private() bool { return len(g.routes) == 1 && g.routes[0].settings.Alone }
