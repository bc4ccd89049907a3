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
	for i := 0; i < len(routes); i++ {
		for _, o := range c.routes {
			if free(o) && routes[i].sharesWith(o) && !slices.Contains(routes, o) {
				if o.asleep {
					c.wake(o)
				}
				routes = append(routes, o)
			}
		}
	}
	return routes
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

// private reports whether the group is of a route that shares nothing.
func (g *group) private() bool {
	return slices.ContainsFunc(g.routes, func(r *Route) bool { return r.settings.Alone })
}
