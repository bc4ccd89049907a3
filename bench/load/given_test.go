package load_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"triage/bench/load"
)

// sent is a request as the service saw it.
type sent struct {
	at            time.Duration
	host, tag, by string
}

// witness answers at once, 500 to tags of less than three digits, and notes who asked.
func witness(t *testing.T, s *load.Settings) func() []sent {
	t.Helper()
	begun := time.Now()
	var mu sync.Mutex
	var all []sent
	s.Transport = transport(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, sent{time.Since(begun), r.URL.Host, r.Header.Get("X-Tag"), r.Header.Get("Cookie")})
		if len(r.Header.Get("X-Tag")) < 3 {
			return answer(500, nil), nil
		}
		return answer(200, nil), nil
	})
	return func() []sent {
		slices.SortFunc(all, func(a, b sent) int { return strings.Compare(a.at.String()+a.tag, b.at.String()+b.tag) })
		return all
	}
}

// given is two phases of a second with arrivals of the test's own.
func given(arrivals ...load.Arrival) load.Settings {
	return load.Settings{
		Target:   "http://shop",
		Requests: []load.Request{{Route: "checkout", Class: "critical", Path: "/checkout", SessionCookie: "sid"}},
		Phases:   []load.Phase{{Name: "one", For: time.Second}, {Name: "two", For: time.Second}},
		Arrivals: arrivals,
		Sign:     func(a load.Arrival, h http.Header) { h.Set("X-Tag", strconv.FormatUint(a.Tag, 16)) },
	}
}

func TestGivenArrivalsAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := given(
			load.Arrival{At: 100 * time.Millisecond, Tag: 0xabc, Session: 4},
			load.Arrival{At: 1200 * time.Millisecond, Tag: 0xdef, Session: 5, Phase: 1},
		)
		s.Targets = []string{"http://a", "http://b"}
		s.Begin = time.Now().Add(300 * time.Millisecond)
		all := witness(t, &s)
		got := run(t, s)
		want := []sent{{400 * time.Millisecond, "a", "abc", "sid=s4"}, {1500 * time.Millisecond, "b", "def", "sid=s5"}}
		slices.SortFunc(want, func(a, b sent) int { return strings.Compare(a.at.String(), b.at.String()) })
		if seen := all(); !slices.Equal(seen, want) {
			t.Errorf("the service saw %+v; want %+v", seen, want)
		}
		if c := got.Classes[0]; c.Phases[0].Served != 1 || c.Phases[1].Served != 1 || got.Elapsed != 2*time.Second {
			t.Errorf("got %+v after %v; want one served in each phase, 2s", c, got.Elapsed)
		}
	})
}

func TestAPhaseHasItsOwnTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := given(load.Arrival{Tag: 0x111}, load.Arrival{At: time.Second, Tag: 0x222, Phase: 1})
		s.Phases[1].Targets = []string{"http://fresh"}
		all := witness(t, &s)
		run(t, s)
		if seen := all(); len(seen) != 2 || seen[0].host != "shop" || seen[1].host != "fresh" {
			t.Errorf("the service saw %+v; want the first at shop, the second at fresh", seen)
		}
	})
}

func TestAUserSendsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := given(load.Arrival{At: 900 * time.Millisecond, Tag: 1})
		all := witness(t, &s)
		var ends []load.Ending
		s.OnEnd = func(e load.Ending) (load.Arrival, bool) {
			ends = append(ends, e)
			next := e.Arrival
			next.At, next.Tag, next.Phase = e.Ended+500*time.Millisecond, e.Tag<<4, 1
			return next, e.How == load.Failed
		}
		got := run(t, s)
		if len(ends) != 3 || ends[0].Answer.StatusCode != 500 || ends[2].How != load.Served || ends[2].Tag != 0x100 {
			t.Fatalf("ends %+v; want two failures and a success", ends)
		}
		if ends[2].Latency != 0 || ends[2].Ended != 1900*time.Millisecond {
			t.Errorf("the last ended at %v, after %v; want 1.9s, at once", ends[2].Ended, ends[2].Latency)
		}
		if seen := all(); len(seen) != 3 {
			t.Errorf("the service saw %+v; want three attempts", seen)
		}
		c := got.Classes[0]
		if c.Phases[0].Failed != 1 || c.Phases[1].Failed != 1 || c.Phases[1].Served != 1 || got.InFlight != 0 {
			t.Errorf("got %+v; want each attempt in its own phase", c)
		}
	})
}

func TestWhoFindsNoPlaceIsToldToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := given(load.Arrival{Tag: 1}, load.Arrival{Tag: 2})
		s.MaxInFlight = 1
		s.Transport = takes(100 * time.Millisecond)
		how := map[load.Outcome]int{}
		var mu sync.Mutex
		s.OnEnd = func(e load.Ending) (load.Arrival, bool) {
			mu.Lock()
			defer mu.Unlock()
			how[e.How]++
			return load.Arrival{}, false
		}
		run(t, s)
		if how[load.Served] != 1 || how[load.Overrun] != 1 {
			t.Errorf("told of %v; want one served and one overrun", how)
		}
	})
}

func TestBadArrivalsAreNamed(t *testing.T) {
	tests := map[string][]load.Arrival{
		"there are 2 and 1":            {{Phase: 2}},
		"want them in the order of":    {{At: 5}, {At: 4}},
		"arrival 1: phase 0, request ": {{}, {Request: 1}},
	}
	for want, arrivals := range tests {
		if _, err := load.New(given(arrivals...)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v; want an error with %q", arrivals, err, want)
		}
	}
}
