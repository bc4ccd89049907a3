package shed_test

import (
	"testing"
	"time"

	"triage/shed"
)

// When the route whose errors raised the level goes, or is no longer of the most important class, nothing is refused for its sake.
func TestTheLevelEndsWithItsGuard(t *testing.T) {
	demoted := shed.Settings{Classes: 4, Routes: append([]shed.RouteSettings{{Name: "checkout", Class: 1}}, settings.Routes[1:]...)}
	gone := shed.Settings{Classes: 4, Routes: settings.Routes[1:]}
	for name, next := range map[string]shed.Settings{"demoted": demoted, "gone": gone} {
		t.Run(name, func(t *testing.T) {
			c, routes := newController(t)
			now := time.Duration(0)
			second := func(fails bool) (refused int) {
				for range 10 {
					for range 10 {
						for i, r := range routes {
							ticket := &shed.Ticket{Route: r, Cohort: shed.Cohorts - 1}
							c.Admit(now, ticket)
							outcome := shed.Success
							if fails && (i == 0 || i == 3) { // the least important fail too: a sign of load
								outcome = shed.Failure
							}
							if ticket.Reason == shed.Errors {
								refused++
							}
							c.Done(now+time.Millisecond, ticket, outcome, 0)
							now += time.Millisecond
						}
					}
					now += 60 * time.Millisecond
					c.Tick(now)
				}
				return refused
			}
			second(false)
			if second(true) == 0 {
				t.Fatal("nothing is refused while checkout fails: the test shows nothing")
			}
			var err error
			if routes, err = c.Configure(now, next); err != nil {
				t.Fatal(err)
			}
			for i := range 30 {
				if refused := second(false); refused > 0 {
					t.Fatalf("%d refused because of errors, %d seconds after the guard was %s", refused, i, name)
				}
			}
		})
	}
}

// Requests that the backend turns down at once teach no baseline: who sends enough of them could make every honest answer look slow.
func TestDeclinedAnswersTeachNoBaseline(t *testing.T) {
	c, routes := newController(t)
	now := time.Duration(0)
	drive(c, routes[0], &now, 5*time.Second, 100, 60*time.Millisecond)
	before := c.Snapshot(time.Unix(0, 0)).Routes["checkout"].Baseline
	for range 5000 {
		ticket := &shed.Ticket{Route: routes[0]}
		c.Admit(now, ticket)
		now += time.Millisecond
		c.Done(now, ticket, shed.Declined, 0)
		if now%shed.TickEvery == 0 {
			c.Tick(now)
		}
	}
	drive(c, routes[0], &now, 2*time.Second, 100, 60*time.Millisecond)
	if after := c.Snapshot(time.Unix(0, 0)).Routes["checkout"].Baseline; before < 0.055 || after < 0.9*before {
		t.Errorf("baseline %.1f ms before and %.1f ms after; want no fall", 1000*before, 1000*after)
	}
}
