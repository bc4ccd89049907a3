package shed_test

import (
	"slices"
	"testing"
	"time"

	"triage/shed"
)

// A ticket that is handed a slot at once is not told of a second time: the word would stay behind and wake whoever uses the ticket
// next, while it waits.
func TestAdmittedAtOnceIsNotWoken(t *testing.T) {
	c, routes := newController(t)
	now := time.Duration(0)
	drive(c, routes[0], &now, 4*time.Second, 400, 20*time.Millisecond)
	drive(c, routes[0], &now, 300*time.Millisecond, 400, 100*time.Millisecond)
	if len(c.Snapshot(time.Unix(0, 0)).Groups) == 0 {
		t.Fatal("there is no group: the test shows nothing")
	}
	var first *shed.Ticket
	waits := &shed.Ticket{Route: routes[0], Cohort: 100}
	for c.Admit(now, waits); waits.Running(); c.Admit(now, waits) {
		first, waits = waits, &shed.Ticket{Route: routes[0], Cohort: 100}
	}
	c.Woken()
	// A failure sooner than the baseline leaves its slot taken until the baseline has passed.
	c.Done(now+time.Millisecond, first, shed.Failure, 0)
	if !waits.Waiting() {
		t.Fatal("the failure's slot was given away at once: the test shows nothing")
	}
	now += 200 * time.Millisecond
	better := &shed.Ticket{Route: routes[0], Cohort: 1}
	c.Admit(now, better)
	if !better.Running() {
		t.Fatal("the better ticket does not run: the test shows nothing")
	}
	if slices.Contains(c.Woken(), better) {
		t.Errorf("the ticket that ran at once is among the woken, want it told by Admit alone")
	}
}

// Who waits can leave, whatever has become of the class of the route meanwhile.
func TestLeaveAfterTheClassChanged(t *testing.T) {
	c, routes := newController(t)
	now := time.Duration(0)
	drive(c, routes[1], &now, 4*time.Second, 400, 20*time.Millisecond)
	drive(c, routes[1], &now, 300*time.Millisecond, 400, 100*time.Millisecond)
	var waiting []*shed.Ticket
	for len(waiting) < 8 {
		ticket := &shed.Ticket{Route: routes[1], Cohort: uint16(len(waiting))}
		if c.Admit(now, ticket); ticket.Waiting() {
			waiting = append(waiting, ticket)
		}
	}
	swapped := shed.Settings{Classes: 4, Routes: slices.Clone(settings.Routes)}
	swapped.Routes[1].Class, swapped.Routes[3].Class = 3, 1
	if _, err := c.Configure(now, swapped); err != nil {
		t.Fatal(err)
	}
	for i, ticket := range waiting {
		if !c.Leave(now, ticket) {
			t.Errorf("ticket %d of route %s cannot leave the waiting room", i, ticket.Route.Name())
		}
	}
	if _, queued := inFlight(c); queued != 0 {
		t.Errorf("%d are still counted as waiting, want none", queued)
	}
}
