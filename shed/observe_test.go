package shed_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"triage/shed"
)

// in gives the settings in one of the modes.
func in(observe bool) shed.Settings {
	s := settings
	s.Routes, s.Observe = slices.Clone(settings.Routes), observe
	return s
}

// Observing, every request runs at once, whatever is asked, whatever happens and however often the mode is changed on the way; none
// asks the backend to skip anything, and every ticket comes back.
func TestObservingRefusesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, err := shed.New(in(true))
		if err != nil {
			t.Fatal(err)
		}
		routes, err := c.Configure(0, in(true))
		if err != nil {
			t.Fatal(err)
		}
		now, observing := time.Duration(0), true
		var running, waiting []*shed.Ticket
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now += time.Duration(rapid.Int64Range(0, int64(100*time.Millisecond)).Draw(t, "dt"))
			switch rapid.IntRange(0, 12).Draw(t, "op") {
			case 0:
				observing = !observing
				if _, err := c.Configure(now, in(observing)); err != nil {
					t.Fatal(err)
				}
			case 1, 2, 3:
				c.Tick(now)
			case 4, 5:
				if n := len(running); n > 0 {
					c.Done(now, running[0], shed.Outcome(rapid.IntRange(0, int(shed.Declined)).Draw(t, "outcome")), 0)
					running = running[1:]
				}
			default:
				for range rapid.IntRange(1, 30).Draw(t, "at once") {
					ticket := &shed.Ticket{
						Route: routes[rapid.IntRange(0, 3).Draw(t, "route")], Cohort: rapid.Uint16Range(0, shed.Cohorts-1).Draw(t, "cohort"),
						Retry: rapid.Bool().Draw(t, "retry"), Deadline: now + time.Duration(rapid.Int64Range(-int64(time.Second), int64(time.Second)).Draw(t, "left")),
					}
					c.Admit(now, ticket)
					if observing && (!ticket.Running() || ticket.Hint || ticket.Reason != shed.Admitted) {
						t.Fatalf("observing: running %v, hint %v, reason %q", ticket.Running(), ticket.Hint, ticket.Reason)
					}
					if !observing && ticket.Would != shed.Admitted {
						t.Fatalf("enforcing: would be refused with %q", ticket.Would)
					}
					if ticket.Running() {
						running = append(running, ticket)
					} else if ticket.Waiting() {
						waiting = append(waiting, ticket)
					}
				}
			}
			for _, ticket := range c.Woken() {
				if ticket.Running() {
					running = append(running, ticket)
				}
				waiting = slices.DeleteFunc(waiting, func(w *shed.Ticket) bool { return w == ticket })
			}
			if observing && len(waiting) > 0 {
				t.Fatalf("%d wait, although it only observes", len(waiting))
			}
			if gotRunning, gotWaiting := inFlight(c); gotRunning != len(running) || gotWaiting != len(waiting) {
				t.Fatalf("the controller counts %d running and %d waiting; out there are %d and %d", gotRunning, gotWaiting, len(running), len(waiting))
			}
		}
	})
}

// flood sends requests at rates, a second, to a backend of ten slots of 20 ms with a line before them. It gives how many would be refused, by
// route and reason, and the controller's state at the end.
func flood(t *testing.T, c *shed.Controller, routes []*shed.Route, now *time.Duration, lasts time.Duration, checkout, recommendations float64) (would [4]map[shed.Reason]int, s shed.Snapshot) {
	t.Helper()
	type flight struct {
		ticket *shed.Ticket
		ends   time.Duration
	}
	var flights []flight
	var slots [10]time.Duration
	for i := range would {
		would[i] = map[shed.Reason]int{}
	}
	var due [4]float64
	nextTick := *now
	for end := *now + lasts; *now < end; *now += time.Millisecond {
		for ; nextTick <= *now; nextTick += shed.TickEvery {
			c.Tick(nextTick)
		}
		for len(flights) > 0 && flights[0].ends <= *now {
			c.Done(flights[0].ends, flights[0].ticket, shed.Success, 0)
			flights = flights[1:]
		}
		due[0] += checkout / 1000
		due[3] += recommendations / 1000
		for i := range due {
			for ; due[i] >= 1; due[i]-- {
				ticket := &shed.Ticket{Route: routes[i]}
				if c.Admit(*now, ticket); !ticket.Running() {
					t.Fatalf("refused with %q, although it only observes", ticket.Reason)
				}
				would[i][ticket.Would]++
				first := 0
				for s := range slots {
					if slots[s] < slots[first] {
						first = s
					}
				}
				slots[first] = max(slots[first], *now) + 20*time.Millisecond
				flights = append(flights, flight{ticket, slots[first]})
			}
		}
	}
	s = c.Snapshot(time.Unix(0, 0))
	for _, f := range flights {
		c.Done(f.ends, f.ticket, shed.Success, 0)
	}
	return would, s
}

