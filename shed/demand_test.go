package shed_test

import (
	"math"
	"testing"
	"time"

	"triage/shed"
)

// What is asked for counts whether it is let in or not; what says that it is a retry has been counted before.
func TestDemandCountsTheRefused(t *testing.T) {
	c, routes := newController(t)
	r, now := routes[3], time.Duration(0)
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.1*want+0.05 {
			t.Errorf("%s: %.2f slots, want about %.2f", what, got, want)
		}
	}
	slots := func() (demand, served float64) {
		s := c.Snapshot(time.Unix(0, 0)).Routes["recommendations"]
		return s.Demand, s.Served
	}
	drive(c, r, &now, 30*time.Second, 200, 20*time.Millisecond)
	demand, served := slots()
	near("demand in the calm", demand, 4)
	near("served in the calm", served, 4)

	// 1000 a second are asked for, each with a retry, and nothing is answered.
	refused := 0
	for i := range 20_000 {
		now += time.Millisecond
		for _, retry := range []bool{false, true} {
			ticket := &shed.Ticket{Route: r, Retry: retry}
			if c.Admit(now, ticket); !ticket.Running() {
				refused++
				c.Leave(now, ticket)
			}
		}
		if i%100 == 0 {
			c.Tick(now)
		}
	}
	demand, served = slots()
	near("demand when most is refused", demand, 20*0.94)
	near("served when nothing is answered", served, 4*0.06)
	if refused < 30_000 {
		t.Errorf("only %d were refused: the test shows nothing", refused)
	}
	if got := c.Snapshot(time.Unix(0, 0)).Routes["search"].Demand; got != 0 {
		t.Errorf("a route that nobody asks for has a demand of %v", got)
	}
}
