package incident

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"triage/proxy"
	"triage/proxy/incident/verdict"
	"triage/proxy/reason"
)

// Counter counts what became of requests, by route and endpoint. It is the proxy's Recorder: it neither blocks nor allocates but for an
// endpoint that a route has not met before.
type Counter struct {
	mu     sync.Mutex
	routes map[string]*routeCount
	hurt   sketch
}

// NewCounter gives one that has counted nothing.
func NewCounter() *Counter { return &Counter{routes: map[string]*routeCount{}} }

// Route gives the recorder of a route, the same whenever it is asked for the same name.
func (c *Counter) Route(name string) proxy.Recorder {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.routes[name]
	if r == nil {
		r = &routeCount{hurt: &c.hurt}
		r.endpoints.Store(&map[string]*tally{})
		c.routes[name] = r
	}
	return r
}

// Retain forgets the routes that are not named.
func (c *Counter) Retain(names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keep := map[string]bool{"": true}
	for _, n := range names {
		keep[n] = true
	}
	for n := range c.routes {
		if !keep[n] {
			delete(c.routes, n)
		}
	}
}

// tally is of requests that were sent to an endpoint.
type tally struct {
	answered, failed, timedOut, unreachable, left atomic.Uint64
	took, squares, waited                         atomic.Uint64 // µs, µs², µs
}

type routeCount struct {
	crowded, wrong, internal atomic.Uint64
	results                  [5]atomic.Uint64
	endpoints                atomic.Pointer[map[string]*tally]
	grow                     sync.Mutex
	hurt                     *sketch
}

// Record counts one exchange.
func (r *routeCount) Record(x *proxy.Exchange) {
	if x.HealthCheck {
		return
	}
	r.results[x.Result].Add(1)
	if x.Result == proxy.Refused || x.Result == proxy.Failed || x.Result == proxy.Degraded {
		r.hurt.add(x.Session)
	}
	switch {
	case forRoom(x.Reason):
		r.crowded.Add(1)
	case x.Reason == reason.Internal:
		r.internal.Add(1)
	case x.Reason.Fault() == reason.FaultClient && x.Reason != reason.ClientGone:
		r.wrong.Add(1)
	}
	if x.Endpoint != "" {
		r.endpoint(x.Endpoint).count(x)
	}
}

// forRoom reports whether a refusal is for want of room.
func forRoom(why reason.Reason) bool {
	switch why {
	case reason.Limit, reason.Displaced, reason.QueueTimeout, reason.Headroom, reason.Infeasible:
		return true
	}
	return false
}

func (t *tally) count(x *proxy.Exchange) {
	switch {
	case x.Reason == reason.UpstreamTimeout:
		t.timedOut.Add(1)
	case x.Reason == reason.ConnectRefused:
		t.failed.Add(1) // the machine answers: nobody listens there
	case x.Reason == reason.ConnectTimeout, x.Reason == reason.ConnectFailed, x.Reason == reason.DNS, x.Reason == reason.TLS:
		t.failed.Add(1)
		t.unreachable.Add(1)
	case x.Reason == reason.ClientGone && x.FirstByte == 0:
		t.left.Add(1)
		t.waited.Add(uint64(max(x.Total-x.Queued, 0).Microseconds()))
	case x.Result == proxy.Failed || x.Reason.Fault() == reason.FaultBackend:
		t.failed.Add(1)
	case x.FirstByte > 0 && !x.Upgraded:
		µs := uint64(x.FirstByte.Microseconds())
		t.answered.Add(1)
		t.took.Add(µs)
		t.squares.Add(µs * min(µs, math.MaxUint32))
	}
}

// endpoint is the tally of an endpoint of the route. Endpoints are those of the configuration, so there are few.
func (r *routeCount) endpoint(url string) *tally {
	if t := (*r.endpoints.Load())[url]; t != nil {
		return t
	}
	r.grow.Lock()
	defer r.grow.Unlock()
	old := *r.endpoints.Load()
	if t := old[url]; t != nil {
		return t
	}
	next := make(map[string]*tally, len(old)+1)
	for k, v := range old {
		next[k] = v
	}
	next[url] = &tally{}
	r.endpoints.Store(&next)
	return next[url]
}

