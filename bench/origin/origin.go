package origin

import (
	"context"
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
	endpoints int
	abandons  bool
	pools     []*resources
	routes    []*route
	table     table
	records   records
	room      *room
	unknown   atomic.Uint64
	bad       atomic.Pointer[BadEndpoint]
	begun     atomic.Pointer[time.Time]

	changing sync.Mutex
	faults   Faults

	// stop is closed by Stop.
	stop     chan struct{}
	stopOnce sync.Once
}

// resources are a pool's copies: one, or one for each endpoint.
type resources struct {
	settings  PoolSettings
	resources []resource
}

func (p *resources) each(f func(resource)) {
	for _, r := range p.resources {
		f(r)
	}
}

// New checks the settings, all problems at once, and makes an origin. It starts nothing.
func New(s Settings) (*Origin, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("origin settings: %w", err)
	}
	if s.MaxWaiters == 0 {
		s.MaxWaiters = defaultMaxWaiters
	}
	o := &Origin{endpoints: max(s.Endpoints, 1), abandons: s.Abandon, records: records{most: s.Records}, stop: make(chan struct{})}
	o.room = &room{limit: int64(s.MaxWaiters)}
	byName := map[string]*resources{}
	for _, p := range s.Pools {
		built := &resources{settings: p}
		for range o.copies(p) {
			built.resources = append(built.resources, newResource(p, o.room, s.Abandon))
		}
		o.pools = append(o.pools, built)
		byName[p.Name] = built
	}
	for i, r := range s.Routes {
		var steps []*step
		for _, st := range r.steps() {
			steps = append(steps, newStep(st, byName[st.Pool]))
		}
		o.routes = append(o.routes, newRoute(r, steps, s.Seed, uint64(i)))
	}
	o.table = newTable(o.routes)
	now := time.Now()
	o.begun.Store(&now)
	o.bad.Store(&BadEndpoint{})
	return o, nil
}

// copies is how many of a pool there are.
func (o *Origin) copies(p PoolSettings) int {
	if p.PerEndpoint {
		return o.endpoints
	}
	return 1
}

func newResource(p PoolSettings, shared *room, abandons bool) resource {
	if p.Processor {
		return newProcessor(p, shared, abandons)
	}
	return newPool(p, shared, abandons)
}

func newStep(s StepSettings, pool *resources) *step {
	out := &step{service: s.Service}
	if pool != nil {
		out.resources = pool.resources
	}
	if s.Cache.Entries > 0 {
		out.cache = &cache{s.Cache, s.Cache.Entries}
	}
	return out
}

// ServeHTTP is the first endpoint: it does the work of the path's route and answers 200; 500 for the share of failures, 503 when too
// many wait, 404 when there is no such route.
func (o *Origin) ServeHTTP(w http.ResponseWriter, req *http.Request) { o.serve(w, req, 0) }

// Endpoint is one of several equal instances of the backend, by number.
func (o *Origin) Endpoint(n int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { o.serve(w, req, n) })
}

func (o *Origin) serve(w http.ResponseWriter, req *http.Request, endpoint int) {
	r := o.table.find(req.URL.Path)
	if r == nil {
		o.unknown.Add(1)
		http.NotFound(w, req)
		return
	}
	bad := BadEndpoint{}
	if endpoint == 0 {
		bad = *o.bad.Load()
	}
	t := r.begin(req, bad)
	place := o.records.add(t, r, endpoint)
	// A broken body is a client that left; the work is done for it like for any other.
	io.Copy(io.Discard, io.LimitReader(req.Body, maxDrain))
	how := done
	if !t.fails {
		how = o.work(r, t, req.Context(), endpoint, bad)
	}
	end := r.ending(t, how, req.Context().Err() != nil)
	// Counted before it is written, so that a client that has its answer finds it in the snapshot.
	r.count(end.counter)
	o.records.end(place, end.word)
	if end.status != 0 {
		answer(w, end.status, end.body)
	}
}

// work takes a request through its steps.
func (o *Origin) work(r *route, t ticket, ctx context.Context, endpoint int, bad BadEndpoint) outcome {
	for k, s := range r.steps {
		work, hit := r.work(t, k, bad)
		if hit {
			continue
		}
		how := done
		if res := s.at(endpoint); res != nil {
			how = res.serve(ctx, o.stop, work)
		} else {
			due := time.Now().Add(work)
			how = sleepUntil(o.stop, gone(ctx, o.abandons), due)
			o.room.noticed(due)
		}
		if how != done {
			return how
		}
		r.over(k)
		if t.hangs {
			break
		}
	}
	return done
}

// ending is what a request comes to: what counts it, the record's word, and the answer, if there is somebody to answer.
type ending struct {
	counter *uint64
	word    string
	status  int
	body    []byte
}

func (r *route) ending(t ticket, how outcome, clientLeft bool) ending {
	switch {
	case how == full || how == tired:
		return ending{&r.counts.Refused, "refused", http.StatusServiceUnavailable, nil}
	case how == stopped:
		return ending{&r.counts.Stopped, "stopped", http.StatusServiceUnavailable, nil}
	case t.fails || t.hangs && !clientLeft:
		return ending{&r.counts.Failed, "failed", http.StatusInternalServerError, nil}
	case how == left || clientLeft:
		return ending{&r.counts.Abandoned, "abandoned", 0, nil}
	}
	return ending{&r.counts.Served, "served", http.StatusOK, r.body}
}

// answer writes the whole response; net/http itself keeps the body of an answer to HEAD back.
func answer(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header["Content-Type"] = []string{"text/plain; charset=utf-8"}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	w.Write(body)
}

// Stop ends every wait and service with a 503, for good, so that a server over the origin can be closed at once.
func (o *Origin) Stop() {
	o.stopOnce.Do(func() { close(o.stop) })
}
