package main

import (
	"net/http"
	"time"

	"triage/bench/load"
	"triage/bench/origin"
)

// The shop of the demo. Its database serves 20 requests at a time at 60 ms each: 333 a second. Calm traffic needs half of that, the
// crowd twice as much as there is.
const (
	demoPool     = 20
	demoService  = 60 * time.Millisecond
	demoCrowd    = 4 // the flash crowd against calm
	demoSlow     = 2 // the slow database against the healthy one
	demoDeadline = time.Second
)

// demoRoutes are the shop's routes: class, method, path, pool, service time, and requests a second in the calm.
var demoRoutes = []struct {
	name, class, method, path, pool string
	service                         time.Duration
	calm                            float64
}{
	{"checkout", "critical", http.MethodPost, "/checkout", "database", demoService, 20},
	{"cart", "important", http.MethodGet, "/cart", "database", demoService, 40},
	{"search", "normal", http.MethodGet, "/search", "search", 20 * time.Millisecond, 40},
	{"static", "normal", http.MethodGet, "/static/logo.svg", "", time.Millisecond, 30},
	{"recommendations", "sheddable", http.MethodGet, "/recommendations", "database", demoService, 70},
	{"reviews", "sheddable", http.MethodGet, "/reviews", "database", demoService, 40},
}

// newShop opens a shop of its own on a free port.
func newShop(seed uint64) (*origin.Origin, *origin.Server, error) {
	s := origin.Settings{
		Seed:       seed,
		MaxWaiters: 3000,
		Pools: []origin.PoolSettings{
			{Name: "database", Size: demoPool, Contention: 0.3},
			{Name: "search", Size: 10, Contention: 0.3},
		},
	}
	for _, r := range demoRoutes {
		s.Routes = append(s.Routes, origin.RouteSettings{Name: r.name, Path: r.path, Pool: r.pool, Service: r.service, Sigma: 0.5, Body: 200})
	}
	o, err := origin.New(s)
	if err != nil {
		return nil, nil, err
	}
	server, err := origin.Listen("", o)
	return o, server, err
}

// demoPhases splits the demo's time: calm, flash crowd, the crowd with a slow database, recovery.
func demoPhases(lasts time.Duration) []load.Phase {
	part := func(name string, share, factor float64) load.Phase {
		rates := map[string]float64{}
		for _, r := range demoRoutes {
			rates[r.name] = r.calm * factor
		}
		return load.Phase{Name: name, For: time.Duration(share * float64(lasts)), Rates: rates}
	}
	return []load.Phase{part("calm", 0.3, 1), part("flash crowd", 0.25, demoCrowd), part("slow database", 0.25, demoCrowd), part("recovery", 0.2, 1)}
}

// slowPhase is the index of the phase in which the database is slow.
const slowPhase = 2

// newCustomers is the open-loop load on a shop, or on Triage in front of it. Equal seeds send equal requests at equal instants.
func newCustomers(seed uint64, target string, lasts time.Duration, shop *origin.Origin) (*load.Generator, error) {
	return newVisitors(seed, target, demoPhases(lasts), shop)
}

// newVisitors are customers who come in these phases; in the one of slowPhase the database is slow.
func newVisitors(seed uint64, target string, phases []load.Phase, shop *origin.Origin) (*load.Generator, error) {
	s := load.Settings{Seed: seed, Target: target, Phases: phases, Deadline: demoDeadline, Sessions: 2000, MaxInFlight: 3000}
	for _, r := range demoRoutes {
		s.Requests = append(s.Requests, load.Request{Route: r.name, Class: r.class, Method: r.method, Path: r.path, SessionCookie: "sid"})
	}
	s.OnPhase = func(i int, _ load.Phase) {
		factor := 1.0
		if i == slowPhase {
			factor = demoSlow
		}
		// The pool exists and the factor is fine: this cannot fail.
		_ = shop.Slow("database", factor)
	}
	return load.New(s)
}