// tallied are a tally's numbers at an instant.
type tallied struct {
	answered, failed, timedOut, unreachable, left int
	took, squares, waited                         float64
}

func (t *tally) read() tallied {
	return tallied{int(t.answered.Load()), int(t.failed.Load()), int(t.timedOut.Load()), int(t.unreachable.Load()), int(t.left.Load()),
		float64(t.took.Load()) / 1e6, float64(t.squares.Load()) / 1e12, float64(t.waited.Load()) / 1e6}
}

func (a tallied) minus(b tallied) tallied {
	if a.answered < b.answered || a.failed < b.failed {
		return a
	}
	return tallied{a.answered - b.answered, a.failed - b.failed, a.timedOut - b.timedOut, a.unreachable - b.unreachable, a.left - b.left,
		a.took - b.took, max(a.squares-b.squares, 0), a.waited - b.waited}
}

func (a tallied) plus(b tallied) tallied {
	return tallied{a.answered + b.answered, a.failed + b.failed, a.timedOut + b.timedOut, a.unreachable + b.unreachable, a.left + b.left,
		a.took + b.took, a.squares + b.squares, a.waited + b.waited}
}

// counted is everything that a Counter has counted, at an instant.
type counted struct {
	at       time.Duration
	routes   map[string]routeCounted
	sessions float64
}

type routeCounted struct {
	tallied
	offered, crowded, wrong, internal int
	results                           Counts
	endpoints                         map[string]tallied
}

func (c *Counter) read(at time.Duration) counted {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := counted{at: at, routes: map[string]routeCounted{}, sessions: c.hurt.count()}
	for name, r := range c.routes {
		rc := routeCounted{crowded: int(r.crowded.Load()), wrong: int(r.wrong.Load()), internal: int(r.internal.Load()),
			results: r.ended(), endpoints: map[string]tallied{}}
		for url, t := range *r.endpoints.Load() {
			rc.endpoints[url] = t.read()
			rc.tallied = rc.tallied.plus(rc.endpoints[url])
		}
		for n := range r.results {
			rc.offered += int(r.results[n].Load())
		}
		out.routes[name] = rc
	}
	return out
}

// Totals are what became of the routes' requests since they were first counted.
func (c *Counter) Totals() map[string]Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]Counts, len(c.routes))
	for name, r := range c.routes {
		if name != "" {
			out[name] = r.ended()
		}
	}
	return out
}

func (r *routeCount) ended() Counts {
	return Counts{r.results[proxy.Served].Load(), r.results[proxy.Degraded].Load(), r.results[proxy.Refused].Load(), r.results[proxy.Failed].Load()}
}

// seen is a route's part of a verdict.Second.
func (a routeCounted) seen(b routeCounted, name, upstream string) verdict.RouteSeen {
	t := a.tallied.minus(b.tallied)
	return verdict.RouteSeen{Name: name, Upstream: upstream, Offered: max(a.offered-b.offered, 0), Refused: max(a.crowded-b.crowded, 0), Wrong: max(a.wrong-b.wrong, 0),
		Answered: t.answered, Failed: t.failed, TimedOut: t.timedOut, Left: t.left, Took: t.took, Squares: t.squares, Waited: t.waited}
}

// sketch counts different values in 4 kB: HyperLogLog (Flajolet et al., 2007), with linear counting for few; about 1.6 % off.
type sketch [4096]atomic.Uint32

func (s *sketch) add(hash uint64) {
	if hash == 0 {
		return
	}
	hash *= 0x9e3779b97f4a7c15
	hash ^= hash >> 32
	hash *= 0xd6e8feb86659fd93
	hash ^= hash >> 32
	at, rank := &s[hash>>52], uint32(bits.LeadingZeros64(hash<<12|1))+1
	for {
		old := at.Load()
		if rank <= old || at.CompareAndSwap(old, rank) {
			return
		}
	}
}

func (s *sketch) count() float64 {
	sum, empty := 0.0, 0.0
	for i := range s {
		r := s[i].Load()
		if r == 0 {
			empty++
		}
		sum += math.Exp2(-float64(r))
	}
	m := float64(len(s))
	estimate := 0.7213 / (1 + 1.079/m) * m * m / sum
	if estimate <= 2.5*m && empty > 0 {
		return math.Round(m * math.Log(m/empty))
	}
	return math.Round(estimate)
}
