package load_test

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"triage/bench/load"
)

func TestBadSettingsAreNamed(t *testing.T) {
	tests := []struct {
		name   string
		change func(*load.Settings)
		want   []string
	}{
		{"no target", func(s *load.Settings) { s.Target = "" }, []string{`target is "": want http://host:port`}},
		{"target with a path", func(s *load.Settings) { s.Target = "http://shop/x" }, []string{"want no path or query"}},
		{"no requests", func(s *load.Settings) { s.Requests = nil }, []string{"0 requests", `no request for route "checkout"`}},
		{"no phases", func(s *load.Settings) { s.Phases = nil }, []string{"0 phases"}},
		{"empty phase", func(s *load.Settings) { s.Phases[1].For = 0 }, []string{`phase 1 ("quiet"): it lasts 0s`}},
		{"route twice", func(s *load.Settings) { s.Requests[1].Route = "checkout" }, []string{`the route "checkout" is taken`}},
		{"unknown route", func(s *load.Settings) { s.Phases[0].Rates["cart"] = 1 }, []string{`no request for route "cart"`}},
		{"negative rate", func(s *load.Settings) { s.Phases[0].Rates["checkout"] = -1 }, []string{`rate of route "checkout" is -1`}},
		{"no number", func(s *load.Settings) { s.Phases[0].Rates["checkout"] = math.NaN() }, []string{"is NaN"}},
		{"far too many", func(s *load.Settings) { s.Phases[0].Rates["checkout"] = 1e12 }, []string{"requests in all"}},
		{"no class", func(s *load.Settings) { s.Requests[0].Class = "" }, []string{`request 0 ("checkout"): no class`}},
		{"relative path", func(s *load.Settings) { s.Requests[0].Path = "checkout" }, []string{"begins with a slash"}},
		{"broken path", func(s *load.Settings) { s.Requests[0].Path = "/%zz" }, []string{"invalid URL escape"}},
		{"method", func(s *load.Settings) { s.Requests[0].Method = "A B" }, []string{"invalid method"}},
		{"cookie", func(s *load.Settings) { s.Requests[0].SessionCookie = "a b" }, []string{"session cookie"}},
		{"header", func(s *load.Settings) { s.Requests[0].Header = http.Header{"X-A": {"1\r\nX-B: 2"}} }, []string{`header "X-A"`}},
		{"all at once", func(s *load.Settings) { s.Deadline = -time.Second; s.Sessions = -1; s.MaxInFlight = -1 },
			[]string{"deadline is -1s", "sessions is -1", "max in flight is -1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := shop()
			test.change(&s)
			_, err := load.New(s)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error: got %v, want one that contains %q", err, want)
				}
			}
		})
	}
}
