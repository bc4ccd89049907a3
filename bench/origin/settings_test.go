package origin_test

import (
	"strings"
	"testing"

	"triage/bench/origin"
)

func TestBadSettingsAreNamed(t *testing.T) {
	route := origin.RouteSettings{Name: "a", Path: "/a", Pool: "db"}
	tests := []struct {
		name   string
		change func(*origin.Settings)
		want   []string
	}{
		{"no routes", func(s *origin.Settings) { s.Routes = nil }, []string{"no routes"}},
		{"unknown pool", func(s *origin.Settings) { s.Pools = nil }, []string{`route 0 ("a"): there is no pool "db"`}},
		{"empty pool", func(s *origin.Settings) { s.Pools[0].Size = 0 }, []string{`pool 0 ("db"): size is 0`}},
		{"pool twice", func(s *origin.Settings) { s.Pools = append(s.Pools, s.Pools[0]) }, []string{`the name "db" is taken`}},
		{"route twice", func(s *origin.Settings) { s.Routes = append(s.Routes, route) },
			[]string{"the name is taken", `the path "/a" is taken`}},
		{"star inside", func(s *origin.Settings) { s.Routes[0].Path = "/a*/b" }, []string{"path is", "want /x or /x/*"}},
		{"share", func(s *origin.Settings) { s.Routes[0].ErrorShare = 1.5 }, []string{"error share is 1.5"}},
		{"all at once", func(s *origin.Settings) { s.Routes[0].Sigma = -1; s.MaxWaiters = -1; s.Pools[0].Contention = -1 },
			[]string{"sigma is -1", "max waiters is -1", "contention is -1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := origin.Settings{
				Pools:  []origin.PoolSettings{{Name: "db", Size: 1}},
				Routes: []origin.RouteSettings{route},
			}
			test.change(&s)
			_, err := origin.New(s)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error: got %v, want one that contains %q", err, want)
				}
			}
		})
	}
}
