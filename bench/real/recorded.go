package real

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"triage/bench/load"
	"triage/bench/origin"
	"triage/bench/record"
	"triage/bench/sim"
)

// Recorded is a trial's scenario as a record keeps it; sc is what was run of it.
func (t Trial) Recorded(sc sim.Scenario) (record.Scenario, error) {
	drawn, err := json.Marshal(sc)
	if err != nil {
		return record.Scenario{}, fmt.Errorf("keeping the scenario %s: %w", t.Episode, err)
	}
	r := record.Scenario{
		Name: t.Episode, Draw: string(t.Draw), Seed: t.Number, Dice: t.Dice, Drawn: drawn, Phases: phases(sc),
		Numbers: map[string]float64{"scale": t.Scale, "seconds": sc.Lasts().Seconds(), "peak a second": sc.Peak(), "client deadline in seconds": sc.Clients.Deadline.Seconds()},
	}
	for _, p := range sc.Resources {
		r.Numbers["pool "+p.Name] = float64(p.Size)
	}
	for i := range sc.Classes {
		r.Classes = append(r.Classes, className(sc.Classes, i))
	}
	return r, nil
}

func phases(sc sim.Scenario) (all []record.Phase) {
	at := time.Duration(0)
	for _, p := range sc.Phases {
		is := p.Label
		if is == "" {
			is = sim.Calm
		}
		all = append(all, record.Phase{Name: p.Name, Is: string(is), From: at.Seconds(), To: (at + p.For).Seconds()})
		at += p.For
	}
	return all
}

// RecordedMeasures are the simulator's measures, with the margins of this harness.
func RecordedMeasures() (all []record.Measure) {
	for _, m := range sim.Measures() {
		goal := m.Goal
		all = append(all, record.Measure{Name: m.Name, Doc: m.Doc, Unit: m.Unit, Goal: &goal, AtLeast: m.AtLeast, Margin: margins[m.Name]})
	}
	return all
}

// Recorded is what was seen, as a record keeps it, beside the oracle; what the harness says of itself is not in it.
func (s Seen) Recorded(v Virtual) record.Trial {
	lasts := s.Scenario.Lasts()
	t := record.Trial{
		Round: 1, Seconds: lasts.Seconds(), Values: values(sim.Judge(s.Scenario, s.Result, v.Oracle)), Ideal: values(sim.Judge(s.Scenario, v.Oracle, v.Oracle)),
	}
	delete(t.Values, "probes") // nobody sees from outside what was a probe
	if s.Cut {
		delete(t.Values, "sessions")
	}
	if s.Course != nil {
		s.Course.Into(&t, lasts)
		t.Gauges = append(t.Gauges, s.Work.Gauge(record.AtWork, lasts))
	}
	if s.Asked > 0 {
		t.Gauges = append(t.Gauges, limits(s.Scenario, s.Result))
	}
	addOracle(t.Routes, s.Scenario, v.Oracle)
	return t
}

// Recorded is the simulated law, as a record keeps it.
func (v Virtual) Recorded(sc sim.Scenario) record.Trial {
	t := record.Trial{
		Round: 1, Seconds: sc.Lasts().Seconds(), Harness: record.Harness{Valid: true}, Values: values(v.Values),
		Ideal: values(sim.Judge(sc, v.Oracle, v.Oracle)), Spread: spread(v.Others), Gauges: []record.Gauge{limits(sc, v.Law)},
	}
	for i, r := range sc.Routes {
		series := func(of func(sim.Cell) int) []int { return bySecond(sc, v.Law, i, of) }
		t.Routes = append(t.Routes, record.Route{
			Name: r.Name, Class: className(sc.Classes, r.Class),
			Offered:  series(func(c sim.Cell) int { return c.Offered }),
			Served:   series(func(c sim.Cell) int { return c.Served }),
			Refused:  series(func(c sim.Cell) int { return c.Refused }),
			Failed:   series(func(c sim.Cell) int { return c.Failed }),
			Attempts: series(func(c sim.Cell) int { return c.Attempts }),
		})
	}
	addOracle(t.Routes, sc, v.Oracle)
	for class := range sc.Classes {
		for i, byRoute := range v.Law.Phases {
			var h record.Histogram
			for _, r := range sc.Routes {
				if r.Class == class {
					for _, latency := range byRoute[r.Name].Latency {
						h.Add(latency)
					}
				}
			}
			if h.Count() > 0 {
				t.Histograms = append(t.Histograms, record.Interval{Class: className(sc.Classes, class), Phase: i, Latency: h})
			}
		}
	}
	return t
}

