package proxy

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"sync/atomic"

	"triage/breaker"
	"triage/proxy/forward"
	"triage/proxy/route"
	"triage/proxy/upstream"
	"triage/shed"
	"triage/shed/bucket"
)

const (
	healthRate    = 20  // health checks a second of one client that pass every gate
	healthRateAll = 500 // the same of all clients
)

// table is a configuration in force. It does not change; what its parts have learned does.
type table struct {
	name string
	// statuses are what Proxy-Status says, by reason.
	statuses     []string
	priorities   []string
	rules        *route.Table
	routes       []*routeState
	upstreams    map[string]*upstreamState
	order        []string // names of the upstreams as configured
	health       map[string]struct{}
	healthTokens healthTokens
	sessionKey   shed.CohortKey
	sessions     sessions
	uncovered    Recorder
	tracer       *tracer // nil: nothing is traced
	// timing are the networks whose clients may see the time in each stage.
	timing []netip.Prefix
	// secure is set if there are endpoints that only the standard lane can talk to.
	secure bool
	// plainPaths refuses what would have to be normalized, decisive are fields that have no twin with underscores.
	plainPaths bool
	decisive   []string
	log        *changes
	logger     *slog.Logger
}

type routeState struct {
	settings RouteSettings
	priority string
	up       *upstreamState
	shed     *shed.Route
	breaker  *breaker.Breaker
	limits   []*limitState
	recorder Recorder
	byHand   bool          // something is set by hand that a request has to look at
	underWay *atomic.Int64 // requests that count against a limit set by hand
}

type limitState struct {
	settings LimitSettings
	bucket   *bucket.Bucket
}

type upstreamState struct {
	settings  UpstreamSettings
	pool      *upstream.Pool
	breakers  []*breaker.Breaker // one an endpoint
	forwarder *forward.Forwarder
	gate      *shed.Gate
	panicking atomic.Bool
	shed      shed.Settings // what the gate is to be configured with
	routes    []*routeState // in the order of shed.Routes
}

// nobody records nothing.
type nobody struct{}

func (nobody) Record(*Exchange) {}

// build makes a table, taking over from the old one (nil: there is none) what stays the same. Nothing in force is touched.
func build(s Settings, old *table, log *changes) (*table, error) {
	if s.Recorder == nil {
		s.Recorder = func(string, string, string) Recorder { return nobody{} }
	}
	if len(s.Priorities) == 0 {
		return nil, errors.New("building the proxy: no priorities")
	}
	t := &table{name: s.Name, timing: s.Timing, statuses: proxyStatuses(token(s.Name)), priorities: s.Priorities, upstreams: map[string]*upstreamState{}, log: log, health: map[string]struct{}{}, sessionKey: s.SessionKey, plainPaths: s.PlainPaths, decisive: decisiveFields(s.Routes), logger: s.Logger}
	if old != nil {
		t.sessions = old.sessions
	} else {
		t.sessions = newSessions()
	}
	for _, path := range s.HealthChecks {
		t.health[path] = struct{}{}
	}
	var err error
	if t.healthTokens, err = newHealthTokens(); err != nil {
		return nil, err
	}
	rules := make([]route.Rule, 0, len(s.Routes))
	for _, rs := range s.Routes {
		rules = append(rules, rs.Rule)
	}
	if t.rules, err = route.New(rules); err != nil {
		return nil, err
	}
	for _, us := range s.Upstreams {
		if err := t.addUpstream(us, old, shed.Settings{Classes: len(s.Priorities), Sequence: log.next}); err != nil {
			return nil, fmt.Errorf("upstream %s: %w", us.Name, err)
		}
	}
	for _, rs := range s.Routes {
		if err := t.addRoute(rs, old, s.Recorder); err != nil {
			return nil, fmt.Errorf("route %s: %w", rs.Rule.Name, err)
		}
	}
	t.uncovered = s.Recorder("", "", "")
	if t.tracer, err = newTracer(s.Traces); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *table) addUpstream(s UpstreamSettings, old *table, law shed.Settings) error {
	law.Observe, law.QueueBytes = s.Observe, s.QueueBytes
	up := &upstreamState{settings: s, shed: law}
	var before *upstreamState
	if old != nil {
		before = old.upstreams[s.Name]
	}
	var err error
	if before == nil {
		if up.gate, err = shed.NewGate(law); err != nil {
			return err
		}
		up.pool, err = upstream.New(upstream.Settings{Name: s.Name, Endpoints: s.Endpoints})
	} else {
		up.gate = before.gate
		up.pool, err = before.pool.Update(upstream.Settings{Name: s.Name, Endpoints: s.Endpoints})
	}
	if err != nil {
		return err
	}
	for _, e := range s.Endpoints {
		t.secure = t.secure || e.URL.Scheme != "http" || e.HTTP2
	}
	if err := up.addBreakers(before, t.log); err != nil {
		return err
	}
	if before != nil && sameTransport(before.settings, s) {
		up.forwarder = before.forwarder
	} else if up.forwarder, err = forward.New(forward.Settings{Name: s.Name, ConnectTimeout: s.ConnectTimeout, IdleTimeout: s.IdleTimeout, IdleConnections: s.IdleConnections, TLSFiles: s.TLS, Logger: t.logger}); err != nil {
		return err
	}
	t.upstreams[s.Name] = up
	t.order = append(t.order, s.Name)
	return nil
}

