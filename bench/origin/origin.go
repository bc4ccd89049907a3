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
	door      *door
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
	o := &Origin{endpoints: max(s.Endpoints, 1), abandons: s.Abandon, records: records{most: s.Records}, stop: make(chan struct{}), door: newDoor()}
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
	out := &step{StepSettings: s}
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
	how, early := done, &header{w: w, route: r}
	if !t.fails && !t.resets {
		how = o.work(req.Context(), r, t, endpoint, bad, early)
	}
	end := r.ending(t, how, req.Context().Err() != nil)
	if early.sent {
		o.records.end(place, "served")
		w.Write(r.body)
		return
	}
	// Counted before it is written, so that a client that has its answer finds it in the snapshot.
	r.count(end.counter)
	o.records.end(place, end.word)
	switch {
	case t.resets:
		reset(w)
	case end.half:
		half(w, end.body)
	case end.status != 0:
		answer(w, end.status, end.body)
	}
}

// header is an answer whose header may go out before the work is done: then it is served, whatever becomes of its body.
type header struct {
	w     http.ResponseWriter
	route *route
	sent  bool
}

func (h *header) send() {
	if !h.sent {
		h.sent = true
		h.route.count(&h.route.counts.Served)
		h.w.Header()["Content-Type"] = []string{"text/plain; charset=utf-8"}
		h.w.WriteHeader(http.StatusOK)
		// Whoever cannot flush sends the header with the body.
		_ = http.NewResponseController(h.w).Flush()
	}
}

// work takes a request through its steps.
func (o *Origin) work(ctx context.Context, r *route, t ticket, endpoint int, bad BadEndpoint, early *header) outcome {
	if t.lying {
		return sleepUntil(o.stop, gone(ctx, o.abandons), time.Now().Add(t.hangFor))
	}
	var last service
	var held []func(time.Time)
	defer func() {
		for _, free := range held {
			free(last.due)
		}
	}()
	for k, s := range r.steps {
		if s.After {
			early.send()
		}
		work, hit := r.work(t, k, bad)
		if hit {
			continue
		}
		if last = o.stay(ctx, s, endpoint, work); last.how != done {
			last.due = time.Now()
			return last.how
		}
		if last.free != nil {
			held = append(held, last.free)
		}
		r.over(k)
		if t.hangs {
			break
		}
	}
	return done
}

// stay is one step.
func (o *Origin) stay(ctx context.Context, s *step, endpoint int, work time.Duration) service {
	if res := s.at(endpoint); res != nil {
		return res.serve(ctx, o.stop, work, s.Held)
	}
	due := time.Now().Add(work)
	how := sleepUntil(o.stop, gone(ctx, o.abandons), due)
	o.room.noticed(due)
	return service{how: how, due: due}
}

// ending is what a request comes to: what counts it, the record's word, and the answer, if there is somebody to answer.
type ending struct {
	counter *uint64
	word    string
	status  int
	body    []byte
	half    bool
}

func (r *route) ending(t ticket, how outcome, clientLeft bool) ending {
	switch {
	case how == full || how == tired:
		return ending{counter: &r.counts.Refused, word: "refused", status: http.StatusServiceUnavailable}
	case how == stopped:
		return ending{counter: &r.counts.Stopped, word: "stopped", status: http.StatusServiceUnavailable}
	case t.fails || t.resets || (t.hangs || t.lying) && !clientLeft:
		return ending{counter: &r.counts.Failed, word: "failed", status: http.StatusInternalServerError}
	case how == left || clientLeft:
		return ending{counter: &r.counts.Abandoned, word: "abandoned"}
	case t.halves:
		return ending{counter: &r.counts.Failed, word: "failed", body: r.body, half: true}
	}
	return ending{counter: &r.counts.Served, word: "served", status: http.StatusOK, body: r.body}
}

// Mark is a header of all answers with a status: a 503 without it was some proxy's own.
const Mark = "X-Origin"

var marked = []string{"1"}

// answer writes the whole response; net/http itself keeps the body of an answer to HEAD back.
func answer(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header["Content-Type"] = []string{"text/plain; charset=utf-8"}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	header[Mark] = marked
	w.WriteHeader(status)
	w.Write(body)
}

// Stop ends every wait and service with a 503, for good, so that a server over the origin can be closed at once.
func (o *Origin) Stop() {
	o.stopOnce.Do(func() { close(o.stop) })
}
