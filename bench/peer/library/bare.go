package library

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/sony/gobreaker/v2"

	"triage/bench/peer/facts"
)

// bare is a contender whose cost is measured: a mux with a pattern for each route, if there are any. What it forwards its library decides about and lets
// through, however much there is: it is saturated, and takes its own waiting for the backend's. Below /refused/ the same library refuses everything.
func bare(f facts.Facts, forwards, refuses http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/refused/", refuses)
	for _, r := range f.Routes {
		mux.Handle(r.Path, forwards)
	}
	if len(f.Routes) == 0 {
		mux.Handle("/", forwards)
	}
	return mux
}

// bareProxy has no library: it refuses with a fixed answer.
func bareProxy(_ context.Context, f facts.Facts) (http.Handler, error) {
	proxy, err := forward(f, transport())
	if err != nil {
		return nil, err
	}
	return bare(f, proxy, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, "too many requests\n") // who has gone has gone
	})), nil
}

// bareFailsafe has a limiter with places for all connections, and one whose only place and whose queue are taken.
func bareFailsafe(ctx context.Context, f facts.Facts) (http.Handler, error) {
	proxy, err := forward(f, transport())
	if err != nil {
		return nil, err
	}
	prioritizer := adaptivelimiter.NewPrioritizer()
	context.AfterFunc(ctx, prioritizer.ScheduleCalibrations(ctx, calibrateEvery))
	all := uint(max(f.Connections, 1))
	wide := adaptivelimiter.NewBuilder[*http.Response]().WithLimits(all, all, all).BuildPrioritized(prioritizer)
	full := adaptivelimiter.NewBuilder[*http.Response]().WithLimits(1, 1, 1).WithQueueing(1, 1).BuildPrioritized(adaptivelimiter.NewPrioritizer())
	for range 2 { // who has the place, and who waits for it until ctx is done
		go func() { _, _ = full.AcquirePermit(ctx) }()
	}
	for full.Queued() == 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	return bare(f, prioritized(f, failsafehttp.NewHandler(proxy, wide)), prioritized(f, failsafehttp.NewHandler(proxy, full))), nil
}

// bareBreaker has a breaker that stays closed, and one that is open for longer than anything is measured. By its defaults the first would be open after
// the first case: six clients that hang up are six failures in a row.
func bareBreaker(_ context.Context, f facts.Facts) (http.Handler, error) {
	closed, err := behind(f, breaking{next: transport(), usual: gobreaker.NewCircuitBreaker[*http.Response](gobreaker.Settings{
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
	})})
	if err != nil {
		return nil, err
	}
	tripped := gobreaker.NewCircuitBreaker[*http.Response](gobreaker.Settings{
		Timeout: 24 * time.Hour, ReadyToTrip: func(gobreaker.Counts) bool { return true },
	})
	_, _ = tripped.Execute(func() (*http.Response, error) { return nil, errStatus }) // the failure that opens it
	open, err := behind(f, breaking{next: transport(), usual: tripped})
	return bare(f, closed, open), err
}

// bareShedder has a shedder for which the processor is never busy, and one with a thousand in flight, where ten would be too many.
func bareShedder(ctx context.Context, f facts.Facts) (http.Handler, error) {
	proxy, err := forward(f, transport())
	if err != nil {
		return nil, err
	}
	cpu := watchProcessors(ctx)
	calm := &shedder{busy: math.Inf(1), cpu: cpu}
	laden := &shedder{busy: 0, cpu: cpu, flying: 1000, average: 1000}
	return bare(f, calm.before(proxy), laden.before(proxy)), nil
}
