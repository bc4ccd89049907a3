package proxy

import (
	"reflect"
	"testing"

	"triage/proxy/route"
	"triage/proxy/upstream"
	"triage/shed"
)

// The demand of an upstream is told by class, classes without routes left out.
func TestDemandByClass(t *testing.T) {
	table := &table{priorities: []string{"critical", "normal", "sheddable"}}
	up := &upstreamState{}
	gate := shed.Snapshot{Routes: map[string]shed.RouteSnapshot{}}
	for _, r := range []struct {
		name           string
		class          int
		demand, served float64
	}{{"pay", 0, 3, 3}, {"reviews", 2, 20, 4}, {"more", 2, 5, 1}} {
		up.routes = append(up.routes, &routeState{settings: RouteSettings{Rule: route.Rule{Name: r.name}, Class: r.class}})
		gate.Routes[r.name] = shed.RouteSnapshot{Demand: r.demand, Served: r.served}
	}
	want := []DemandSnapshot{{"critical", 3, 3}, {"sheddable", 25, 5}}
	if got := table.demand(up, gate); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// What a route is said to share is what the upstream's gate is configured with.
func TestTheLawIsTold(t *testing.T) {
	p, err := New(Settings{
		Name: "triage", Priorities: []string{"critical", "normal"}, Upstreams: []UpstreamSettings{{Name: "app", Endpoints: []upstream.EndpointSettings{{URL: mustURL(t, "http://127.0.0.1:9"), Weight: 1}}}},
		Routes: []RouteSettings{
			{Rule: route.Rule{Name: "cart", Path: "/cart"}, Upstream: "app", Class: 1, Shares: []string{"database"}, ErrorObjective: 0.1},
			{Rule: route.Rule{Name: "static", Path: "/static"}, Upstream: "app", Alone: true},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []shed.RouteSettings{{Name: "cart", Class: 1, ErrorObjective: 0.1, Shares: []string{"database"}}, {Name: "static", Alone: true}}
	if got := p.table.Load().upstreams["app"].shed.Routes; !reflect.DeepEqual(got, want) {
		t.Errorf("the law is told %+v, want %+v", got, want)
	}
}
