package verdict_test

import (
	"slices"
	"testing"
	"time"

	"triage/proxy/incident/verdict"
)

// crowd is what a route that nobody sees suffer shows while a limit keeps most of a crowd out.
func crowd(name string, offered, answered int) verdict.RouteSeen {
	r := route(name, answered, 0.05)
	r.Offered, r.Refused = offered, offered-answered
	return r
}

// TestWhoIsOnlyHeldIsNotNamed: what Triage does is not what was seen.
func TestWhoIsOnlyHeldIsNotNamed(t *testing.T) {
	v := isolate(func(s *verdict.Second) { // a crowd of one route, cured at once, in a group with two that it may share nothing with
		s.Routes[1], s.Groups = crowd("cart", 400, 100), [][]string{{"cart", "checkout", "search"}}
		s.Routes[2] = crowd("search", 100, 90)
	})
	if v.Kind != verdict.Route || !slices.Equal(v.Routes, []string{"cart"}) {
		t.Errorf("one grew: %s %v; want the route cart", v.Kind, v.Routes)
	}
	v = isolate(func(s *verdict.Second) { // all grow alike, nobody is slow, and one is refused
		for k := range s.Routes {
			s.Routes[k] = route(s.Routes[k].Name, 300, 0.05)
		}
		s.Routes[2], s.Groups = crowd("search", 300, 200), [][]string{{"search"}}
	})
	if v.Kind != verdict.None {
		t.Errorf("all grew, nobody suffered: %s %v; want none", v.Kind, v.Routes)
	}
	v = isolate(func(s *verdict.Second) { // all of a group grow, and it is held
		for k := range s.Routes[:2] {
			s.Routes[k] = crowd(s.Routes[k].Name, 300, 100)
		}
		s.Groups = [][]string{{"cart", "checkout"}}
	})
	if v.Kind != verdict.Resource || !slices.Equal(v.Routes, []string{"cart", "checkout"}) {
		t.Errorf("two grew and are held: %s %v; want what they share", v.Kind, v.Routes)
	}
}

// TestOneQueueIsAsLongForAll: the same wait is many times a short route's time and less than one of a long one's.
func TestOneQueueIsAsLongForAll(t *testing.T) {
	i := &verdict.Isolator{}
	look := func(n int, wait float64) {
		s := verdict.Second{At: time.Duration(n) * time.Second, Lasted: time.Second}
		for name, mean := range map[string]float64{"static": 0.002, "feed": 0.005, "checkout": 0.04, "cart": 0.04} {
			s.Routes = append(s.Routes, route(name, 200, mean+wait))
		}
		slices.SortFunc(s.Routes, func(a, b verdict.RouteSeen) int { return len(a.Name) - len(b.Name) })
		if wait > 0 {
			s.Groups = [][]string{{"static", "feed", "checkout", "cart"}}
		}
		i.Look(s)
	}
	for n := range 40 {
		look(n+1, map[bool]float64{true: 0.03}[n >= 20])
	}
	if v := i.Verdict(); v.Kind != verdict.Upstream && (v.Kind != verdict.Resource || len(v.Routes) < 3) {
		t.Errorf("%s %v; want what at least three of the four share", v.Kind, v.Routes)
	}
}

// TestASlowCrowdIsNoDeploy: three requests a second instead of one are seen after some time.
func TestASlowCrowdIsNoDeploy(t *testing.T) {
	i := &verdict.Isolator{}
	for n := 1; n <= 120; n++ {
		s := verdict.Second{At: time.Duration(n) * time.Second, Lasted: time.Second}
		offered, mean := 1, 1.0
		if n > 60 {
			offered, mean = 3, 4.0
		}
		for _, name := range []string{"checkout", "cart"} {
			r := route(name, 3-2*min(1, n%2), mean)
			r.Offered = offered
			s.Routes = append(s.Routes, r)
		}
		if n == 66 {
			s.Changes = []verdict.ChangeSeen{{At: s.At, What: "v2"}}
		}
		i.Look(s)
	}
	if v := i.Verdict(); v.Kind == verdict.Change || v.Kind == verdict.None {
		t.Errorf("%s %q; want not the deploy", v.Kind, v.Subject)
	}
}

// TestTroubleFromTheStartIsIsolatedOnceThereWasCalm: a process that met it in its first second learns how things are in the first quiet ones.
func TestTroubleFromTheStartIsIsolatedOnceThereWasCalm(t *testing.T) {
	i := &verdict.Isolator{}
	held := func(n int, offered int) {
		s := shop(n)
		s.Routes[0], s.Routes[1] = crowd("checkout", offered, 100), crowd("cart", offered, 100)
		s.Groups = [][]string{{"cart", "checkout"}}
		i.Look(s)
	}
	held(1, 120)
	for n := 2; n <= 6; n++ {
		i.Look(shop(n))
	}
	for n := 7; n <= 20; n++ {
		held(n, 400)
	}
	if v := i.Verdict(); v.Kind != verdict.Resource || !slices.Equal(v.Routes, []string{"cart", "checkout"}) {
		t.Errorf("%s %v (%.2f); want what cart and checkout share", v.Kind, v.Routes, v.Confidence)
	}
}

func TestWhatARecordHolds(t *testing.T) {
	sure, unsure := verdict.Verdict{Kind: verdict.Route, Confidence: 0.9}, verdict.Verdict{Kind: verdict.Route, Confidence: 0.7}
	unknown, none := verdict.Verdict{Kind: verdict.Unknown, Confidence: 0.5}, verdict.Verdict{Kind: verdict.None}
	for _, tt := range []struct {
		name     string
		new, old verdict.Verdict
		want     bool
	}{
		{"all is well again", none, sure, false},
		{"the evidence fades", unknown, sure, false},
		{"it never was sure", unknown, unsure, true},
		{"another place", unsure, sure, true},
		{"the first", sure, none, true},
	} {
		if got := tt.new.Replaces(tt.old); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
