package origin

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// maxDrain is how much of a request body is read, in bytes. It must be read before the work begins: net/http notices
// that a client has left only once the body is consumed.
const maxDrain = 1 << 20

// Origin is a backend with limited capacity. Make it with New; all methods may be called at any time.
type Origin struct {
	pools   []*pool
	routes  []*route
	table   table
	unknown atomic.Uint64
	// stop is closed by Stop.
	stop     chan struct{}
	stopOnce sync.Once
}

// New checks the settings, all problems at once, and makes an origin. It starts nothing.
func New(s Settings) (*Origin, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("origin settings: %w", err)
	}
	if s.MaxWaiters == 0 {
		s.MaxWaiters = defaultMaxWaiters
	}
	o := &Origin{stop: make(chan struct{})}
	shared := &room{limit: int64(s.MaxWaiters)}
	for _, p := range s.Pools {
		o.pools = append(o.pools, newPool(p, shared))
	}
	for i, r := range s.Routes {
		o.routes = append(o.routes, newRoute(r, o.pool(r.Pool), s.Seed, uint64(i)))
	}
	o.table = newTable(o.routes)
	return o, nil
}

// ServeHTTP does the work of the path's route and answers 200; 500 for the share of failures, 503 when too many wait,
// 404 when there is no such route.
func (o *Origin) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r := o.table.find(req.URL.Path)
	if r == nil {
		o.unknown.Add(1)
		http.NotFound(w, req)
		return
	}
	service, fails := r.begin()
	// A broken body is a client that left; the work is done for it like for any other.
	io.Copy(io.Discard, io.LimitReader(req.Body, maxDrain))
	if fails {
		r.count(&r.counts.Failed)
		answer(w, http.StatusInternalServerError, nil)
		return
	}
	switch how := o.work(r, req, service); {
	case how == full:
		r.count(&r.counts.Refused)
		answer(w, http.StatusServiceUnavailable, nil)
	case how == stopped:
		r.count(&r.counts.Stopped)
		answer(w, http.StatusServiceUnavailable, nil)
	case how == left || req.Context().Err() != nil:
		r.count(&r.counts.Abandoned)
	default:
		// Counted before it is written, so that a client that has its answer finds it in the snapshot.
		r.count(&r.counts.Served)
		answer(w, http.StatusOK, r.body)
	}
}

func (o *Origin) work(r *route, req *http.Request, service time.Duration) outcome {
	if r.pool != nil {
		return r.pool.serve(req.Context(), o.stop, service)
	}
	if !sleepUntil(o.stop, time.Now().Add(service)) {
		return stopped
	}
	return done
}

// answer writes the whole response; net/http itself keeps the body of an answer to HEAD back.
func answer(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header["Content-Type"] = []string{"text/plain; charset=utf-8"}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	w.Write(body)
}

func (r *route) count(counter *uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*counter++
}

// Slow makes services that begin in the named pool from now on take factor times their time; 1 is as configured.
func (o *Origin) Slow(pool string, factor float64) error {
	p := o.pool(pool)
	if p == nil {
		return fmt.Errorf("slowing pool %q: there is no such pool", pool)
	}
	if !finite(factor) || factor == 0 || factor > 1e6 {
		return fmt.Errorf("slowing pool %q: factor is %v: want more than 0, at most 1e6", pool, factor)
	}
	p.setSlow(factor)
	return nil
}

// Fail makes the named route answer a share of its requests with 500 at once, without service; 0 ends it.
func (o *Origin) Fail(route string, share float64) error {
	if err := checkShare(share); err != nil {
		return fmt.Errorf("failing route %q: %w", route, err)
	}
	for _, r := range o.routes {
		if r.settings.Name == route {
			r.setErrorShare(share)
			return nil
		}
	}
	return fmt.Errorf("failing route %q: there is no such route", route)
}

// Stop ends every wait and service with a 503, for good, so that a server over the origin can be closed at once.
func (o *Origin) Stop() {
	o.stopOnce.Do(func() { close(o.stop) })
}

func (o *Origin) pool(name string) *pool {
	for _, p := range o.pools {
		if p.settings.Name == name {
			return p
		}
	}
	return nil
}
