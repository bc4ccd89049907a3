package shed

import (
	"slices"
	"strings"
	"testing"
	"time"

	"triage/shed/window"
)

// shared makes a controller with a route for each text: a name, and what it shares; of one called stranger nothing is known yet.
func shared(t *testing.T, routes ...string) *Controller {
	t.Helper()
	s := Settings{Classes: 4}
	for i, text := range routes {
		name, shares, _ := strings.Cut(text, ":")
		rs := RouteSettings{Name: name, Class: min(i, 3), Alone: shares == "none"}
		if !rs.Alone {
			rs.Shares = strings.Fields(shares)
		}
		s.Routes = append(s.Routes, rs)
	}
	c, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.routes {
		c.shut(r)
		if r.Name() == "stranger" {
			continue
		}
		for _, at := range []time.Duration{0, 2 * time.Second} {
			r.base.Add(30, 30*50*time.Millisecond, 30*0.05*0.05)
			r.base.Tick(at)
		}
	}
	c.assemble()
	return c
}

// suffer lets routes suffer, all in the same way, and regroups.
func (c *Controller) suffer(now time.Duration, names ...string) {
	for _, r := range c.routes {
		if r.suffering = slices.Contains(names, r.Name()); r.suffering {
			r.known, r.x, r.excess = true, 3, 0.1
		}
	}
	c.regroup(now)
	for _, g := range c.groups {
		g.y, g.excess = 3, 0.1
	}
}

