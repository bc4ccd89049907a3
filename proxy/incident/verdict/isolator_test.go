package verdict_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"triage/proxy/incident/verdict"
)

// shop is a quiet second of three routes on one upstream with two endpoints.
func shop(n int) verdict.Second {
	s := verdict.Second{At: time.Duration(n) * time.Second, Lasted: time.Second}
	for _, name := range []string{"checkout", "cart", "search"} {
		s.Routes = append(s.Routes, route(name, 100, 0.05))
	}
	for _, name := range []string{"http://a", "http://b"} {
		s.Endpoints = append(s.Endpoints, verdict.EndpointSeen{Upstream: "shop", Name: name, Answered: 150, Took: 7.5, Squares: 0.5})
	}
	return s
}

// route is a second of a route that answers that many with that mean.
func route(name string, answered int, mean float64) verdict.RouteSeen {
	n := float64(answered)
	return verdict.RouteSeen{Name: name, Upstream: "shop", Offered: answered, Answered: answered, Took: n * mean, Squares: n * mean * mean * 1.3}
}

// isolate shows twenty quiet seconds and then ten that trouble has changed.
func isolate(trouble func(s *verdict.Second)) verdict.Verdict {
	i := &verdict.Isolator{}
	for n := 1; n <= 20; n++ {
		i.Look(shop(n))
	}
	for n := 21; n <= 30; n++ {
		s := shop(n)
		trouble(&s)
		i.Look(s)
	}
	return i.Verdict()
}

func TestEveryPlace(t *testing.T) {
	failing := func(name string) func(*verdict.Second) {
		return func(s *verdict.Second) {
			for k := range s.Routes {
				if s.Routes[k].Name == name || name == "" {
					s.Routes[k].Answered, s.Routes[k].Failed = 50, 50
				}
			}
		}
	}
	slow := func(names ...string) func(*verdict.Second) {
		return func(s *verdict.Second) {
			for k := range s.Routes {
				if slices.Contains(names, s.Routes[k].Name) {
					s.Routes[k] = route(s.Routes[k].Name, 100, 0.15)
				}
			}
		}
	}
	endpoint := func(unreachable int) func(*verdict.Second) {
		return func(s *verdict.Second) {
			s.Endpoints[0].Answered, s.Endpoints[0].Failed, s.Endpoints[0].Unreachable = 75, 75, unreachable
			failing("")(s)
		}
	}
	changed := func(at int, routes []string, then func(*verdict.Second)) func(*verdict.Second) {
		return func(s *verdict.Second) {
			if s.At == 21*time.Second {
				s.Changes = []verdict.ChangeSeen{{At: time.Duration(at) * time.Second, What: "v2", Routes: routes}}
			}
			then(s)
		}
	}
	for _, tt := range []struct {
		name    string
		trouble func(*verdict.Second)
		kind    verdict.Kind
		subject string
		routes  []string
	}{
		{"nothing", func(*verdict.Second) {}, verdict.None, "", nil},
		{"one route fails", failing("checkout"), verdict.Route, "checkout", []string{"checkout"}},
		{"one route is slow", slow("cart"), verdict.Route, "cart", []string{"cart"}},
		{"two routes are slow", slow("cart", "checkout"), verdict.Resource, "", []string{"cart", "checkout"}},
		{"all fail", failing(""), verdict.Upstream, "shop", []string{"cart", "checkout", "search"}},
		{"one endpoint fails", endpoint(0), verdict.Endpoint, "http://a", nil},
		{"connections to one endpoint fail", endpoint(75), verdict.Network, "http://a", nil},
		{"clients hang up", func(s *verdict.Second) {
			for k := range s.Routes {
				s.Routes[k] = route(s.Routes[k].Name, 60, 0.05)
				s.Routes[k].Left, s.Routes[k].Waited = 40, 1
			}
		}, verdict.Client, "", nil},
		{"this process stands still", func(s *verdict.Second) { s.Late = 300 * time.Millisecond }, verdict.Proxy, "", nil},
		{"this process has a defect", func(s *verdict.Second) { s.Internal = 30 }, verdict.Proxy, "", nil},
		{"a deploy of the route that fails", changed(18, []string{"checkout"}, failing("checkout")), verdict.Change, "v2", []string{"checkout"}},
		{"a deploy of another route", changed(18, []string{"search"}, failing("checkout")), verdict.Route, "checkout", []string{"checkout"}},
		{"a deploy afterwards", changed(29, nil, failing("checkout")), verdict.Route, "checkout", []string{"checkout"}},
		{"a deploy with a crowd", changed(18, nil, func(s *verdict.Second) {
			slow("cart", "checkout")(s)
			for k := range s.Routes {
				s.Routes[k].Offered = 300
			}
		}), verdict.Resource, "", []string{"cart", "checkout"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := isolate(tt.trouble)
			if v.Kind != tt.kind || v.Subject != tt.subject || !slices.Equal(v.Routes, tt.routes) {
				t.Errorf("%s %q %v (%.2f, for %q, against %q); want %s %q %v", v.Kind, v.Subject, v.Routes, v.Confidence, v.For, v.Against, tt.kind, tt.subject, tt.routes)
			}
			if v.Kind != verdict.None && (v.Confidence <= 0.6 || v.Confidence > 1 || len(v.For) == 0) {
				t.Errorf("confidence %.2f with the evidence %q", v.Confidence, v.For)
			}
			if v.Sentence() == "" {
				t.Error("there is no sentence for it")
			}
		})
	}
}

func TestInterventionsAreEvidence(t *testing.T) {
	two := func(s *verdict.Second) {
		s.Routes[0] = route("checkout", 100, 0.15)
		s.Routes[1] = route("cart", 100, 0.15)
		s.Routes[2] = route("search", 100, 0.1)
	}
	if v := isolate(two); len(v.Routes) != 3 {
		t.Fatalf("before anything was tried: %v", v.Routes)
	}
	for _, tt := range []struct {
		kind, subject, reason string
		what                  verdict.Finding
	}{
		{"level", "checkout", "not load: errors did not follow the cut (40 % errors)", verdict.NotLoad},
		{"level", "checkout", "not load: nobody else fails or has grown, and …", verdict.NotLoad},
		{"level", "checkout", "errors fell with the cut, not enough yet (5 % errors)", verdict.Load},
		{"relief", "export", "kept back it relieves db, which gets 34 % more done: it is held", verdict.Culprit},
		{"relief", "export", "kept back it does not relieve db (+1 %): let go", verdict.NoCulprit},
		{"group", "checkout", "search leaves: it is well while the others are 2.00 times their baseline", verdict.Innocent},
		{"group", "checkout", "search is back: released for a moment it suffered", verdict.Shares},
		{"slowness", "checkout", "not load: latency did not follow the cut", verdict.Slower},
	} {
		f, ok := verdict.Heard(tt.kind, tt.subject, tt.reason)
		if !ok || f.What != tt.what || !strings.Contains(f.Text, strings.Fields(tt.reason)[0]) {
			t.Errorf("%s %q: %+v %v, want %s", tt.kind, tt.reason, f, ok, tt.what)
		}
	}
	if _, ok := verdict.Heard("limit", "db", "latency above target"); ok {
		t.Error("a move of a limit shows nothing, and is heard")
	}
	innocent, _ := verdict.Heard("group", "db", "search leaves: it is well")
	v := isolate(func(s *verdict.Second) {
		two(s)
		s.Found = append(s.Found, innocent)
	})
	if slices.Contains(v.Routes, "search") || !slices.Contains(v.For, innocent.Text) {
		t.Errorf("routes %v, for %q; want that search is let go, and why", v.Routes, v.For)
	}
	notLoad, _ := verdict.Heard("level", "checkout", "not load: errors did not follow the cut")
	v = isolate(func(s *verdict.Second) {
		s.Routes[0].Answered, s.Routes[0].Failed = 60, 40
		s.Found = append(s.Found, notLoad)
	})
	if v.Kind != verdict.Route || !slices.ContainsFunc(v.For, func(s string) bool {
		return strings.HasPrefix(s, "Not load: shedding lower classes did not move checkout's errors")
	}) {
		t.Errorf("%s, for %q", v.Kind, v.For)
	}
}

func TestUnknownIsAllowed(t *testing.T) {
	v := isolate(func(s *verdict.Second) { // every second something else
		if n := int(s.At.Seconds()); n%2 == 0 {
			s.Late = 900 * time.Millisecond
		} else {
			s.Endpoints[n/2%2].Answered, s.Endpoints[n/2%2].Failed = 75, 75
			s.Routes[0].Failed = 80
		}
	})
	if v.Isolated() {
		t.Errorf("%s %q with %.2f: it is sure of one of several", v.Kind, v.Subject, v.Confidence)
	}
}

// TestDrawnSeconds holds what the package comment promises whatever is seen: it ends, numbers stay numbers, equal seconds give equal verdicts, and
// no route is named that never did anything but well.
func TestDrawnSeconds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var seconds []verdict.Second
		for n := 1; n <= 12; n++ {
			seconds = append(seconds, shop(n))
		}
		for n := 13; n <= 12+rapid.IntRange(0, 30).Draw(t, "seconds"); n++ {
			s := shop(n)
			for k := range s.Routes[:2] { // search stays well
				r := &s.Routes[k]
				r.Failed, r.TimedOut, r.Left, r.Refused = rapid.IntRange(0, 90).Draw(t, "failed"), rapid.IntRange(0, 20).Draw(t, "timed out"), rapid.IntRange(0, 50).Draw(t, "left"), rapid.IntRange(0, 90).Draw(t, "refused")
				slow := rapid.Float64Range(0, 8).Draw(t, "slow")
				r.Took, r.Squares = r.Took*slow, r.Squares*slow*slow
				r.Waited = rapid.Float64Range(0, 100).Draw(t, "waited")
				r.Shut = rapid.Bool().Draw(t, "shut")
			}
			s.Late = time.Duration(rapid.IntRange(-1000, 2000).Draw(t, "late")) * time.Millisecond
			if rapid.Bool().Draw(t, "held") {
				s.Groups = [][]string{{"checkout", "cart"}}
			}
			seconds = append(seconds, s)
		}
		var a, b verdict.Isolator
		for _, s := range seconds {
			a.Look(s)
			b.Look(s)
			v := a.Verdict()
			switch {
			case !reflect.DeepEqual(v, b.Verdict()):
				t.Fatalf("two verdicts of the same: %+v and %+v", v, b.Verdict())
			case !(v.Confidence >= 0 && v.Confidence <= 1):
				t.Fatalf("confidence %v", v.Confidence)
			case slices.Contains(v.Routes, "search"):
				t.Fatalf("search, which is well, is named: %+v", v)
			case !slices.Contains(verdict.Kinds(), v.Kind):
				t.Fatal(fmt.Sprint("kind ", v.Kind))
			}
		}
	})
}
