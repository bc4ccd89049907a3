package shed_test

import (
	"strings"
	"testing"
	"time"

	"triage/shed"
)

// traffic is ten requests a tick and route, 20 ms each, for a while.
type traffic struct {
	c      *shed.Controller
	routes []*shed.Route
	now    time.Duration
	// fails says whether the n-th request of a route at an endpoint fails; times multiplies a route's requests.
	fails func(route, endpoint, n int) bool
	times func(route int) int
}

func (f *traffic) run(ticks int) (refused int) {
	n := 0
	for range ticks {
		for range 10 {
			n++
			for i, r := range f.routes {
				for range f.times(i) {
					ticket := &shed.Ticket{Route: r, Cohort: 127, Endpoint: 1 + n%4}
					f.c.Admit(f.now, ticket)
					outcome, took := shed.Success, 20*time.Millisecond
					if f.fails(i, ticket.Endpoint, n) {
						outcome, took = shed.Failure, time.Millisecond
					}
					if ticket.Reason == shed.Errors {
						refused++
					}
					f.c.Done(f.now+took, ticket, outcome, 0)
				}
			}
			f.now += 5 * time.Millisecond
		}
		f.now += 50 * time.Millisecond
		f.c.Tick(f.now)
	}
	return refused
}

// Errors of checkout's own code, or of one endpoint, cost nobody anything; where there is a sign of load the lower classes go.
func TestErrorsWithoutASignOfLoad(t *testing.T) {
	once := func(int) int { return 1 }
	half := func(n int) bool { return n%2 == 0 }
	for _, c := range []struct {
		name   string
		fails  func(route, endpoint, n int) bool
		times  func(route int) int
		touch  bool
		reason string
	}{
		{"checkout alone", func(r, _, n int) bool { return r == 0 && half(n) }, once, false, "nobody else fails"},
		{"one endpoint", func(_, e, _ int) bool { return e == 1 }, once, false, "one endpoint alone"},
		{"somebody else too", func(r, _, n int) bool { return (r == 0 || r == 3) && half(n/2) }, once, true, "climbed"},
		{"a crowd of another route", func(r, _, n int) bool { return r == 0 && half(n) }, func(r int) int { return 1 + 3*(r/3) }, true, "climbed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			controller, routes := newController(t)
			f := &traffic{c: controller, routes: routes, times: once, fails: func(int, int, int) bool { return false }}
			f.run(100)
			f.fails, f.times = c.fails, c.times
			refused := f.run(300)
			if (refused > 0) != c.touch {
				t.Errorf("%d refused in half a minute; want some: %v", refused, c.touch)
			}
			var story []string
			for _, e := range controller.Entries(0, time.Unix(0, 0)) {
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

// due is a request that is with the backend until then.
type due struct {
	at      time.Duration
	ticket  *shed.Ticket
	outcome shed.Outcome
}

// hang sends ten requests a tick and route for a while, of which those that hang say true end in a timeout after 600 ms. It gives the
// largest latency ratio that was seen.
func hang(c *shed.Controller, routes []*shed.Route, ticks int, hangs func(endpoint int) bool) (worst float64) {
	var out []due
	var with [5]int // requests with each endpoint
	turn := 0
	send := func(now time.Duration, ticket *shed.Ticket) {
		for range 4 { // as a balancer would
			if turn++; with[1+turn%4] <= 3 {
				break
			}
		}
		ticket.Endpoint = 1 + turn%4
		with[ticket.Endpoint]++
		end := due{now + 20*time.Millisecond, ticket, shed.Success}
		if now > 5*time.Second && hangs(ticket.Endpoint) {
			end.at, end.outcome = now+600*time.Millisecond, shed.Timeout
		}
		out = append(out, end)
	}
	for now := time.Duration(0); now < time.Duration(ticks)*shed.TickEvery; now += 10 * time.Millisecond {
		for _, r := range routes {
			ticket := &shed.Ticket{Route: r}
			if c.Admit(now, ticket); ticket.Running() {
				send(now, ticket)
			}
		}
		for _, ticket := range c.Woken() {
			if ticket.Running() {
				send(now, ticket)
			}
		}
		kept := out[:0]
		for _, d := range out {
			if d.at > now {
				kept = append(kept, d)
				continue
			}
			with[d.ticket.Endpoint]--
			c.Done(now, d.ticket, d.outcome, 0)
		}
		out = kept
		if now%shed.TickEvery == 0 {
			c.Tick(now)
			for _, r := range c.Snapshot(time.Unix(0, 0)).Routes {
				worst = max(worst, r.Latency)
			}
		}
	}
	return worst
}

// What does not come back from one endpoint of several says nothing of the load on the others; from all of them it does.
func TestOneEndpointHangs(t *testing.T) {
	c, routes := newController(t)
	if worst := hang(c, routes, 150, func(endpoint int) bool { return endpoint == 2 }); worst > 3 || len(c.Snapshot(time.Unix(0, 0)).Groups) > 0 {
		t.Errorf("one endpoint: latency rose to %.1f times the baseline, groups %+v; want neither", worst, c.Snapshot(time.Unix(0, 0)).Groups)
	}
	c, routes = newController(t)
	if worst := hang(c, routes, 150, func(int) bool { return true }); worst < 10 {
		t.Errorf("all endpoints: latency rose to %.1f times the baseline; want it to be seen", worst)
	}
}
