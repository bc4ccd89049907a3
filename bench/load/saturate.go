package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"triage/bench/load/wire"
)

// Saturation describes a closed loop: so many users who each send the next request when the last one was answered. It finds out what can be
// served at most; what clients get at a given rate only an open loop tells (Generator).
type Saturation struct {
	// Target is a base URL, and Request what is asked of it; its Route, Class and Stream do not count.
	Target  string
	Request Request
	// Users is how many send at the same time.
	Users int
	// Warm is sent and not counted; For is counted.
	Warm, For time.Duration
	// Deadline is when a user gives up; 0 means 10s.
	Deadline time.Duration
	// TLS and CloseEach are as in Settings.
	TLS       *tls.Config
	CloseEach bool
}

// Saturated is what came of it.
type Saturated struct {
	// Answered counts whole answers, Errors those of them with a status of 500 or more, Failed what got no whole answer.
	Answered, Errors, Failed uint64
	// Elapsed is the time that was counted, Rate is Answered a second in it.
	Elapsed time.Duration
	Rate    float64
	// Mean, P50, P99 and Max are of the answered, from the sending to the last byte.
	Mean, P50, P99, Max time.Duration
	// LastError is an example of a failure.
	LastError string
}

const defaultPatience = 10 * time.Second

// Saturate runs a closed loop. If ctx is done before its time, it gives what was measured and the context's error.
func Saturate(ctx context.Context, s Saturation) (Saturated, error) {
	l, err := newLoop(s)
	if err != nil {
		return Saturated{}, err
	}
	err = l.run(ctx)
	return l.seen, err
}

// loop is a closed loop at work.
type loop struct {
	s    Saturation
	plan *plan
	over atomic.Bool
	// users is done when the last of them has been answered.
	users sync.WaitGroup

	mu      sync.Mutex
	counts  bool
	from    time.Time
	seen    Saturated
	latency *hdrhistogram.Histogram
}

func newLoop(s Saturation) (*loop, error) {
	if s.Users < 1 || s.For <= 0 || s.Warm < 0 {
		return nil, fmt.Errorf("a closed loop of %d users for %v after %v: want one at least, and a time", s.Users, s.For, s.Warm)
	}
	if s.Deadline == 0 {
		s.Deadline = defaultPatience
	}
	s.Request.Route, s.Request.Class = "all", "all"
	g, err := New(Settings{
		Target: s.Target, Requests: []Request{s.Request}, Phases: []Phase{{Name: "all", For: s.Warm + s.For}},
		Deadline: s.Deadline, Protocol: Lean, TLS: s.TLS, CloseEach: s.CloseEach,
	})
	if err != nil {
		return nil, err
	}
	return &loop{s: s, plan: g.plan(Arrival{}), latency: hdrhistogram.New(lowest, s.Deadline.Microseconds(), figures)}, nil
}

func (l *loop) run(ctx context.Context) error {
	for n := range l.s.Users {
		u := &user{loop: l, arrival: Arrival{Session: uint32(n)}}
		u.Tag, u.Done = u, ended
		u.Head = l.plan.template.Method == http.MethodHead
		u.Safe = l.plan.safe()
		l.users.Add(1)
		u.send()
	}
	SleepUntil(ctx, time.Now().Add(l.s.Warm))
	l.count(true)
	SleepUntil(ctx, time.Now().Add(l.s.For))
	l.count(false)
	l.over.Store(true)
	l.plan.raw.client.Close() // who still waits need not be waited for
	l.users.Wait()
	return ctx.Err()
}

// count begins or ends the counting.
func (l *loop) count(yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.counts = yes; yes {
		l.from = now
		return
	}
	l.seen.Elapsed = now.Sub(l.from)
	l.seen.Rate = float64(l.seen.Answered) / l.seen.Elapsed.Seconds()
	l.seen.Mean = time.Duration(l.latency.Mean() * float64(time.Microsecond))
	at := l.latency.ValueAtPercentilesSlice([]float64{50, 99, 100})
	l.seen.P50, l.seen.P99, l.seen.Max = time.Duration(at[0])*time.Microsecond, time.Duration(at[1])*time.Microsecond, time.Duration(at[2])*time.Microsecond
}

// user sends one request after the other.
type user struct {
	wire.Exchange
	loop    *loop
	arrival Arrival
	begun   time.Time
}

func (u *user) send() {
	u.Request, u.Body = u.loop.plan.bytes(u.arrival), u.loop.plan.raw.body
	u.begun = time.Now()
	u.Deadline = u.begun.Add(u.loop.s.Deadline)
	u.loop.plan.raw.client.Send(&u.Exchange)
}

func ended(x *wire.Exchange) {
	u := x.Tag.(*user)
	u.loop.add(x, time.Since(u.begun))
	switch {
	case u.loop.over.Load():
		u.loop.users.Done()
	case x.Err != nil:
		// Not at once: whoever refuses connections would be asked without end.
		time.AfterFunc(afterFailure, u.send)
	default:
		u.send()
	}
}

// afterFailure is how long a user waits after a failure.
const afterFailure = 5 * time.Millisecond

func (l *loop) add(x *wire.Exchange, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.counts:
	case x.Err != nil:
		l.seen.Failed++
		l.seen.LastError = x.Err.Error()
	default:
		l.seen.Answered++
		if x.Answer.Status >= http.StatusInternalServerError {
			l.seen.Errors++
		}
		// Longer than the deadline is clipped, so it is in range and there is no error.
		_ = l.latency.RecordValue(max(lowest, min(took, l.s.Deadline).Microseconds()))
	}
}
