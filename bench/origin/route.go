package origin

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// route is one path's work, its luck, and the count of what became of its requests.
type route struct {
	settings RouteSettings
	pool     *pool // nil: waits for nobody
	body     []byte

	mu         sync.Mutex
	luck       *rand.Rand
	errorShare float64
	counts     RouteSnapshot
}

func newRoute(s RouteSettings, p *pool, seed, index uint64) *route {
	return &route{
		settings:   s,
		pool:       p,
		body:       []byte(strings.Repeat("x", s.Body)),
		luck:       rand.New(rand.NewChaCha8(streamSeed(seed, index))),
		errorShare: s.ErrorShare,
		counts:     RouteSnapshot{Name: s.Name, Pool: s.Pool},
	}
}

// streamSeed gives each route a stream of its own, so that one route's traffic does not change another's luck.
func streamSeed(seed, index uint64) (key [32]byte) {
	binary.LittleEndian.PutUint64(key[0:], seed)
	binary.LittleEndian.PutUint64(key[8:], index)
	return key
}

// begin counts a request and draws what it will meet. Both dice are always thrown, so that a change of the error share
// does not change the service times that follow.
func (r *route) begin() (service time.Duration, fails bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.Begun++
	fails = r.luck.Float64() < r.errorShare
	return lognormal(r.settings.Service, r.settings.Sigma, r.luck.NormFloat64()), fails
}

// lognormal turns a standard normal deviate into a service time with the given mean.
func lognormal(mean time.Duration, sigma, deviate float64) time.Duration {
	if sigma == 0 {
		return mean
	}
	return span(float64(mean) * math.Exp(sigma*deviate-sigma*sigma/2))
}

// span turns nanoseconds into a duration; a tail that is longer than a day is a day, far below overflow.
func span(nanoseconds float64) time.Duration {
	return time.Duration(min(nanoseconds, float64(24*time.Hour)))
}

func (r *route) setErrorShare(share float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errorShare = share
}

// table finds the route of a path.
type table struct {
	exact    map[string]*route
	prefixes []prefix // longest first
}

type prefix struct {
	path  string // ends with a slash
	route *route
}

func newTable(routes []*route) table {
	t := table{exact: map[string]*route{}}
	for _, r := range routes {
		if path, ok := strings.CutSuffix(r.settings.Path, "*"); ok {
			t.prefixes = append(t.prefixes, prefix{path, r})
			continue
		}
		t.exact[r.settings.Path] = r
	}
	slices.SortFunc(t.prefixes, func(a, b prefix) int { return cmp.Compare(len(b.path), len(a.path)) })
	return t
}

func (t table) find(path string) *route {
	if r, ok := t.exact[path]; ok {
		return r
	}
	for _, p := range t.prefixes {
		if strings.HasPrefix(path, p.path) {
			return p.route
		}
	}
	return nil
}
