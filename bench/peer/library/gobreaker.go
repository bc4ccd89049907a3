package library

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sony/gobreaker/v2"

	"triage/bench/peer/facts"
)

// breaking calls the backend through a circuit breaker, as the example in gobreaker's documentation does; a status of 500 or more is a
// failure (https://pkg.go.dev/github.com/sony/gobreaker/v2).
type breaking struct {
	next  http.RoundTripper
	usual *gobreaker.CircuitBreaker[*http.Response]
	own   map[string]*gobreaker.CircuitBreaker[*http.Response] // by path
}

var errStatus = errors.New("the backend answered with an error")

func (b breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	breaker, ok := b.own[r.URL.Path]
	if !ok {
		breaker = b.usual
	}
	response, err := breaker.Execute(func() (*http.Response, error) {
		response, err := b.next.RoundTrip(r)
		if err == nil && response.StatusCode >= http.StatusInternalServerError {
			err = errStatus
		}
		return response, err
	})
	if errors.Is(err, errStatus) {
		return response, nil
	}
	return response, err
}

// breaker is one breaker with its defaults for all: open after more than five failures in a row, for a minute. By hand it is one for each
// route, which opens when half of at least twenty requests in ten seconds have failed, for two seconds, and tries with five.
func breaker(_ context.Context, f facts.Facts) (http.Handler, error) {
	b := breaking{next: transport(), usual: gobreaker.NewCircuitBreaker[*http.Response](gobreaker.Settings{})}
	if len(f.Pools) > 0 {
		b.own = map[string]*gobreaker.CircuitBreaker[*http.Response]{}
		for _, r := range f.Routes {
			b.own[r.Path] = gobreaker.NewCircuitBreaker[*http.Response](gobreaker.Settings{
				MaxRequests: 5, Interval: 10 * time.Second, Timeout: 2 * time.Second,
				ReadyToTrip: func(c gobreaker.Counts) bool { return c.Requests >= 20 && 2*c.TotalFailures >= c.Requests },
			})
		}
	}
	return behind(f, b)
}

// behind is the proxy behind breakers; what they refuse is 503.
func behind(f facts.Facts, b breaking) (http.Handler, error) {
	proxy, err := forward(f, b)
	if err != nil {
		return nil, err
	}
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) {
		status := http.StatusBadGateway
		if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
			status = http.StatusServiceUnavailable
		}
		w.WriteHeader(status)
	}
	return proxy, nil
}
