package library

import (
	"context"
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/priority"

	"triage/bench/peer/facts"
)

// calibrateEvery is how often the documentation lets a prioritizer look at its limiters (https://pkg.go.dev/github.com/failsafe-go/failsafe-go/adaptivelimiter).
const calibrateEvery = time.Second

// failsafe is the priority limiter of failsafe-go with its defaults: limits 1 to 200, 20 in the beginning, queueing from 2 to 3 times the
// limit. Limiters that were told their pool begin at its size and may not exceed it; all of them share one prioritizer, as the
// documentation advises.
func failsafe(ctx context.Context, f facts.Facts) (http.Handler, error) {
	prioritizer := adaptivelimiter.NewPrioritizer()
	context.AfterFunc(ctx, prioritizer.ScheduleCalibrations(ctx, calibrateEvery))
	limited, err := byPool(f, func(p *facts.Pool) (http.Handler, error) {
		proxy, err := forward(f, transport())
		if err != nil || p == nil && len(f.Pools) > 0 { // by hand: what needs no pool needs no limit
			return proxy, err
		}
		limiter := adaptivelimiter.NewBuilder[*http.Response]()
		if p != nil {
			limiter = limiter.WithLimits(1, uint(p.Size), uint(p.Size))
		}
		return failsafehttp.NewHandler(proxy, limiter.BuildPrioritized(prioritizer)), nil
	})
	if err != nil {
		return nil, err
	}
	return prioritized(f, limited), nil
}

// prioritized tells the limiter each route's priority.
func prioritized(f facts.Facts, limited http.Handler) http.Handler {
	of := map[string]priority.Priority{}
	for _, r := range f.Routes {
		of[r.Path] = max(priority.VeryHigh-priority.Priority(r.Class), priority.VeryLow)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limited.ServeHTTP(w, r.WithContext(of[r.URL.Path].AddTo(r.Context())))
	})
}
