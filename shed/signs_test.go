package shed_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"triage/shed"
)

// due is a request that is with the backend until then.
type due struct {
	at      time.Duration
	ticket  *shed.Ticket
	outcome shed.Outcome
}

// everybody sends ten requests a tick of every route to four endpoints.
type everybody struct {
	c      *shed.Controller
	routes []*shed.Route
	// fate is what becomes of the n-th request of a route at an endpoint; times multiplies a route's requests.
	fate  func(route, endpoint, n int) (shed.Outcome, time.Duration)
	times func(route int) int

	now     time.Duration
	out     []due
	with    [5]int // requests with each endpoint
	turn    int
	dice    *rand.Rand
	refused int     // because of errors
	slowest float64 // the largest latency ratio seen
}

func fine(int, int, int) (shed.Outcome, time.Duration) { return shed.Success, 20 * time.Millisecond }

// well is what there is after ten seconds in which nothing is wrong.
func well(t *testing.T) *everybody {
	c, routes := newController(t)
	f := &everybody{c: c, routes: routes, fate: fine, times: func(int) int { return 1 }, dice: rand.New(rand.NewPCG(1, 2))}
	f.run(100)
	return f
}

func (f *everybody) run(ticks int) {
	for range 10 * ticks {
		f.now += 10 * time.Millisecond
		for i, r := range f.routes {
			for range f.times(i) {
				ticket := &shed.Ticket{Route: r, Cohort: 127}
				if f.c.Admit(f.now, ticket); ticket.Running() {
					f.send(ticket)
				} else if ticket.Reason == shed.Errors {
					f.refused++
				}
			}
		}
		for _, ticket := range f.c.Woken() {
			if ticket.Running() {
				f.send(ticket)
			}
		}
		f.bring()
		if f.now%shed.TickEvery == 0 {
			f.c.Tick(f.now)
			for _, r := range f.c.Snapshot(time.Unix(0, 0)).Routes {
				f.slowest = max(f.slowest, r.Latency)
			}
		}
	}
}

// send chooses an endpoint as a balancer would.
func (f *everybody) send(ticket *shed.Ticket) {
	f.turn++
	ticket.Endpoint = 1 + f.dice.IntN(4)
	if other := 1 + f.dice.IntN(4); f.with[other] < f.with[ticket.Endpoint] {
		ticket.Endpoint = other
	}
	f.with[ticket.Endpoint]++
	outcome, took := f.fate(slices.Index(f.routes, ticket.Route), ticket.Endpoint, f.turn)
	f.out = append(f.out, due{f.now + took, ticket, outcome})
}

// bring brings back what is due.
func (f *everybody) bring() {
	kept := f.out[:0]
	for _, d := range f.out {
		if d.at > f.now {
			kept = append(kept, d)
			continue
		}
		f.with[d.ticket.Endpoint]--
		f.c.Done(f.now, d.ticket, d.outcome, 0)
	}
	f.out = kept
}

// Errors of checkout's own code, or of one endpoint, cost nobody anything; where there is a sign of load the lower classes go.
func TestErrorsWithoutASignOfLoad(t *testing.T) {
	failing := func(fails func(route, endpoint, n int) bool) func(route, endpoint, n int) (shed.Outcome, time.Duration) {
		return func(route, endpoint, n int) (shed.Outcome, time.Duration) {
			if fails(route, endpoint, n) {
				return shed.Failure, time.Millisecond
			}
			return fine(route, endpoint, n)
		}
	}
	half := func(n int) bool { return n/16%2 == 0 }
	for _, c := range []struct {
		name   string
		fails  func(route, endpoint, n int) bool
		crowd  int // times the usual of the least important route
		touch  bool
		reason string
	}{
		{"checkout alone", func(r, _, n int) bool { return r == 0 && half(n) }, 1, false, "nobody else fails"},
		{"one endpoint", func(_, e, _ int) bool { return e == 1 }, 1, false, "one endpoint alone"},
		{"somebody else too", func(r, _, n int) bool { return (r == 0 || r == 3) && half(n) }, 1, true, "climbed"},
		{"a crowd of another route", func(r, _, n int) bool { return r == 0 && half(n) }, 4, true, "climbed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := well(t)
			f.fate = failing(c.fails)
			f.times = func(route int) int { return 1 + (c.crowd-1)*(route/3) }
			f.run(300)
			if (f.refused > 0) != c.touch {
				t.Errorf("%d refused in half a minute; want some: %v", f.refused, c.touch)
			}
			var story []string
			for _, e := range f.c.Entries(0, time.Unix(0, 0)) {
				if e.Kind == "level" {
					story = append(story, e.Reason)
				}
			}
			if len(story) == 0 || !strings.Contains(story[0], c.reason) {
				t.Errorf("the record says %q; want it to begin with %q", story, c.reason)
			}
		})
	}
}

// What does not come back from one endpoint of several says nothing of the load on the others; from all of them it does.
func TestOneEndpointHangs(t *testing.T) {
	hanging := func(hangs func(endpoint int) bool) *everybody {
		f := well(t)
		f.fate = func(route, endpoint, n int) (shed.Outcome, time.Duration) {
			if hangs(endpoint) {
				return shed.Timeout, 600 * time.Millisecond
			}
			return fine(route, endpoint, n)
		}
		f.run(100)
		return f
	}
	one := hanging(func(endpoint int) bool { return endpoint == 2 })
	if groups := one.c.Snapshot(time.Unix(0, 0)).Groups; one.slowest > 3 || len(groups) > 0 {
		t.Errorf("one endpoint: latency rose to %.1f times the baseline, groups %+v; want neither", one.slowest, groups)
	}
	if all := hanging(func(int) bool { return true }); all.slowest < 10 {
		t.Errorf("all endpoints: latency rose to %.1f times the baseline; want it to be seen", all.slowest)
	}
}
