package library

import (
	"context"
	"math"
	"net/http"
	"sync"
	"time"

	"triage/bench/peer/facts"
)

// The shedder of go-zero (core/load, v1.10.3) by its equations, not its code: importing it would start its measuring in every Triage
// (DECISIONS.md 9). It sheds only while the processor is busy, or within a second after, and then if more requests are in flight than
// the best tenth of a second in the last five passed, times the shortest mean time of one:
//
//	flight = passed at most in a tenth · 10/s · shortest mean time · factor     factor = (1 − cpu) ÷ (1 − threshold), 0.1 to 1
const (
	tenths       = 50 // of a second: the window
	tenth        = 100 * time.Millisecond
	usualBusy    = 0.9 // share of the processors above which it sheds
	flyingDecay  = 0.9 // of the average of what is in flight, for each request that ends
	coolOff      = time.Second
	leastFactor  = 0.1
	unknownTime  = time.Second // the shortest mean time as long as none is known
	processDecay = 0.95        // of the processor's share, every quarter of a second
)

// shedder decides for the requests of a server.
type shedder struct {
	busy float64 // the threshold
	cpu  func() float64

	mu            sync.Mutex
	passed        [tenths]int
	took          [tenths]time.Duration // the sum
	at            int64                 // the tenth that is counted in, since 1970
	flying        int
	average       float64
	hot           time.Time
	droppedLately bool
}

// allow says whether a request may go on. done must be told of it when it has ended.
func (s *shedder) allow(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turnLocked(now)
	cpu := s.cpu()
	overloaded := cpu >= s.busy
	if overloaded {
		s.hot = now
	}
	if !overloaded && s.droppedLately && now.Sub(s.hot) >= coolOff {
		s.droppedLately = false
	}
	if overloaded || s.droppedLately {
		factor := min(max((1-cpu)/(1-s.busy), leastFactor), 1)
		if most := s.flightLocked() * factor; s.average > most && float64(s.flying) > most {
			s.droppedLately = true
			return false
		}
	}
	s.flying++
	return true
}

// done files a request that was allowed; what was not passed is no sample.
func (s *shedder) done(now time.Time, took time.Duration, passed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turnLocked(now)
	s.flying--
	s.average = flyingDecay*s.average + (1-flyingDecay)*float64(s.flying)
	if passed {
		i := int(s.at % tenths)
		s.passed[i]++
		s.took[i] += took
	}
}

// turnLocked empties the tenths that have gone by.
func (s *shedder) turnLocked(now time.Time) {
	at := now.UnixNano() / int64(tenth)
	if at-s.at > tenths {
		s.at = at - tenths
	}
	for s.at < at {
		s.at++
		s.passed[s.at%tenths], s.took[s.at%tenths] = 0, 0
	}
}

// flightLocked is how many may be in flight; the tenth that is counted in does not count yet.
func (s *shedder) flightLocked() float64 {
	most, shortest := 1, unknownTime
	for i := range tenths {
		if int64(i) == s.at%tenths || s.passed[i] == 0 {
			continue
		}
		most = max(most, s.passed[i])
		// In whole milliseconds, as it counts.
		mean := math.Round(float64(s.took[i].Milliseconds()) / float64(s.passed[i]))
		shortest = min(shortest, time.Duration(mean)*time.Millisecond)
	}
	return max(float64(most)*float64(time.Second/tenth)*shortest.Seconds(), 1)
}

// shedding is that shedder with its defaults before the proxy. By hand there is one for each pool, and it sheds whatever the processor does.
func shedding(ctx context.Context, f facts.Facts) (http.Handler, error) {
	cpu := watchProcessors(ctx)
	return byPool(f, func(p *facts.Pool) (http.Handler, error) {
		proxy, err := forward(f, transport())
		if err != nil || p == nil && len(f.Pools) > 0 {
			return proxy, err
		}
		s := &shedder{busy: usualBusy, cpu: cpu}
		if p != nil {
			s.busy, s.cpu = 0, func() float64 { return 0 }
		}
		return s.before(proxy), nil
	})
}

func (s *shedder) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		if !s.allow(begun) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		seen := &status{ResponseWriter: w}
		defer func() {
			now := time.Now()
			s.done(now, now.Sub(begun), seen.code != http.StatusServiceUnavailable)
		}()
		next.ServeHTTP(seen, r)
	})
}

// status remembers an answer's status.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	if code >= http.StatusOK {
		s.code = code
	}
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap is for http.ResponseController.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }
