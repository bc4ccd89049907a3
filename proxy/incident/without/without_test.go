package without_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"triage/proxy/incident/verdict"
	"triage/proxy/incident/without"
)

// shop plays seconds of two routes on one database that gets 100 requests a second done, and one route that shares nothing.
type shop struct {
	e  without.Estimator
	at time.Duration
}

func newShop() *shop {
	return &shop{e: without.Estimator{Patience: map[string]time.Duration{"shop": 2 * time.Second}}}
}

func seen(name string, offered, refused int) verdict.RouteSeen {
	had := offered - refused
	return verdict.RouteSeen{Name: name, Upstream: "shop", Offered: offered, Refused: refused, Answered: had, Took: float64(had) * 0.02}
}

func (s *shop) play(seconds int, groups [][]string, routes ...verdict.RouteSeen) {
	for range seconds {
		s.at += time.Second
		s.e.Look(verdict.Second{At: s.at, Lasted: time.Second, Groups: groups, Routes: routes})
	}
}

func (s *shop) calm(seconds int) {
	s.play(seconds, nil, seen("checkout", 20, 0), seen("recs", 20, 0), seen("static", 50, 0))
}

var both = [][]string{{"checkout", "recs"}}

func TestACrowdWouldHaveDrownedTheShop(t *testing.T) {
	s := newShop()
	s.calm(30)
	s.e.Begin()
	s.play(20, both, seen("checkout", 80, 0), seen("recs", 120, 100), seen("static", 50, 0))
	got := s.e.Routes()
	checkout := got["checkout"]
	if !checkout.Known || checkout.Offered != 1600 || checkout.Served != 1600 {
		t.Fatalf("checkout: %+v", checkout)
	}
	// The queue is two seconds long after two seconds; from then on nobody is served, if the backend works for those who left, or half of them, if not.
	if low, high := checkout.Without.Low/1600, checkout.Without.High/1600; low > 0.15 || high < 0.45 || high > 0.6 {
		t.Errorf("checkout: %.2f to %.2f would have been served; want a tenth to half", low, high)
	}
	if static := got["static"]; static.Without.Low != static.Served {
		t.Errorf("who shares nothing: %+v, want the same without protection", static)
	}
}

func TestTheQueueOutlivesTheCrowd(t *testing.T) {
	s := newShop()
	s.calm(30)
	s.e.Begin()
	s.play(10, both, seen("checkout", 80, 0), seen("recs", 120, 100))
	after := s.e.Routes()["checkout"].Without.Low
	s.play(5, nil, seen("checkout", 20, 0), seen("recs", 20, 0))
	if more := s.e.Routes()["checkout"].Without.Low - after; more > 20 {
		t.Errorf("%v served while ten seconds of backlog were there", more)
	}
	s.play(60, nil, seen("checkout", 20, 0), seen("recs", 20, 0))
	if more := s.e.Routes()["checkout"].Without.Low - after; more < 800 {
		t.Errorf("%v of 1300 served after it; it never drains", more)
	}
}

func TestUnknownIsSaid(t *testing.T) {
	s := newShop()
	s.play(10, both, seen("checkout", 80, 0), seen("recs", 120, 100))
	if got := s.e.Routes()["checkout"]; got.Known {
		t.Errorf("known, though it was never seen well: %+v", got)
	}
}

func TestABreakerSavesNothingThatWouldHaveWorked(t *testing.T) {
	s := newShop()
	s.calm(30)
	s.e.Begin()
	broken := verdict.RouteSeen{Name: "recs", Upstream: "shop", Offered: 100, Shut: true, Answered: 1, Failed: 9}
	s.play(10, nil, seen("checkout", 20, 0), broken)
	got := s.e.Routes()
	if got["recs"].Without.Low != 100 || got["checkout"].Without.Low != got["checkout"].Served {
		t.Errorf("%+v; want a tenth of recs and all of checkout", got)
	}
}

func TestAnEndpointThatIsOutWouldHaveFailed(t *testing.T) {
	s := newShop()
	s.calm(30)
	s.e.Begin()
	s.e.Look(verdict.Second{At: s.at + time.Second, Lasted: time.Second, Routes: []verdict.RouteSeen{seen("checkout", 20, 0)},
		Endpoints: []verdict.EndpointSeen{{Upstream: "shop", Name: "a", Shut: true}, {Upstream: "shop", Name: "b"}}})
	if got := s.e.Routes()["checkout"].Without.Low; got != 10 {
		t.Errorf("%v, want half of 20", got)
	}
}

func TestTheShareThatIsSaid(t *testing.T) {
	for _, tt := range []struct {
		name             string
		route            without.Route
		from, likely, to float64
		known            bool
	}{
		{"nothing offered", without.Route{Known: true}, 0, 0, 0, false},
		{"no base", without.Route{Offered: 100, Served: 100, Without: without.Range{Low: 10, High: 50}}, 0, 0, 1, false},
		{"a queue that was not seen", without.Route{Offered: 100, Served: 99, Without: without.Range{Low: 99, High: 99}, Known: true}, 0, 0, 1, false},
		{"drowned", without.Route{Offered: 100, Served: 99, Without: without.Range{Low: 50, High: 75}, Known: true}, 0.15, 0.3, 0.75, true},
		{"all lost", without.Route{Offered: 100, Served: 99, Without: without.Range{}, Known: true}, 0, 0, 0.15, true},
	} {
		from, likely, to, known := tt.route.Share()
		if math.Abs(from-tt.from)+math.Abs(likely-tt.likely)+math.Abs(to-tt.to) > 1e-9 || known != tt.known {
			t.Errorf("%s: %v, from %v to %v, known %v", tt.name, likely, from, to, known)
		}
	}
}

// TestDrawnSeconds holds what is always true: no more than was offered, low and high in order, and never less than nothing.
func TestDrawnSeconds(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		s := newShop()
		s.calm(dice.IntN(30))
		for range 30 {
			a, b := dice.IntN(200), dice.IntN(200)
			s.play(1, both[:dice.IntN(2)], seen("checkout", a, dice.IntN(a+1)), seen("recs", b, dice.IntN(b+1)))
		}
		for name, r := range s.e.Routes() {
			w := r.Without
			if !(0 <= w.Low && w.Low <= w.High+1e-6 && w.High <= r.Offered+1e-6) {
				t.Fatalf("%s: %+v", name, r)
			}
		}
	}
}
