package origin

import (
	"context"
	"sync/atomic"
	"time"
)

// resource is what requests take their service in: slots with a queue before them, or a processor that all share.
type resource interface {
	// serve holds the resource for as long as the work takes there. It returns when the service is over; stop ends it early, and so
	// does ctx, if the backend abandons who has left.
	serve(ctx context.Context, stop <-chan struct{}, work time.Duration) outcome
	// set is what is wrong with it from now on.
	set(condition)
	// pause lets it stand still.
	pause(length time.Duration)
	snapshot() PoolSnapshot
}

// condition is how a resource is doing.
type condition struct {
	slow  float64 // factor of what begins from now on
	size  int
	bound int // 0: none
}

// outcome says how an attempt to be served ended.
type outcome uint8

const (
	done    outcome = iota
	full            // too many waiters: never queued
	tired           // it waited for longer than the pool's patience
	left            // the client left, and the backend noticed
	stopped         // the origin was stopped
)

// room counts the waiters of all resources, and how often this machine was too busy to notice in time that a service was over.
type room struct {
	limit int64
	taken atomic.Int64
	late  atomic.Uint64
}

// lateAfter is how long after its end a service may be noticed before it counts as late.
const lateAfter = 5 * time.Millisecond

// noticed is told when a service was due to end that has just been noticed.
func (r *room) noticed(due time.Time) {
	if time.Since(due) > lateAfter {
		r.late.Add(1)
	}
}

func (r *room) enter() bool {
	if r.taken.Add(1) > r.limit {
		r.taken.Add(-1)
		return false
	}
	return true
}

func (r *room) leave() { r.taken.Add(-1) }

// sleepUntil says how a wait for an instant ended: done, stopped, or left if gone was closed.
func sleepUntil(stop, gone <-chan struct{}, instant time.Time) outcome {
	rest := time.Until(instant)
	if rest <= 0 {
		return done
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		return done
	case <-gone:
		return left
	case <-stop:
		return stopped
	}
}

// mean is the moving mean of what is asked of a resource, in seconds of its unloaded service; 0 before the first.
type mean float64

// mixWeight is the weight of the newest: it forgets in about a hundred services.
const mixWeight = 1.0 / 100

func (m *mean) add(work time.Duration) {
	if *m == 0 {
		*m = mean(work.Seconds())
	}
	*m += mixWeight * (mean(work.Seconds()) - *m)
}
