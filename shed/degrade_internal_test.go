package shed

import "testing"

// Whom the level refuses: the worse cohorts of a class first, who has come further later, retries in a storm with the class below,
// and nobody of the most important class.
func TestDegraded(t *testing.T) {
	c, err := New(Settings{Classes: 4, Routes: []RouteSettings{{Name: "checkout"}, {Name: "search", Class: 2}, {Name: "recommendations", Class: 3}}})
	if err != nil {
		t.Fatal(err)
	}
	checkout, search, recommendations := c.routes[0], c.routes[1], c.routes[2]
	for _, r := range c.routes {
		r.storm.on = true
	}
	c.guard = checkout
	for _, test := range []struct {
		name   string
		level  float64
		ticket Ticket
		want   bool
	}{
		{"the better half", 0.5, Ticket{Route: recommendations, Cohort: Cohorts/2 - 1}, false},
		{"the worse half", 0.5, Ticket{Route: recommendations, Cohort: Cohorts / 2}, true},
		{"the worse half, further", 0.5, Ticket{Route: recommendations, Cohort: Cohorts - 1, Stage: 1}, false},
		{"three quarters, further", 0.75, Ticket{Route: recommendations, Cohort: Cohorts / 2, Stage: 1}, true},
		{"three quarters, furthest", 0.75, Ticket{Route: recommendations, Cohort: Cohorts / 2, Stage: 2}, false},
		{"the whole class", 1, Ticket{Route: recommendations, Stage: 255}, true},
		{"the class above", 1, Ticket{Route: search, Cohort: Cohorts - 1}, false},
		{"a retry of the class above", 1, Ticket{Route: search, Retry: true}, true},
		{"a retry of the lowest class", 0.01, Ticket{Route: recommendations, Retry: true}, true},
		{"a retry of the lowest class, without a level", 0, Ticket{Route: recommendations, Retry: true}, false},
		{"a retry of the most important class", 3, Ticket{Route: checkout, Retry: true}, false},
	} {
		c.level.Level = test.level
		if got := c.degraded(&test.ticket); got != test.want {
			t.Errorf("%s, level %v: refused %v, want %v", test.name, test.level, got, test.want)
		}
	}
}
