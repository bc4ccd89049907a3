package proxy

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"triage/breaker"
	"triage/proxy/reason"
	"triage/proxy/upstream"
	"triage/shed"
)

// A key that only the backend reads, or reads otherwise, is no way round a limit, and neither is an address out of one's own network.
func TestLimitKey(t *testing.T) {
	const client = "2001:db8:1:2:3:4:5:6"
	for _, test := range []struct {
		per, client, header, want string
	}{
		{"route", client, "", ""},
		{"client_ip", "192.0.2.1", "", "ip 192.0.2.1"},
		{"client_ip", client, "", "ip 2001:db8:1:2::/64"},
		{"client_ip", "2001:db8:1:2:ffff::", "", "ip 2001:db8:1:2::/64"},
		{"client_ip", "2001:db8:1:3::", "", "ip 2001:db8:1:3::/64"},
		{"header:X-Key", client, "X-Key: a", "id a"},
		{"header:X-Key", client, "X-Key: a\nX-Key: b", "ip 2001:db8:1:2::/64"},
		{"header:X-Key", client, "", "ip 2001:db8:1:2::/64"},
		{"cookie:sid", client, "Cookie: a=b; sid=c", "id c"},
		{"cookie:sid", client, "Cookie: sid=a; sid=b", "ip 2001:db8:1:2::/64"},
		{"cookie:sid", client, "Cookie: sid=a\nCookie: sid=b", "ip 2001:db8:1:2::/64"},
		{"cookie:sid", client, "Cookie: Sid=a", "ip 2001:db8:1:2::/64"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		for line := range strings.SplitSeq(test.header, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				r.Header.Add(name, value)
			}
		}
		x := &passage{Exchange: Exchange{Client: netip.MustParseAddr(test.client)}, asking: asking{fields: r.Header}}
		l := &limitState{settings: LimitSettings{Per: test.per}}
		if got := l.key(x); got != test.want {
			t.Errorf("key per %s of %s with %q: %q, want %q", test.per, test.client, test.header, got, test.want)
		}
	}
}

// A health check passes every gate, so it must be nothing but a look.
func TestHealthCheckHasNoBody(t *testing.T) {
	table := &table{health: map[string]struct{}{"/healthz": {}}}
	for length, want := range map[int64]bool{0: true, 1: false, -1: false} {
		p := &Proxy{}
		p.table.Store(table)
		r := httptest.NewRequest("GET", "/healthz", strings.NewReader("x"))
		r.ContentLength = length
		if got := p.begin(r).isHealthCheck(); got != want {
			t.Errorf("GET /healthz with a body of length %d is a health check: %v, want %v", length, got, want)
		}
	}
}

// A client that floods the health checks does not take them from the load balancer.
func TestHealthChecksArePerClient(t *testing.T) {
	tokens, err := newHealthTokens()
	if err != nil {
		t.Fatal(err)
	}
	now, flood, balancer := time.Now(), netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("10.0.0.1")
	passed := 0
	for range 1000 {
		if tokens.take(now, flood) {
			passed++
		}
	}
	if passed != healthRate {
		t.Errorf("%d health checks of one client passed at once, want %d", passed, healthRate)
	}
	if !tokens.take(now, balancer) {
		t.Error("the load balancer's health check does not pass while another client floods")
	}
}

// What the control law is told of requests that got no answer: only a client that gave up leaves work behind.
func TestSlotOutcome(t *testing.T) {
	for why, want := range map[reason.Reason]shed.Outcome{
		reason.None: shed.Success, reason.ClientGone: shed.Abandoned, reason.Internal: shed.Abandoned,
		reason.BodyTooLarge: shed.NotSent, reason.BadRequest: shed.NotSent, reason.ClientTimeout: shed.NotSent, reason.UpgradeRefused: shed.NotSent,
		reason.UpstreamTimeout: shed.Timeout, reason.ConnectTimeout: shed.Timeout, reason.UpstreamReset: shed.Failure,
	} {
		x := &passage{Exchange: Exchange{Reason: why}, endpoint: &upstream.Endpoint{}, asking: asking{ctx: t.Context(), fields: http.Header{}}}
		if got := x.slotOutcome(); got != want {
			t.Errorf("%s: outcome %d, want %d", why, got, want)
		}
	}
}

