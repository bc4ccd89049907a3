package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"triage/bench/load"
	"triage/bench/origin"
)

// shop is a backend whose routes share one small pool.
func shop(t *testing.T) *origin.Server {
	t.Helper()
	o, err := origin.New(origin.Settings{
		Seed: 1, Pools: []origin.PoolSettings{{Name: "database", Size: 8}},
		Routes: []origin.RouteSettings{
			{Name: "checkout", Path: "/checkout", Pool: "database", Service: 60 * time.Millisecond, Sigma: 0.3, Body: 100},
			{Name: "recommendations", Path: "/recommendations", Pool: "database", Service: 60 * time.Millisecond, Sigma: 0.3, Body: 100},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server, err := origin.Listen("", o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { server.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return server
}

const shopRoutes = `  - {name: checkout, match: {path: /checkout, methods: [POST]}, upstream: app, priority: critical, session: {cookie: sid}}
  - {name: recommendations, match: {path: /recommendations}, upstream: app, priority: sheddable, session: {cookie: sid}}
`

// rush is a calm and then three times what the shop can do, nearly all of it recommendations.
func rush(t *testing.T, target string) *load.Generator {
	t.Helper()
	g, err := load.New(load.Settings{
		Seed: 1, Target: target, Deadline: 2 * time.Second,
		Requests: []load.Request{
			{Route: "checkout", Class: "critical", Method: http.MethodPost, Path: "/checkout", SessionCookie: "sid"},
			{Route: "recommendations", Class: "sheddable", Path: "/recommendations", SessionCookie: "sid"},
		},
		Phases: []load.Phase{
			{Name: "calm", For: 2500 * time.Millisecond, Rates: map[string]float64{"checkout": 20, "recommendations": 40}},
			{Name: "rush", For: 2500 * time.Millisecond, Rates: map[string]float64{"checkout": 30, "recommendations": 370}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Under overload recommendations are refused and checkout is not, and every count that Triage gives agrees with what its clients
// got. Not parallel: it is a matter of load. A machine that stands still for a moment makes the shop look slow to the law, so who is refused is judged by
// the best of a few times; the counts agree every time.
func TestOverloadRefusesWhatMattersLess(t *testing.T) {
	for try := 1; ; try++ {
		wrong := overload(t)
		if wrong == "" || t.Failed() {
			return
		}
		if try == 3 {
			t.Fatal(wrong)
		}
		t.Log(wrong)
	}
}

// overload is one time, and says who was refused or served that should not have been.
func overload(t *testing.T) (wrong string) {
	t.Helper()
	r := start(t, conf("", shop(t).URL(), shopRoutes))
	g := rush(t, r.url)
	if err := g.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := g.Snapshot()
	critical, sheddable := s.Classes[0], s.Classes[1]
	// When many were sent late the machine was busy with other things, and only the sums can be judged.
	if quiet := s.Late*5 < critical.Total.Offered+sheddable.Total.Offered; quiet {
		if n := critical.Phases[0].Refused + sheddable.Phases[0].Refused; n != 0 {
			wrong = fmt.Sprintf("%d refused in the calm, want none", n)
		}
		if c := critical.Total.Counts; c.Served*20 < c.Offered*19 {
			wrong = fmt.Sprintf("critical: %+v; want nearly all served", c)
		}
	}
	if c := sheddable.Phases[1].Counts; c.Refused*4 < c.Offered || c.Served == 0 {
		wrong = fmt.Sprintf("recommendations in the rush: %+v; want many refused, and some served", c)
	}
	for route, c := range map[string]load.Counts{"checkout": critical.Total.Counts, "recommendations": sheddable.Total.Counts} {
		count := func(result string) float64 {
			return metric(t, r.adminURL, "triage_requests_total", "route", route, "result", result)
		}
		// Who gave up left a request behind that counts as void, or as what became of it a moment later.
		slack := float64(c.GaveUp)
		if got := count("refused"); got < float64(c.Refused) || got > float64(c.Refused)+slack {
			t.Errorf("%s: triage_requests_total has %v refused, the clients got %d and %v gave up", route, got, c.Refused, slack)
		}
		// Who has an answer may be a little sooner than the proxy is done with the request.
		eventually(t, fmt.Sprintf("triage_requests_total of %s to have the %d served", route, c.Served), func() bool { return count("served") >= float64(c.Served) })
		if got := count("served"); got > float64(c.Served)+slack {
			t.Errorf("%s: triage_requests_total has %v served, the clients got %d and %v gave up", route, got, c.Served, slack)
		}
	}
	eventually(t, "triage_decisions_total to explain every refusal", func() bool {
		why := 0.0
		for _, reason := range []string{"limit", "displaced", "queue_timeout", "headroom", "errors"} {
			why += metric(t, r.adminURL, "triage_decisions_total", "route", "recommendations", "reason", reason)
		}
		return why == metric(t, r.adminURL, "triage_requests_total", "route", "recommendations", "result", "refused")
	})
	checkLastRefusal(t, r)
	if got := statusOf(t, r.adminURL).Entries; len(got) == 0 {
		t.Errorf("there was an overload and there is no entry about it")
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	return wrong
}

// checkLastRefusal wants a refused recommendation in the log, with a reason that protects the backend and no upstream's answer.
func checkLastRefusal(t *testing.T, r *running) {
	t.Helper()
	for _, line := range r.access.lines() {
		if line["result"] != "refused" || line["route"] != "recommendations" {
			continue
		}
		known := strings.Contains("limit displaced queue_timeout headroom errors", fmt.Sprint(line["reason"]))
		if line["status"] != 503.0 || line["upstream_status"] != 0.0 || line["fault"] != "none" || !known {
			t.Errorf("the log says %v; want 503 with a reason of the control law and nobody's fault", line)
		}
		return
	}
	t.Errorf("the access log has no refused recommendation")
}
