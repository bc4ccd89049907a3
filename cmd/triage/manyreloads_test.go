package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"triage/bench/load"
)

const (
	streams = "  - {name: streams, match: {path: /stream}, upstream: app, priority: critical}\n"
)

// A thousand reloads under load from clients that do not wait, on kept connections and on new ones, with long answers under
// way, and not one request fails. What changes each time: connections to the upstream, timeouts of the listener, routes, quotas,
// the breaker and a second listener.
func TestAThousandReloads(t *testing.T) {
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		// Long against what a busy machine adds: to the control law this backend must look well.
		time.Sleep(150 * time.Millisecond)
		for range 20 {
			_, _ = io.WriteString(w, strings.Repeat("x", 100))
			if r.URL.Path == "/stream" {
				time.Sleep(25 * time.Millisecond)
				_ = http.NewResponseController(w).Flush()
			}
		}
	})
	listen, others := freeAddress(t), [4]string{freeAddress(t), freeAddress(t), freeAddress(t), freeAddress(t)}
	versions := [2]string{
		conf("listen: '"+listen+"'", app, streams+"  - {name: all, upstream: app, priority: critical, rate_limit: {rate: 1000000/s}}\n"),
		conf("listen: [{address: '"+listen+"', timeouts: {idle: 80s, read_header: 9s}}, OTHER]", strings.Replace(app, "127.0.0.1", "localhost", 1),
			"  - {name: more, match: {path: /more}, upstream: app}\n"+streams+"  - {name: all, upstream: app, priority: critical, rate_limit: {rate: 2000000/s}, breaker: {open_for: 2s}}\n"),
	}
	versions[0] = strings.Replace(versions[0], "timeout: 5s", "timeout: 20s", 1)
	versions[1] = strings.Replace(versions[1], "timeout: 5s", "timeout: 21s, idle_timeout: 50s", 1)
	r := start(t, versions[0])
	ctx, stop := context.WithCancel(t.Context())
	var customers sync.WaitGroup
	var kept, fresh *load.Generator
	for _, g := range []struct {
		into      **load.Generator
		rate      float64
		transport http.RoundTripper
	}{{&kept, 150, nil}, {&fresh, 50, &http.Transport{DisableKeepAlives: true}}} {
		*g.into = steady(t, r.url, g.rate, g.transport)
		customers.Go(func() { (*g.into).Run(ctx) })
	}
	for range 4 {
		customers.Go(func() { streamUntil(ctx, t, r.url) })
	}
	for n := 1; n <= 250*effort; n++ {
		write(t, r.options.path, strings.Replace(versions[n%2], "OTHER", others[n/2%len(others)], 1))
		if err := r.reload("test"); err != nil {
			t.Fatalf("reload %d: %v", n, err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	stop()
	customers.Wait()
	comesToRest(t, r) // who was cut short has left something behind
	status := statusOf(t, r.adminURL)
	for name, g := range map[string]*load.Generator{"kept": kept, "new": fresh} {
		c := g.Snapshot().Classes[0].Total.Counts
		t.Logf("on %s connections: %+v", name, c)
		if c.Served < 50 || c.Served+c.Refused+c.Aborted != c.Offered {
			t.Errorf("on %s connections: %+v; want every request served that was not cut short by the end of the test", name, c)
		}
	}
	// A machine busy with other things makes the backend look slow. Then the control law may refuse, but has to say so.
	if got := metric(t, r.adminURL, "triage_requests_total", "result", "refused"); got > 0 && len(status.Entries) == 0 {
		t.Errorf("triage_requests_total has %v refused; want none while the control law sees no trouble", got)
	}
	if got := metric(t, r.adminURL, "triage_requests_total", "result", "failed"); got != 0 {
		t.Errorf("triage_requests_total has %v failed, want none", got)
	}
	if s := status; s.Config.LastError != "" || s.Routes[0].Shed.InFlight != 0 || len(s.Routes) != 2 {
		t.Errorf("after the last reload: %+v, %+v", s.Config, s.Routes)
	}
}

// steady asks at a rate for longer than any test lasts.
func steady(t *testing.T, target string, rate float64, transport http.RoundTripper) *load.Generator {
	t.Helper()
	g, err := load.New(load.Settings{
		Seed: uint64(rate), Target: target, Deadline: patience, Transport: transport,
		Requests: []load.Request{{Route: "all", Class: "all", Method: http.MethodPost, Path: "/quick"}},
		Phases:   []load.Phase{{Name: "all", For: 5 * time.Minute, Rates: map[string]float64{"all": rate}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// streamUntil asks for long answers, one after the other, and wants all of each.
func streamUntil(ctx context.Context, t *testing.T, target string) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	for ctx.Err() == nil {
		response, err := client.Get(target + "/stream")
		if err != nil {
			t.Errorf("a long answer: %v", err)
			return
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		switch {
		case response.StatusCode == http.StatusServiceUnavailable:
			time.Sleep(50 * time.Millisecond) // the control law's word; whether it had reason to is judged in the end
		case err != nil || len(body) != 2000:
			t.Errorf("a long answer: %d, %d bytes of 2000, %v", response.StatusCode, len(body), err)
			return
		}
	}
}