// sets are the groups' members, sorted.
func (c *Controller) sets() string {
	var all []string
	for _, g := range c.groups {
		members := names(g.routes)
		slices.Sort(members)
		all = append(all, strings.Join(members, "+"))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestSharesBeginInTheSameFate(t *testing.T) {
	for _, test := range []struct {
		name   string
		routes []string
		first  []string // who suffers
		then   []string // who suffers a tick later
		want   string
	}{
		{"nothing is said", []string{"a", "b", "c"}, []string{"a"}, nil, "a"},
		{"a name in common", []string{"a:db", "b:db cache", "c:cache", "d:other", "e"}, []string{"a"}, nil, "a+b+c"},
		{"who joins brings the others", []string{"a", "b:db", "c:db"}, []string{"a"}, []string{"a", "b"}, "a+b+c"},
		{"equal trouble without a name", []string{"a", "b"}, []string{"a"}, []string{"a", "b"}, "a+b"},
		{"one that shares nothing suffers alone", []string{"a:none", "b"}, []string{"a"}, []string{"a", "b"}, "a b"},
		{"one that shares nothing joins nobody", []string{"a", "b:none"}, []string{"a"}, []string{"a", "b"}, "a b"},
		{"in the same tick", []string{"a:none", "b", "c", "d:none"}, []string{"a", "b", "c", "d"}, nil, "a b+c d"},
	} {
		c := shared(t, test.routes...)
		c.suffer(3*time.Second, test.first...)
		if test.then != nil {
			c.suffer(3*time.Second+tickEvery, test.then...)
		}
		if got := c.sets(); got != test.want {
			t.Errorf("%s: groups %q, want %q", test.name, got, test.want)
		}
		for i := range 2 * mergeTicks {
			c.suffer(4*time.Second+time.Duration(i)*tickEvery, append(test.first, test.then...)...)
		}
		if got := c.sets(); got != test.want {
			t.Errorf("%s, after a while of equal trouble: groups %q, want %q", test.name, got, test.want)
		}
	}
}

// Neither symptoms nor strangeness, nor the same fate before, bring a route that shares nothing into a group of others.
func TestSharesNothing(t *testing.T) {
	c := shared(t, "a:none", "b", "stranger:none", "d")
	now := 3 * time.Second
	c.suffer(now, "b")
	a, b, stranger := c.routes[0], c.routes[1], c.routes[2]
	a.known, a.x, a.excess, a.symptoms = true, 3, 0.1, 10
	a.fate = &fate{routes: []*Route{a, b, c.routes[3]}, last: now}
	b.fate = a.fate
	stranger.inFlight = 100
	c.suffer(now+tickEvery, "b")
	if got := c.sets(); got != "b" {
		t.Errorf("groups %q, want b alone", got)
	}
	if got := names(c.withFate(now, []*Route{b})); !slices.Equal(got, []string{"b", "d"}) {
		t.Errorf("b's fate takes %q along", got)
	}
	if got := names(c.withFate(now, []*Route{a})); !slices.Equal(got, []string{"a"}) {
		t.Errorf("a's fate takes %q along", got)
	}
}

// A route that shares nothing is not suspected of being in a group's way, and a group of one that shares nothing suspects nobody.
func TestSharesNothingIsNoSuspect(t *testing.T) {
	for _, test := range []struct {
		suspect, victim string
		want            bool
	}{{"a", "b", true}, {"a:none", "b", false}, {"a", "b:none", false}} {
		c := shared(t, test.victim, test.suspect)
		victim, suspect := c.routes[0], c.routes[1]
		c.suffer(3*time.Second, victim.Name())
		suspect.inFlight, suspect.usual = 100, 1
		for range usualTicks {
			suspect.recent.Add(window.Tick{Arrivals: 100})
		}
		if got := c.suspicious(4*time.Second, suspect, c.groups[0], 0); got != test.want {
			t.Errorf("%s in the way of %s: suspected %v, want %v", test.suspect, test.victim, got, test.want)
		}
	}
}

// A route that is evidently well may leave, and is not fetched back at once because of the name.
func TestEvidenceGoesOverAName(t *testing.T) {
	c := shared(t, "a:db", "b:db")
	now := 3 * time.Second
	c.suffer(now, "a")
	b := c.routes[1]
	c.leave(now, b)
	b.aloofTill = now + aloofFor
	c.leave(now, c.routes[0])
	c.suffer(now+tickEvery, "a")
	if got := c.sets(); got != "a" {
		t.Errorf("groups %q; want a alone, for b was found to be well", got)
	}
}

// Told by a reload that it shares nothing, a route leaves the group that it is in.
func TestAloneByReload(t *testing.T) {
	c := shared(t, "a", "b")
	c.suffer(3*time.Second, "a", "b")
	if _, err := c.Configure(4*time.Second, Settings{Classes: 4, Routes: []RouteSettings{{Name: "a"}, {Name: "b", Class: 1, Alone: true}}}); err != nil {
		t.Fatal(err)
	}
	if got := c.sets(); got != "a" {
		t.Errorf("groups %q, want a alone", got)
	}
}

// Errors of another route are no concern of one that shares nothing, and first of all that of those that share something.
func TestSharesAndTheLevel(t *testing.T) {
	c := shared(t, "checkout:db", "cart:db", "search", "static:none")
	c.guard = c.routes[0]
	c.level.Level = 3
	c.suspects()
	for i, want := range []bool{false, true, false, false} {
		if got := c.underLevel(c.routes[i]); i > 0 && got != want {
			t.Errorf("%s may be refused for the errors of checkout: %v, want %v", c.routes[i].Name(), got, want)
		}
	}
	c = shared(t, "checkout", "static:none")
	c.guard = c.routes[0]
	c.level.Level = 3
	c.suspects()
	if c.underLevel(c.routes[1]) {
		t.Error("static, which shares nothing, may be refused for the errors of checkout")
	}
	c = shared(t, "checkout:none", "cart", "search")
	c.guard = c.routes[0]
	c.level.Level = 3
	c.suspects()
	if c.underLevel(c.routes[1]) {
		t.Error("cart may be refused for the errors of a checkout that shares nothing")
	}
}

// Who was brought into a group by a companion does not open another with those that suffer in the same tick.
func TestNobodyIsInTwoGroups(t *testing.T) {
	c := shared(t, "first", "much:db", "little:db")
	now := 3 * time.Second
	c.suffer(now, "first")
	for r, x := range map[*Route]float64{c.routes[1]: 100, c.routes[2]: 3} {
		r.suffering, r.known, r.x, r.excess = true, true, x, 0.05*(x-1)
	}
	c.regroup(now + tickEvery)
	if got := c.sets(); got != "first+little+much" {
		t.Errorf("groups %q, want one of all", got)
	}
}
