package shed_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"triage/shed"
)

// crowded teaches search a baseline of 20 ms and fills its headroom; it gives the tickets that run, its answers
// scattering a little.
func crowded(t interface {
	Helper()
	Fatal(...any)
}) (c *shed.Controller, r *shed.Route, now time.Duration, running []*shed.Ticket) {
	t.Helper()
	c, routes := newController(t)
	r = routes[2]
	drive(c, r, &now, 5*time.Second, 200, 20*time.Millisecond)
	now += 50 * time.Millisecond // the last answers came a little later
	c.Tick(now)
	for {
		ticket := &shed.Ticket{Route: r}
		if c.Admit(now, ticket); !ticket.Running() {
			c.Leave(now, ticket)
			c.Tick(now)
			return c, r, now, running
		}
		running = append(running, ticket)
	}
}

// Who would have to wait and cannot be answered in time is refused at once; who can is let wait, but no longer than that.
func TestInfeasibleAtArrival(t *testing.T) {
	c, r, now, running := crowded(t)
	ask := func(left time.Duration, cohort uint16) *shed.Ticket {
		ticket := &shed.Ticket{Route: r, Cohort: cohort, Deadline: now + left}
		c.Admit(now, ticket)
		return ticket
	}
	for _, left := range []time.Duration{-now + 1, -time.Second, 0, time.Millisecond, 15 * time.Millisecond} {
		if got := ask(left, 0); got.Waiting() || got.Reason != shed.Infeasible {
			t.Errorf("with %v left and a baseline of 20ms: reason %q, waiting %v; want infeasible", left, got.Reason, got.Waiting())
		}
	}
	first := ask(100*time.Millisecond, 0)
	if !first.Waiting() {
		t.Fatalf("with 100ms left and a baseline of 20ms: refused with %q; want it to wait", first.Reason)
	}
	if wait := c.Wait(now, first); wait < 50*time.Millisecond || wait > 80*time.Millisecond {
		t.Errorf("it may wait %v; want its 100ms without what an answer takes", wait)
	}
	unbound := &shed.Ticket{Route: r}
	c.Admit(now, unbound)
	usual := c.Wait(now, unbound)
	if !unbound.Waiting() || usual < 200*time.Millisecond {
		t.Errorf("without a deadline: reason %q, wait %v; want as long as the route lets it", unbound.Reason, usual)
	}
	// A slot comes free every 20 ms ÷ 8 or so: whoever is behind many has to wait longer than the first.
	for range 26 {
		ask(10*time.Second, 1)
	}
	if behind := ask(60*time.Millisecond, 2); behind.Reason != shed.Infeasible {
		t.Errorf("with 60ms left behind 28 others: reason %q; want infeasible", behind.Reason)
	}
	if better := ask(60*time.Millisecond, 0); !better.Waiting() {
		t.Errorf("with 60ms left ahead of most: refused with %q; want it to wait", better.Reason)
	}
	for _, absurd := range []time.Duration{math.MaxInt64 - now, 1 << 60} {
		if got := ask(absurd, 0); !got.Waiting() || c.Wait(now, got) != usual {
			t.Errorf("with %v left: reason %q, wait %v; want %v, as without a deadline", absurd, got.Reason, c.Wait(now, got), usual)
		}
	}
	negative := &shed.Ticket{Route: r, Deadline: math.MinInt64}
	if c.Admit(now, negative); !negative.Waiting() {
		t.Errorf("a deadline below 0 is none; refused with %q", negative.Reason)
	}
	if got := c.Snapshot(time.Unix(0, 0)).Routes["search"].Refusing; got == shed.Infeasible.String() {
		t.Error("the route shows as refusing because of what clients ask of themselves")
	}
	_ = running
}