// What the breakers are told: what the backend did. A response that is too large counts by its status.
func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		why    reason.Reason
		status int
		below  bool
		want   breaker.Outcome
	}{
		{reason.None, 200, false, breaker.Success}, {reason.None, 500, false, breaker.Failure}, {reason.None, 503, true, breaker.Ignored},
		{reason.UpstreamReset, 0, false, breaker.Failure}, {reason.UpstreamIncomplete, 200, false, breaker.Failure}, {reason.ClientGone, 200, false, breaker.Ignored},
		{reason.ResponseTooLarge, 200, false, breaker.Success}, {reason.ResponseTooLarge, 500, false, breaker.Failure}, {reason.ResponseTooLarge, 503, true, breaker.Ignored},
	} {
		x := &passage{Exchange: Exchange{Reason: tt.why, UpstreamStatus: tt.status}, endpoint: &upstream.Endpoint{}, shedBelow: tt.below}
		if got := x.verdict(); got != tt.want {
			t.Errorf("%s after %d: verdict %d, want %d", tt.why, tt.status, got, tt.want)
		}
	}
}

// Whatever order the hooks of a slow upload come in, the slot is given back.
func TestSeatIsGivenBack(t *testing.T) {
	settings := shed.Settings{Classes: 1, Routes: []shed.RouteSettings{{Name: "upload"}}}
	gate, err := shed.NewGate(settings)
	if err != nil {
		t.Fatal(err)
	}
	routes, err := gate.Configure(settings)
	if err != nil {
		t.Fatal(err)
	}
	leave := func(x *passage) { x.seat.leave() }
	back := func(x *passage) {
		if why := x.comeBack(t.Context(), shed.Ask{Route: x.route.shed}); why != reason.None {
			t.Errorf("refused on the way back: %s", why)
		}
	}
	answer := func(x *passage) { x.seat.answer(shed.Success, time.Millisecond) }
	for name, steps := range map[string][]func(*passage){
		"never slow":           {answer},
		"slow":                 {leave, back, answer},
		"late word of slow":    {back, leave, answer},
		"early answer":         {leave, answer, back},
		"answered, then slow":  {answer, leave},
		"slow and never whole": {leave, answer},
		"twice":                {leave, back, answer, answer, leave},
	} {
		x := begun(t, gate, routes[0])
		before := gate.Snapshot().Routes["upload"].InFlight
		for _, step := range steps {
			step(x)
		}
		if after := gate.Snapshot().Routes["upload"].InFlight; before != 1 || after != 0 {
			t.Errorf("%s: %d in flight before, %d after; want 1 and 0", name, before, after)
		}
	}
	x := begun(t, gate, routes[0])
	leave(x)
	if got := gate.Snapshot().Routes["upload"].InFlight; got != 0 {
		t.Errorf("%d in flight while the client is slow, want 0", got)
	}
	back(x)
	if got := gate.Snapshot().Routes["upload"].InFlight; got != 1 {
		t.Errorf("%d in flight when the body is whole, want 1", got)
	}
	answer(x)
}

// begun is an exchange with a slot.
func begun(t *testing.T, gate *shed.Gate, r *shed.Route) *passage {
	t.Helper()
	b, err := breaker.New(breaker.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	up := &upstreamState{gate: gate, breakers: []*breaker.Breaker{b}}
	x := &passage{table: &table{}, up: up, route: &routeState{shed: r, up: up, breaker: b}, endpoint: &upstream.Endpoint{}, asking: asking{ctx: t.Context(), fields: http.Header{}}}
	if why := x.admit(); why != reason.None {
		t.Fatalf("refused: %s", why)
	}
	return x
}
