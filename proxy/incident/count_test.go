package incident_test

import (
	"math"
	"testing"
	"time"

	"triage/proxy"
	"triage/proxy/incident"
	"triage/proxy/reason"
	"triage/shed"
)

// sight is one route as the proxy shows it.
func sight() proxy.Snapshot {
	return proxy.Snapshot{
		Priorities: []string{"critical", "sheddable"},
		Routes:     []proxy.RouteSnapshot{{Name: "checkout", Priority: "critical", Upstream: "shop", Breaker: "closed"}},
		Upstreams:  []proxy.UpstreamSnapshot{{Name: "shop", Endpoints: []proxy.EndpointSnapshot{{URL: "http://a", Breaker: "closed"}}}},
	}
}

func TestEveryExchangeIsCounted(t *testing.T) {
	c := incident.NewCounter()
	r := c.Route("checkout")
	served := &proxy.Exchange{Endpoint: "http://a", FirstByte: 20 * time.Millisecond}
	for _, x := range []*proxy.Exchange{
		served, served, {HealthCheck: true},
		{Endpoint: "http://a", Result: proxy.Failed, UpstreamStatus: 500, Session: 1},
		{Endpoint: "http://a", Result: proxy.Failed, Reason: reason.UpstreamTimeout, Session: 1},
		{Endpoint: "http://a", Result: proxy.Failed, Reason: reason.ConnectTimeout, Session: 2},
		{Endpoint: "http://a", Result: proxy.Void, Reason: reason.ClientGone, Total: time.Second},
		{Result: proxy.Refused, Reason: reason.Headroom, Session: 3},
		{Result: proxy.Refused, Reason: reason.Quota, Session: 3},
		{Result: proxy.Void, Reason: reason.BadRequest},
	} {
		r.Record(x)
	}
	eyes := incident.Eyes{Counter: c}
	o := eyes.Look(time.Second, time.Second, sight(), nil, nil, nil)
	got := o.Second.Routes[0]
	if got.Offered != 9 || got.Answered != 2 || got.Failed != 2 || got.TimedOut != 1 || got.Left != 1 || got.Refused != 1 || got.Wrong != 1 || math.Abs(got.Took-0.04) > 1e-6 || got.Waited != 1 {
		t.Errorf("route: %+v", got)
	}
	if e := o.Second.Endpoints[0]; e.Answered != 2 || e.Failed != 2 || e.Unreachable != 1 || e.TimedOut != 2 {
		t.Errorf("endpoint: %+v", e)
	}
	if want := (incident.Counts{Served: 2, Refused: 2, Failed: 3}); o.Totals["checkout"] != want || o.Sessions != 3 {
		t.Errorf("totals %+v of %v sessions, want %+v of 3", o.Totals["checkout"], o.Sessions, want)
	}
	if again := eyes.Look(2*time.Second, time.Second, sight(), nil, nil, nil).Second.Routes[0]; again.Offered != 0 || again.Answered != 0 {
		t.Errorf("a second look sees it again: %+v", again)
	}
}

func TestSessionsAreEstimated(t *testing.T) {
	c := incident.NewCounter()
	r := c.Route("checkout")
	for n := range uint64(50_000) {
		x := &proxy.Exchange{Result: proxy.Refused, Reason: reason.Limit, Session: n%25_000 + 1}
		r.Record(x)
	}
	if got := (&incident.Eyes{Counter: c}).Look(time.Second, time.Second, sight(), nil, nil, nil).Sessions; math.Abs(got-25_000) > 1500 {
		t.Errorf("%v sessions, want about 25000", got)
	}
}

func TestWhatIsGivenUpIsSeen(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*proxy.Snapshot)
	}{
		{"a group that refuses", func(s *proxy.Snapshot) {
			s.Upstreams[0].Groups = []shed.GroupSnapshot{{Routes: []string{"checkout"}, ShedFrom: 1}}
		}},
		{"a breaker", func(s *proxy.Snapshot) { s.Routes[0].Breaker = "half-open" }},
		{"an endpoint", func(s *proxy.Snapshot) { s.Upstreams[0].Endpoints[0].Breaker = "open" }},
		{"a route that is refused", func(s *proxy.Snapshot) { s.Routes[0].Shed.Refusing = "errors" }},
		{"by hand", func(s *proxy.Snapshot) { s.Routes[0].Hand.Shed = 0.5 }},
		{"a dead law", func(s *proxy.Snapshot) { s.Upstreams[0].Broken = "x" }},
		{"no endpoint", func(s *proxy.Snapshot) { s.Upstreams[0].Panic = true }},
	} {
		s := sight()
		eyes := incident.Eyes{Counter: incident.NewCounter()}
		if o := eyes.Look(time.Second, time.Second, s, nil, nil, nil); len(o.Signals.Acting) != 0 {
			t.Fatalf("in the calm: %q", o.Signals.Acting)
		}
		tt.change(&s)
		if o := eyes.Look(2*time.Second, time.Second, s, nil, nil, nil); len(o.Signals.Acting) != 1 {
			t.Errorf("%s: %q, want one sentence", tt.name, o.Signals.Acting)
		}
	}
}

func TestProtectedRoutesThatFailAreUnwell(t *testing.T) {
	c := incident.NewCounter()
	r := c.Route("checkout")
	eyes := incident.Eyes{Counter: c}
	at := time.Duration(0)
	second := func(failures int) incident.Signals {
		for n := range 100 {
			x := &proxy.Exchange{Endpoint: "http://a", FirstByte: time.Millisecond}
			if n < failures {
				x = &proxy.Exchange{Endpoint: "http://a", Result: proxy.Failed, UpstreamStatus: 500}
			}
			r.Record(x)
		}
		at += time.Second
		return eyes.Look(at, time.Second, sight(), nil, nil, nil).Signals
	}
	for range 20 {
		if s := second(0); len(s.Unwell) != 0 || s.Traffic < 99 {
			t.Fatalf("in the calm: %+v", s)
		}
	}
	if s := second(40); len(s.Unwell) != 1 {
		t.Errorf("with 40 %% failures: %q", s.Unwell)
	}
	for range 10 {
		second(0)
	}
	if s := second(0); len(s.Unwell) != 0 {
		t.Errorf("ten seconds after: %q", s.Unwell)
	}
}

func TestCountingDoesNotAllocate(t *testing.T) {
	r := incident.NewCounter().Route("checkout")
	for name, x := range map[string]*proxy.Exchange{
		"served":  {Endpoint: "http://a", FirstByte: time.Millisecond},
		"refused": {Result: proxy.Refused, Reason: reason.Limit, Session: 7},
	} {
		r.Record(x)
		if got := testing.AllocsPerRun(500, func() { r.Record(x) }); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	r := incident.NewCounter().Route("checkout")
	x := &proxy.Exchange{Endpoint: "http://127.0.0.1:9000", FirstByte: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		r.Record(x)
	}
}