func sameTransport(a, b UpstreamSettings) bool {
	return a.ConnectTimeout == b.ConnectTimeout && a.IdleTimeout == b.IdleTimeout && a.IdleConnections == b.IdleConnections && a.TLS == b.TLS
}

// addBreakers gives every endpoint a breaker, the one it had if its URL stays.
func (u *upstreamState) addBreakers(before *upstreamState, log *changes) error {
	kept := map[string]*breaker.Breaker{}
	if before != nil {
		for _, e := range before.pool.Endpoints() {
			kept[e.URL().String()] = before.breakers[e.Index]
		}
	}
	for _, e := range u.pool.Endpoints() {
		b := kept[e.URL().String()]
		if b == nil {
			var err error
			settings := breaker.Settings{Name: e.URL().String(), Notify: log.breakerOf(u.settings.Name)}
			if b, err = breaker.New(settings.ForEndpoint(u.settings.Timeout)); err != nil {
				return err
			}
		}
		u.breakers = append(u.breakers, b)
	}
	return nil
}

func (t *table) addRoute(s RouteSettings, old *table, recorder func(string, string, string) Recorder) error {
	up := t.upstreams[s.Upstream]
	if up == nil {
		return fmt.Errorf("there is no upstream %q", s.Upstream)
	}
	if s.Class < 0 || s.Class >= len(t.priorities) {
		return fmt.Errorf("class %d of %d", s.Class, len(t.priorities))
	}
	r := &routeState{settings: s, priority: t.priorities[s.Class], up: up}
	timeout := s.Timeout
	if timeout == 0 {
		timeout = up.settings.Timeout
	}
	r.settings.Breaker.Name = s.Rule.Name
	r.settings.Breaker = r.settings.Breaker.ForRoute(s.Class == 0, timeout)
	var before *routeState
	if old != nil {
		before = old.route(s.Rule.Name)
	}
	if err := r.inherit(before, t.log); err != nil {
		return err
	}
	h := s.Hand
	r.byHand = h.Shed > 0 || h.Limit > 0 || h.Breaker == "open"
	if before != nil {
		r.underWay = before.underWay
	} else {
		r.underWay = &atomic.Int64{}
	}
	r.recorder = recorder(s.Rule.Name, r.priority, s.Upstream)
	up.shed.Routes = append(up.shed.Routes, shed.RouteSettings{Name: s.Rule.Name, Class: s.Class, ErrorObjective: s.ErrorObjective, Shares: s.Shares, Alone: s.Alone})
	up.routes = append(up.routes, r)
	t.routes = append(t.routes, r)
	return nil
}

// inherit takes over the breaker and the buckets whose settings stay the same, and makes the others.
func (r *routeState) inherit(before *routeState, log *changes) error {
	var err error
	settings := r.settings.Breaker
	settings.Notify = log.breakerOf(r.settings.Upstream)
	if before != nil && reflect.DeepEqual(before.settings.Breaker, r.settings.Breaker) && before.settings.Upstream == r.settings.Upstream {
		r.breaker = before.breaker
	} else if r.breaker, err = breaker.New(settings); err != nil {
		return err
	}
	for i, ls := range r.settings.Limits {
		if before != nil && i < len(before.limits) && before.limits[i].settings == ls {
			r.limits = append(r.limits, before.limits[i])
			continue
		}
		b, err := bucket.New(bucket.Settings{Rate: ls.Rate, Burst: ls.Burst, PerKey: ls.Per != "route" && ls.Per != ""})
		if err != nil {
			return err
		}
		r.limits = append(r.limits, &limitState{ls, b})
	}
	return nil
}

func (t *table) route(name string) *routeState {
	i := slices.IndexFunc(t.routes, func(r *routeState) bool { return r.settings.Rule.Name == name })
	if i < 0 {
		return nil
	}
	return t.routes[i]
}

// takeOver tells the gates about the table's routes. It is the last step that can fail, and by construction does not.
func (t *table) takeOver() error {
	for _, up := range t.upstreams {
		routes, err := up.gate.Configure(up.shed)
		if err != nil {
			return err
		}
		for i, r := range routes {
			up.routes[i].shed = r
		}
	}
	return nil
}

// retire lets go of the forwarders that the next table does not use any more, and says which they are.
func (t *table) retire(next *table) (former []*forward.Forwarder) {
	inUse := map[*forward.Forwarder]bool{}
	for up := range maps.Values(next.upstreams) {
		inUse[up.forwarder] = true
	}
	for up := range maps.Values(t.upstreams) {
		if !inUse[up.forwarder] {
			up.forwarder.Close()
			former = append(former, up.forwarder)
		}
	}
	return former
}
