package shed

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a group's limit and its members become is told, also where no law moves them: when a route joins, is let out for a moment, is evidently well,
// goes from the configuration, or when two groups become one. What drawn worlds come upon too seldom.
func TestWhoComesAndGoesIsTold(t *testing.T) {
	now := 3 * time.Second
	newest := func(c *Controller) Entry {
		all := c.Entries(0, time.Unix(0, 0))
		return all[len(all)-1]
	}
	// agrees wants the newest entries to say what the group is like now.
	agrees := func(t *testing.T, c *Controller, g *group, kind, reason string) {
		t.Helper()
		e := newest(c)
		if e.Kind != kind || e.Subject != g.name || !strings.Contains(e.Reason, reason) {
			t.Errorf("the newest entry is %+v; want one of %s %s that says %q", e, kind, g.name, reason)
		}
		if kind == "limit" && e.To != g.limit || g.reported != g.limit {
			t.Errorf("the limit is %v, reported is %v, and the entry says %v", g.limit, g.reported, e.To)
		}
	}
	t.Run("joins", func(t *testing.T) {
		c := shared(t, "a", "b")
		c.suffer(now, "a")
		g := c.groups[0]
		before := g.limit
		c.join(now+time.Minute, c.routes[1], g, "suffers")
		agrees(t, c, g, "group", "b joins: suffers")
		if e := newest(c); e.From != before || e.To != g.limit || e.From == e.To {
			t.Errorf("from %v to %v; the limit was %v and is %v", e.From, e.To, before, g.limit)
		}
	})
	t.Run("is let out", func(t *testing.T) {
		c := shared(t, "a", "b")
		c.suffer(now, "a", "b")
		g, b := c.groups[0], c.routes[1]
		g.y, b.founder, b.trialAt, b.refusing, b.refusedAt = 1, false, 0, Limit, now
		if c.tryRelease(now, g); b.trialOf != g {
			t.Fatal("it is not let out: the test shows nothing")
		}
		agrees(t, c, g, "group", "b is taken out: for a moment")
	})
	t.Run("is well", func(t *testing.T) {
		l := newLab(t, RouteSettings{Name: "a"}, RouteSettings{Name: "b", Class: 1})
		for range 40 {
			l.tick(20, l.usual, l.routes...)
		}
		l.c.open(l.now, l.routes)
		g, b := l.c.groups[0], l.routes[1]
		for i := range 40 {
			l.tick(10, func() time.Duration { return 100 * time.Millisecond }, l.routes[0])
			if l.tick(10, l.usual, b); slices.Contains(g.routes, b) && i < 39 {
				continue
			}
			break
		}
		told := slices.ContainsFunc(l.c.Entries(0, time.Unix(0, 0)), func(e Entry) bool {
			return e.Kind == "limit" && strings.Contains(e.Reason, "begun anew without b")
		})
		if slices.Contains(g.routes, b) || !told {
			t.Errorf("b is out: %v, and the new limit is told: %v", !slices.Contains(g.routes, b), told)
		}
	})
	t.Run("goes", func(t *testing.T) {
		c := shared(t, "a", "b")
		c.suffer(now, "a", "b")
		g := c.groups[0]
		for i, want := range []string{"b is taken out: it is gone from the configuration", "closed: nobody is in it any more"} {
			if _, err := c.Configure(now, Settings{Classes: 4, Routes: []RouteSettings{{Name: "a"}}[:1-i]}); err != nil {
				t.Fatal(err)
			}
			agrees(t, c, g, "group", want)
		}
	})
	t.Run("a limit of the ignorant", func(t *testing.T) {
		l := newLab(t, RouteSettings{Name: "a"})
		r := l.routes[0]
		for range 15 {
			l.tick(10, func() time.Duration { return 0 }, r)
			for range 5 {
				ticket := &Ticket{Route: r}
				if l.c.Admit(l.now, ticket); ticket.Running() {
					l.c.Done(l.now, ticket, Timeout, 0)
				}
			}
		}
		if math.IsInf(r.blind, 1) {
			t.Fatal("it has no limit: the test shows nothing")
		}
		if e := newest(l.c); e.Kind != "limit" || e.Subject != "a" || e.To != r.blind {
			t.Errorf("the newest entry is %+v; want the limit of a, %v", e, r.blind)
		}
	})
}
