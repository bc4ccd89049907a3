package compare

import (
	"context"
	"fmt"
	"slices"
	"time"

	"triage/bench/peer"
	"triage/bench/real"
	"triage/bench/record"
	"triage/bench/sim"
)

// turn is one contender in one trial, once.
type turn struct {
	trial, peer, round int
}

// play makes a run. Of one that was cut short because ctx is done it gives an error; whatever else goes wrong is in the run.
func (c *comparison) play(ctx context.Context, t turn, voided int) (record.Trial, error) {
	trial, contender := c.Trials[t.trial], c.Peers[t.peer]
	out := record.Trial{Scenario: t.trial, Peer: t.peer, Round: t.round, Begun: time.Now().UTC().Truncate(time.Second), Values: map[string]record.Number{}}
	busy, spent := record.LoadAverage(), meter{}
	seen, err := real.Once(ctx, trial, real.Parts{Backend: c.Backend, Front: spent.front(contender)}, nil)
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	if seen.Result == nil { // it did not come to measuring
		out.Cut = err.Error()
		return out, nil
	}
	v := c.ideals[t.trial]
	if seen.Cut {
		if v, err = seen.Ideal(trial.Dice); err != nil {
			return out, err
		}
		out.Cut = "the proxy or the backend ended in the middle"
	}
	measured := seen.Recorded(v)
	measured.Scenario, measured.Peer, measured.Round, measured.Begun, measured.Cut = out.Scenario, out.Peer, out.Round, out.Begun, out.Cut
	measured.Harness = seen.Harness(busy, voided)
	if err != nil {
		measured.Harness.Notes = append(measured.Harness.Notes, err.Error())
	}
	addOwn(measured, seen, v)
	if spent.known && measured.Harness.Sent > 0 {
		measured.Values[cpu] = record.Number(float64(spent.cpu.Microseconds()) / float64(measured.Harness.Sent))
	}
	return measured, nil
}

// meter starts a contender and notes what processor time it uses from then to its end.
type meter struct {
	cpu   time.Duration
	known bool
}

func (m *meter) front(contender peer.Contender) func(context.Context, real.Trial, real.Backend) (real.Front, error) {
	return func(ctx context.Context, t real.Trial, b real.Backend) (real.Front, error) {
		running, err := contender.Start(ctx, t.Facts(b))
		if err != nil {
			return real.Front{}, err
		}
		f := real.Front{URLs: running.URLs, Stop: running.Stop}
		if running.Admin != "" {
			f.Admins = []string{running.Admin}
		}
		if running.Process == nil {
			return f, nil
		}
		f.Ended = running.Process.Ended()
		before, known := running.Process.CPU()
		f.Stop = func() error {
			after, stillKnown := running.Process.CPU()
			m.cpu, m.known = after-before, known && stillKnown
			return running.Stop()
		}
		return f, nil
	}
}

// The measures of a comparison that the simulator has not.
const (
	least  = "least"
	p99    = "critical_p99"
	cpu    = "cpu"
	p99Doc = "99th percentile of the latency of critical requests that were answered, or whose clients gave up, while something is wrong"
)

func measures() []record.Measure {
	return append(real.RecordedMeasures(),
		record.Measure{Name: least, Doc: "share of the least important class that is served while something is wrong, against the oracle's", AtLeast: true},
		record.Measure{Name: p99, Doc: p99Doc, Unit: "ms"},
		record.Measure{Name: cpu, Doc: "processor time of the proxy for each attempt that was sent", Unit: "µs"},
	)
}

// addOwn adds those values.
func addOwn(t record.Trial, seen real.Seen, v real.Virtual) {
	sc := seen.Scenario
	troubled := func(p sim.Phase) bool { return p.Label != sim.Calm && p.Label != "" }
	lowest, got, ideal := 0, 0, 0
	for _, r := range sc.Routes {
		lowest = max(lowest, r.Class)
	}
	var critical record.Histogram
	for i, p := range sc.Phases {
		if slices.ContainsFunc(sc.Phases, troubled) && !troubled(p) {
			continue
		}
		for _, r := range sc.Routes {
			if r.Class == lowest {
				got += seen.Result.Phases[i][r.Name].Served
				ideal += v.Oracle.Phases[i][r.Name].Served
			}
		}
		for _, h := range t.Histograms {
			if h.Phase == i && h.Class == real.ClassName(sc.Classes, 0) {
				critical.Merge(h.Latency)
			}
		}
	}
	if ideal > 0 {
		t.Values[least] = record.Number(float64(got) / float64(ideal))
	}
	if critical.Count() > 0 {
		t.Values[p99] = record.Number(float64(critical.Quantile(0.99).Microseconds()) / 1000)
	}
}

// trouble says why a run is in no median; "" if it is in them.
func trouble(t record.Trial) string {
	if t.Cut != "" {
		return t.Cut
	}
	if !t.Harness.Valid {
		return "this machine was late"
	}
	return ""
}

// cutShort is the error of a comparison that did not come to its end.
func cutShort(done, all int, why error) error {
	return fmt.Errorf("%w: %d of %d runs were made: %w", real.ErrCut, done, all, why)
}
