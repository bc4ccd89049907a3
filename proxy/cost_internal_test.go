package proxy

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"triage/breaker"
	"triage/proxy/reason"
	"triage/proxy/route"
	"triage/proxy/upstream"
)

// twoEndpoints is a table with one upstream of two endpoints and a route of each of two classes.
func twoEndpoints(t *testing.T) *table {
	t.Helper()
	endpoint := func(host string) upstream.EndpointSettings {
		return upstream.EndpointSettings{URL: &url.URL{Scheme: "http", Host: host}}
	}
	s := Settings{Name: "triage", Priorities: []string{"critical", "sheddable"}}
	s.Upstreams = []UpstreamSettings{{Name: "shop", Timeout: time.Second, Endpoints: []upstream.EndpointSettings{endpoint("a:1"), endpoint("b:1")}}}
	for class, name := range s.Priorities {
		s.Routes = append(s.Routes, RouteSettings{Rule: route.Rule{Name: name, Path: "/" + name}, Upstream: "shop", Class: class, Breaker: breaker.Settings{FailureShare: 0.5}})
	}
	built, err := build(s, nil, &changes{})
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// asked is a request of a route, as choose finds it.
func asked(t *table, route, method string) *passage {
	r := t.route(route)
	return &passage{Exchange: Exchange{Method: method}, table: t, route: r, up: r.up}
}

// breakOpen makes a breaker open and waits until it is half-open.
func breakOpen(t *testing.T, b *breaker.Breaker) {
	t.Helper()
	for range 100 {
		if p, ok := b.Allow(); ok {
			p.Done(breaker.Failure)
		}
	}
	if b.State() != breaker.Open {
		t.Fatalf("%v after a hundred failures", b.State())
	}
	time.Sleep(b.RetryIn())
}

func TestCost(t *testing.T) {
	built := twoEndpoints(t)
	dearer := breaker.Cost(0)
	for i, c := range []struct{ route, method string }{
		{"sheddable", http.MethodDelete}, {"sheddable", http.MethodPatch}, {"critical", http.MethodGet}, {"critical", "BREW"},
	} {
		got := asked(built, c.route, c.method).cost()
		if i > 0 && got <= dearer {
			t.Errorf("%s of %s costs %d, want more than %d", c.method, c.route, got, dearer)
		}
		dearer = got
	}
	x := asked(built, "critical", http.MethodGet)
	x.HealthCheck, x.route = true, nil
	if got := x.cost(); got != 0 {
		t.Errorf("a health check costs %d, want 0", got)
	}
}

// An endpoint that may be back is tried with what matters least; the rest goes to the other one, and nothing is refused.
func TestEndpointIsTriedWithTheCheapest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		built := twoEndpoints(t)
		up := built.upstreams["shop"]
		breakOpen(t, up.breakers[0])
		dice := uint64(0)
		var probes [2]int
		for i := range 4000 {
			time.Sleep(5 * time.Millisecond)
			x, critical := asked(built, "critical", http.MethodPost), 1
			if i%20 == 0 {
				x, critical = asked(built, "sheddable", http.MethodGet), 0
			}
			if why := x.choose(dice); why != reason.None {
				t.Fatalf("refused: %s", why)
			}
			dice++
			x.endpoint.Begin()
			if x.seat.passes[1].Probe() {
				probes[critical]++
			} else if x.endpoint.Index == 0 && up.breakers[0].State() != breaker.Closed {
				t.Fatal("sent to the broken endpoint, and not as a probe")
			}
			x.endpoint.End()
			x.seat.judge(breaker.Success, true)
		}
		if probes != [2]int{6, 0} {
			t.Errorf("%d cheap probes and %d critical ones; want six and none", probes[0], probes[1])
		}
	})
}

// Where nobody else comes, critical requests are tried after all; on a route that only takes POSTs, those.
func TestSomebodyIsTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		built := twoEndpoints(t)
		for name, b := range map[string]*breaker.Breaker{"critical": built.upstreams["shop"].breakers[0], "sheddable": built.route("sheddable").breaker} {
			breakOpen(t, b)
			begin := time.Now()
			for b.State() != breaker.Closed {
				time.Sleep(5 * time.Millisecond)
				x := asked(built, name, http.MethodPost)
				x.choose(uint64(time.Since(begin)))
				x.seat.judge(breaker.Success, true)
				if time.Since(begin) > time.Second {
					t.Fatalf("%s: still %v after a second of nothing but POSTs", name, b.State())
				}
			}
		}
	})
}

// While the route of the most important class fails it is browned out, and never stopped.
func TestCheckoutIsNeverStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		built := twoEndpoints(t)
		served, refused := 0, 0
		for range 5000 {
			time.Sleep(5 * time.Millisecond)
			x := asked(built, "critical", http.MethodPost)
			if why := x.choose(1); why != reason.None {
				refused++
				continue
			}
			served++
			x.seat.passes[0].Done(breaker.Failure)
		}
		if served < 500 || served > 700 || refused < 4000 {
			t.Errorf("%d were let through, %d refused; want a tenth, evenly", served, refused)
		}
		for range 100 { // it is well again, which the response headers say: their bodies may be streams
			time.Sleep(5 * time.Millisecond)
			if x := asked(built, "critical", http.MethodPost); x.choose(1) == reason.None {
				x.seat.judge(breaker.Success, false)
			}
		}
		if got := built.route("critical").breaker.State(); got != breaker.Closed {
			t.Errorf("the breaker is %v after half a second of success, want closed", got)
		}
	})
}
