package real

import (
	"context"
	"errors"
	"fmt"
	"time"

	"triage/bench/load"
	"triage/bench/origin"
	"triage/bench/record"
	"triage/bench/sim"
)

// Seen is what became of a trial in real time.
type Seen struct {
	// Scenario is what was run: the trial's, or its beginning if the run was cut short.
	Scenario sim.Scenario
	Result   *sim.Result
	Clients  load.Snapshot
	Backend  origin.Snapshot
	// Asked is how often the proxy was asked for its status, Slow how often it was slow to answer.
	Asked, Slow int
	// Cut is set if the run was ended before its time.
	Cut bool
	// Course has every attempt; Work is what the backend had under way. nil: nobody has counted.
	Course *record.Collector
	Work   *record.Flight
}

// ErrCut says that a run ended before its time: what was measured is there.
var ErrCut = errors.New("the run was cut short")

// Progress is how far a run has come.
type Progress struct {
	Phase   string
	Elapsed time.Duration
	Left    time.Duration
	load.Snapshot
}

// lead is the time between starting everything and the run's first instant.
const lead = 200 * time.Millisecond

// Once runs a trial in real time. If ctx is done before its end, or a part ends by itself, it gives what was measured so far with an
// error that is ErrCut.
func Once(ctx context.Context, t Trial, parts Parts, progress func(Progress)) (seen Seen, err error) {
	backend, err := parts.Backend(ctx, t)
	if err != nil {
		return seen, err
	}
	defer func() { err = errors.Join(err, backend.Stop()) }()
	fronts, err := parts.fronts(ctx, t, backend)
	defer func() {
		for _, f := range fronts {
			err = errors.Join(err, f.Stop())
		}
	}()
	if err != nil {
		return seen, err
	}
	d, err := newDrive(t, fronts)
	if err != nil {
		return seen, err
	}
	begin := time.Now().Add(lead)
	if err := tell(ctx, backend.Control, begin); err != nil {
		return seen, err
	}
	cut := d.run(ctx, begin, backend.Ended, progress)
	truth, err := truthOf(context.WithoutCancel(ctx), backend.Control)
	if err != nil && cut == nil {
		return seen, err
	}
	seen, err = d.seen(t, truth, cut != nil)
	return seen, errors.Join(cut, err)
}

// fronts starts one for the beginning, and one for each phase in which the sidecars are replaced. What it has started it gives also with
// an error.
func (p Parts) fronts(ctx context.Context, t Trial, b Backend) (all []Front, err error) {
	for i, phase := range t.Scenario.Phases {
		if i > 0 && !phase.Restart {
			continue
		}
		f, err := p.Front(ctx, t, b)
		if err != nil {
			return all, err
		}
		all = append(all, f)
		if f.Stand == nil && t.handles() {
			return all, fmt.Errorf("in %s sidecars are replaced or stand still, which nobody can do with a proxy that was not started here", t.Episode)
		}
	}
	return all, nil
}
