package incident_test

import (
	"testing"

	"triage/proxy/incident"
)

func TestSeverity(t *testing.T) {
	classes := map[string]int{"checkout": 0, "cart": 1, "search": 2, "reviews": 3, "ads": 3}
	classOf := func(route string) int {
		if class, ok := classes[route]; ok {
			return class
		}
		return -1
	}
	lost := func(n uint64) incident.Counts { return incident.Counts{Served: 1000 - n, Refused: n} }
	for _, tt := range []struct {
		name   string
		routes map[string]incident.Counts
		want   int
	}{
		{"nothing", nil, 4},
		{"one in two hundred checkouts", map[string]incident.Counts{"checkout": lost(5)}, 4},
		{"one in a hundred checkouts", map[string]incident.Counts{"checkout": lost(10)}, 1},
		{"all of checkout and of reviews", map[string]incident.Counts{"checkout": lost(1000), "reviews": lost(1000)}, 1},
		{"carts", map[string]incident.Counts{"checkout": lost(0), "cart": lost(100)}, 2},
		{"search", map[string]incident.Counts{"search": lost(500)}, 3},
		{"reviews alone", map[string]incident.Counts{"checkout": lost(1), "reviews": lost(900)}, 3},
		{"few of a class of two routes", map[string]incident.Counts{"reviews": lost(11), "ads": lost(0)}, 4},
		{"with a fallback", map[string]incident.Counts{"reviews": {Served: 1, Degraded: 1}}, 3},
		{"a route that is gone", map[string]incident.Counts{"old": lost(1000)}, 4},
	} {
		if got := incident.Severity(incident.Impact{Routes: tt.routes}, classOf); got != tt.want {
			t.Errorf("%s: severity %d, want %d", tt.name, got, tt.want)
		}
	}
}