// In the calm nothing would be refused; in a flood the least important would, and the status says so.
func TestObservingSaysWhoWouldGo(t *testing.T) {
	c, err := shed.New(in(true))
	if err != nil {
		t.Fatal(err)
	}
	routes, err := c.Configure(0, in(true))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Duration(0)
	calm, _ := flood(t, c, routes, &now, 5*time.Second, 100, 150)
	for i, by := range calm {
		for why, n := range by {
			if why != shed.Admitted {
				t.Errorf("in the calm %d of %s would be refused with %q", n, routes[i].Name(), why)
			}
		}
	}
	crowd, s := flood(t, c, routes, &now, 4*time.Second, 150, 1350)
	refused := 0
	for why, n := range crowd[3] {
		if why != shed.Admitted {
			refused += n
		}
	}
	if all := refused + crowd[3][shed.Admitted]; refused*10 < all*5 || refused*10 > all*9 {
		t.Errorf("%d of %d recommendations would be refused; want about two thirds: %v", refused, all, crowd[3])
	}
	if crowd[0][shed.Admitted] < 590 {
		t.Errorf("checkout would be refused: %v", crowd[0])
	}
	if r := s.Routes["recommendations"]; !s.Observe || r.WouldRefuse == "" || r.Refusing != "" {
		t.Errorf("the status: observing %v, recommendations %+v; want a reason for which they would be refused", s.Observe, r)
	}
	if len(s.Groups) != 1 || s.Groups[0].Reason != string(shed.Watched) || s.Groups[0].Limit < 7 || s.Groups[0].Limit > 16 {
		t.Errorf("groups %+v; want one with a limit about the ten slots that there are", s.Groups)
	}
	// The proof of the pudding: enforced, it protects.
	if _, err := c.Configure(now, in(false)); err != nil {
		t.Fatal(err)
	}
	if s := c.Snapshot(time.Unix(0, 0)); s.Observe || len(s.Groups) != 0 || s.Routes["recommendations"].Refusing != "" {
		t.Errorf("after the change of the mode: %+v; want to begin anew", s)
	}
}

// When the mode becomes observe, who waits goes on at once.
func TestObservingLetsTheWaitingGo(t *testing.T) {
	c, r, now, running := crowded(t)
	var waiting []*shed.Ticket
	for range 5 {
		ticket := &shed.Ticket{Route: r, Deadline: now + time.Second}
		c.Admit(now, ticket)
		waiting = append(waiting, ticket)
	}
	if !waiting[4].Waiting() {
		t.Fatal("nobody waits: the test shows nothing")
	}
	now += 995 * time.Millisecond // too late for an answer, but that is not ours to say now
	if _, err := c.Configure(now, in(true)); err != nil {
		t.Fatal(err)
	}
	for i, ticket := range waiting {
		if !ticket.Running() {
			t.Errorf("ticket %d: waiting %v, reason %q; want it to run", i, ticket.Waiting(), ticket.Reason)
		}
	}
	if got := len(c.Woken()); got != 5 {
		t.Errorf("%d were woken, want all 5", got)
	}
	if got, _ := inFlight(c); got != len(running)+5 {
		t.Errorf("%d in flight, want %d", got, len(running)+5)
	}
}
