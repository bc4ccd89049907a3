package origin

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"triage/bench/chance"
)

// LuckHeader is the header field with which a request may bring its own number, hexadecimal, from which everything is drawn that is
// drawn for it. So another run, or a simulation, can give the same request the same luck. Without it the route draws one.
const LuckHeader = "X-Origin-Luck"

// route is one path's work, its luck, and the count of what became of its requests.
type route struct {
	settings RouteSettings
	steps    []*step
	body     []byte

	mu     sync.Mutex
	own    *chance.Dice // numbers for requests that bring none
	dice   *chance.Dice // set to a request's stream before each use
	faults routeFaults
	counts RouteSnapshot
}

// routeFaults is what is wrong with a route.
type routeFaults struct {
	fail, hang, reset, half float64 // shares
	hangFor                 time.Duration
	slow                    float64
}

// step is work on one resource. There is one resource for each endpoint, or one for all, or none.
type step struct {
	StepSettings
	resources []resource
	cache     *cache
}

// at is the resource of an endpoint; nil if the step needs none.
func (s *step) at(endpoint int) resource {
	if len(s.resources) == 0 {
		return nil
	}
	return s.resources[endpoint%len(s.resources)]
}

// cache fills with what misses bring; the route's lock guards it.
type cache struct {
	Cache
	filled float64
}

func (c *cache) share() float64 { return c.Hit * c.filled / c.Entries }

func newRoute(s RouteSettings, steps []*step, seed, index uint64) *route {
	return &route{
		settings: s,
		steps:    steps,
		body:     []byte(strings.Repeat("x", s.Body)),
		own:      chance.New(chance.Mix(seed, index)),
		dice:     chance.New(0),
		faults:   routeFaults{fail: s.ErrorShare, slow: 1},
		counts:   RouteSnapshot{Name: s.Name, Pool: s.Pool},
	}
}

// ticket is what one request has drawn: its number, and whether it fails at once, hangs in its first step, or is left lying by a bad
// endpoint, before it has come to any.
type ticket struct {
	luck                uint64
	fails, hangs, lying bool
	// resets and halves break the connection, at once or in the middle of the answer.
	resets, halves bool
	hangFor        time.Duration
}

// begin counts a request and draws what it will meet at an endpoint.
func (r *route) begin(req *http.Request, bad BadEndpoint) ticket {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.Begun++
	t := ticket{luck: r.own.Uint64(), hangFor: r.faults.hangFor}
	if text := req.Header.Get(LuckHeader); text != "" {
		if brought, err := strconv.ParseUint(text, 16, 64); err == nil {
			t.luck = brought
		}
	}
	r.dice.Reset(chance.Mix(t.luck, chance.Failure))
	die, fail := r.dice.Float64(), max(r.faults.fail, bad.Fail)
	t.fails, t.lying = die < fail, die >= fail && die < fail+bad.Hang
	t.hangs = !t.fails && !t.lying && die < fail+r.faults.hang
	if !t.fails && !t.lying && !t.hangs {
		// The dice of another stream: shares of different faults are of those whom the others have left.
		die = r.dice.Float64()
		t.resets, t.halves = die < r.faults.reset, die >= r.faults.reset && die < r.faults.reset+r.faults.half
	}
	return t
}

// work draws how long the k-th step takes on an unloaded resource; hit says that a cache has what it would bring.
func (r *route) work(t ticket, k int, bad BadEndpoint) (work time.Duration, hit bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.steps[k]
	r.dice.Reset(chance.Mix(t.luck, chance.Step+uint64(k)))
	if s.cache != nil && !t.hangs && r.dice.Float64() < s.cache.share() {
		return 0, true
	}
	if t.hangs {
		return t.hangFor, false
	}
	return span(1e9 * r.dice.Service(s.Service) * r.faults.slow * bad.slow()), false
}

// over fills the cache with what a step has brought.
func (r *route) over(k int) {
	if c := r.steps[k].cache; c != nil {
		r.mu.Lock()
		c.filled += 1 - c.filled/c.Entries
		r.mu.Unlock()
	}
}

// span turns nanoseconds into a duration; a tail that is longer than a day is a day, far below overflow.
func span(nanoseconds float64) time.Duration {
	return time.Duration(math.Min(nanoseconds, float64(24*time.Hour)))
}

func (r *route) count(counter *uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*counter++
}

func (r *route) set(f routeFaults, cold bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = f
	for _, s := range r.steps {
		if cold && s.cache != nil {
			s.cache.filled = 0
		}
	}
}

func (r *route) snapshot() RouteSnapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}
