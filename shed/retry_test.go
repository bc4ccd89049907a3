package shed_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"triage/shed"
)

// stormy is as crowded, after some seconds in which every second request of search was a retry, or none was.
func stormy(t interface {
	Helper()
	Fatal(...any)
}, retries bool) (c *shed.Controller, routes []*shed.Route, now time.Duration) {
	t.Helper()
	c, err := shed.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	routes, err = c.Configure(0, settings)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 600 {
		ticket := &shed.Ticket{Route: routes[2], Retry: retries && i%2 == 0}
		c.Admit(now, ticket)
		now += 10 * time.Millisecond
		c.Done(now, ticket, shed.Success, 0)
		if i%10 == 9 {
			c.Tick(now)
		}
	}
	for {
		ticket := &shed.Ticket{Route: routes[2]}
		if c.Admit(now, ticket); ticket.Waiting() {
			c.Leave(now, ticket)
			return c, routes, now
		}
	}
}

// In a storm retries are let in behind first tries and pushed out before them; in calm weather nobody asks.
func TestRetriesInAStorm(t *testing.T) {
	for name, test := range map[string]struct{ storm, wantFirstOut bool }{"storm": {true, true}, "calm": {false, false}} {
		t.Run(name, func(t *testing.T) {
			c, routes, now := stormy(t, test.storm)
			retry := &shed.Ticket{Route: routes[2], Retry: true, Cohort: 1}
			c.Admit(now, retry)
			if !retry.Waiting() {
				t.Fatalf("the retry does not wait: %q", retry.Reason)
			}
			for retry.Waiting() {
				first := &shed.Ticket{Route: routes[2], Cohort: 2}
				if c.Admit(now, first); !first.Waiting() {
					break
				}
			}
			if got := c.Snapshot(time.Unix(0, 0)).Routes["search"].RetryStorm; got != test.storm {
				t.Errorf("the snapshot says storm %v, want %v", got, test.storm)
			}
			if entries := c.Entries(0, time.Unix(0, 0)); test.storm != (len(entries) > 0 && entries[0].Kind == "retries" && entries[0].Subject == "search") {
				t.Errorf("entries %+v; want one of the kind retries: %v", entries, test.storm)
			}
			if out := retry.Reason == shed.Displaced; out != test.wantFirstOut {
				t.Errorf("a retry of a better cohort: pushed out by first tries %v, want %v", out, test.wantFirstOut)
			}
		})
	}
}

// To say that a request is a retry never improves its place, whatever the weather.
func TestRetriesGainNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, routes, now := stormy(t, rapid.Bool().Draw(t, "storm"))
		said := &shed.Ticket{Route: routes[2], Retry: true, Cohort: 5}
		unsaid := &shed.Ticket{Route: routes[2], Cohort: 5}
		// Whoever comes first would be let in first, if both were alike.
		c.Admit(now, unsaid)
		c.Admit(now, said)
		for range rapid.IntRange(0, 100).Draw(t, "others") {
			c.Admit(now, &shed.Ticket{Route: routes[2], Retry: rapid.Bool().Draw(t, "retry"), Cohort: rapid.Uint16Range(0, 10).Draw(t, "cohort")})
		}
		if said.Waiting() && !unsaid.Waiting() && !unsaid.Running() {
			t.Fatal("the one that says it is a retry waits still, and the one that came before it and does not say so is out")
		}
	})
}