// A waiter that cannot be answered in time any more is not sent to the backend, although a slot has come free.
func TestInfeasibleWhileWaiting(t *testing.T) {
	c, r, now, running := crowded(t)
	late := &shed.Ticket{Route: r, Deadline: now + 100*time.Millisecond}
	inTime := &shed.Ticket{Route: r, Cohort: 9, Deadline: now + time.Second}
	c.Admit(now, late)
	c.Admit(now, inTime)
	now += 95 * time.Millisecond // a timer that comes late
	c.Done(now, running[0], shed.Success, 0)
	if late.Running() || late.Reason != shed.Infeasible {
		t.Errorf("5ms before its deadline: running %v, reason %q; want infeasible", late.Running(), late.Reason)
	}
	if !inTime.Running() {
		t.Error("the slot went to nobody; want it to go to the next")
	}
	if got := len(c.Woken()); got != 2 {
		t.Errorf("%d were woken; want both", got)
	}
	leaver := &shed.Ticket{Route: r, Deadline: now + 100*time.Millisecond}
	c.Admit(now, leaver)
	now += c.Wait(now, leaver)
	if !c.Leave(now, leaver) || leaver.Reason != shed.Infeasible {
		t.Errorf("left when it could not be answered any more: reason %q; want infeasible", leaver.Reason)
	}
	patient := &shed.Ticket{Route: r, Deadline: now + time.Minute}
	c.Admit(now, patient)
	now += c.Wait(now, patient)
	if !c.Leave(now, patient) || patient.Reason != shed.QueueTimeout {
		t.Errorf("left when its wait was over: reason %q; want queue_timeout", patient.Reason)
	}
}

// Never without evidence, never while a slot is free and nobody waits, never the one request a second: whatever the deadlines are.
func TestInfeasibleNeedsEvidenceAndContention(t *testing.T) {
	deadline := func(t *rapid.T, now time.Duration) time.Duration {
		return now + time.Duration(rapid.Int64Range(-int64(time.Second), int64(time.Second)).Draw(t, "left"))
	}
	rapid.Check(t, func(t *rapid.T) {
		c, routes := newController(t)
		now := time.Duration(0)
		drive(c, routes[1], &now, 5*time.Second, 100, 20*time.Millisecond)
		for range 20 {
			now += time.Duration(rapid.Int64Range(0, int64(300*time.Millisecond)).Draw(t, "dt"))
			idle := &shed.Ticket{Route: routes[1], Deadline: deadline(t, now)}
			if c.Admit(now, idle); !idle.Running() {
				t.Fatalf("refused with %q while nothing runs", idle.Reason)
			}
			c.Done(now+20*time.Millisecond, idle, shed.Success, 0)
			c.Tick(now)
		}
		stranger, known := routes[0], routes[1]
		for range 100 {
			for _, r := range []*shed.Route{stranger, known} {
				ticket := &shed.Ticket{Route: r, Deadline: deadline(t, now)}
				if c.Admit(now, ticket); r == stranger && ticket.Reason == shed.Infeasible {
					t.Fatal("a route without a baseline: infeasible")
				}
			}
		}
		now += 1100 * time.Millisecond
		probe := &shed.Ticket{Route: known, Deadline: deadline(t, now)}
		if c.Admit(now, probe); !probe.Running() {
			t.Fatalf("nothing of the route ran for a second, and the next is refused with %q", probe.Reason)
		}
	})
}

// At the gate a waiter is answered when it cannot be served in time any more, not when its deadline has passed.
func TestGateRefusesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		g, routes := newGate(t)
		go ticking(ctx, g)
		for range 300 {
			slot, _, _ := g.Enter(ctx, shed.Ask{Route: routes[3]})
			time.Sleep(10 * time.Millisecond)
			slot.Done(shed.Success, 0)
		}
		for range 8 {
			g.Enter(ctx, shed.Ask{Route: routes[3]})
		}
		start := time.Now()
		if _, no, _ := g.Enter(ctx, shed.Ask{Route: routes[3], Deadline: start.Add(100 * time.Millisecond)}); no.Reason != shed.Infeasible {
			t.Errorf("reason %q, want infeasible", no.Reason)
		}
		if took := time.Since(start); took < 50*time.Millisecond || took > 92*time.Millisecond {
			t.Errorf("answered after %v; want a good while before the deadline of 100ms", took)
		}
		start = time.Now()
		if _, no, _ := g.Enter(ctx, shed.Ask{Route: routes[3], Deadline: start.Add(-time.Hour)}); no.Reason != shed.Infeasible || time.Since(start) > 0 {
			t.Errorf("a deadline in the past: reason %q after %v; want infeasible at once", no.Reason, time.Since(start))
		}
	})
}