// addOracle puts what the oracle serves beside each route.
func addOracle(routes []record.Route, sc sim.Scenario, oracle *sim.Result) {
	for i := range routes {
		routes[i].Oracle = bySecond(sc, oracle, i, func(c sim.Cell) int { return c.Served })
	}
}

// bySecond sums up the windows of each second.
func bySecond(sc sim.Scenario, r *sim.Result, route int, of func(sim.Cell) int) []int {
	seconds := make([]int, int(math.Ceil(sc.Lasts().Seconds())))
	for k, window := range r.Windows {
		if second := int(time.Duration(k) * sim.Window / time.Second); second < len(seconds) {
			seconds[second] += of(window[route])
		}
	}
	return seconds
}

func limits(sc sim.Scenario, r *sim.Result) record.Gauge {
	g := record.Gauge{Name: record.Limit, Every: watchEvery.Seconds()}
	for _, v := range r.Limits[:min(len(r.Limits), int(sc.Lasts()/watchEvery)+1)] {
		g.Values = append(g.Values, record.Number(v))
	}
	return g
}

func values(v sim.Values) map[string]record.Number {
	all := map[string]record.Number{}
	for i, m := range sim.Measures() {
		if !math.IsNaN(v[i]) {
			all[m.Name] = record.Number(v[i])
		}
	}
	return all
}

func spread(others []sim.Values) map[string]record.Span {
	all := map[string]record.Span{}
	for _, o := range others {
		for name, v := range values(o) {
			s, there := all[name]
			if !there {
				s = record.Span{Least: v, Most: v}
			}
			all[name] = record.Span{Least: min(s.Least, v), Most: max(s.Most, v)}
		}
	}
	return all
}

// event is an attempt that has ended, as a record's collector counts it. next is what its user sends after it, if there is more.
func event(e load.Ending, w, next sim.Want, more bool, reason string) record.Event {
	fates := map[load.Outcome]record.Fate{
		load.Served: record.Served, load.Degraded: record.Degraded, load.Refused: record.Refused, load.Failed: record.Failed,
		load.Overrun: record.Failed, load.GaveUp: record.GaveUp, load.Aborted: record.Aborted,
	}
	return record.Event{
		Route: w.Route, At: w.At, Ended: w.At + e.Latency, Before: w.Before(), Fate: fates[e.How], Reason: reason, Again: more && next.Before() > 0,
	}
}

// newCourse makes the collector of a trial's attempts.
func newCourse(sc sim.Scenario) (*record.Collector, error) {
	p := record.Plan{Phases: phases(sc), Lasts: sc.Lasts()}
	for _, r := range sc.Routes {
		p.Routes = append(p.Routes, record.RouteClass{Name: r.Name, Class: className(sc.Classes, r.Class)})
	}
	return record.NewCollector(p)
}

// work is what the backend had under way; what it has not ended it had until the end.
func work(lasts time.Duration, requests []origin.Record) *record.Flight {
	f := record.NewFlight(lasts)
	for _, r := range requests {
		ended := lasts + time.Second
		if r.How != "" {
			ended = time.Duration(r.Ended * float64(time.Second))
		}
		f.Add(time.Duration(r.Begun*float64(time.Second)), ended)
	}
	return f
}

// harness is what is said of the measuring side.
func (r Run) harness() record.Harness {
	return record.Harness{
		LoadBefore: r.Busy, Sent: int(r.Sent), Late: int(r.Late), NotSent: int(r.Overrun), LateAnswers: int(r.LateAnswers),
		Asked: r.Asked, SlowStatus: r.Slow, Voided: r.Voided, Valid: r.Valid(), Notes: r.Notes(),
	}
}

// Record is a report as it is kept: what was measured, and the simulation beside it. front is what stood before the backend.
func (r Report) Record(front record.Peer) record.Record {
	out := record.Record{
		Kind: record.Run, Command: r.Command, Begun: r.Date, Triage: record.Program{Version: r.Version, Commit: r.Commit, Go: r.Go},
		Machine: r.Machine, Measures: RecordedMeasures(),
		Peers: []record.Peer{front, {Name: "simulated", Doc: "Triage's law in virtual time, with the same users", Simulated: true}},
	}
	for i, run := range r.Runs {
		out.Scenarios = append(out.Scenarios, run.scenario)
		real, virtual := run.real, run.virtual
		real.Scenario, virtual.Scenario, virtual.Peer = i, i, 1
		real.Harness = run.harness()
		if run.Cut {
			real.Cut, virtual.Cut = ErrCut.Error(), ErrCut.Error()
			out.Cut = ErrCut.Error()
		}
		out.Runs = append(out.Runs, real, virtual)
	}
	return out
}
