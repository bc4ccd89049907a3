package real

import (
	"context"
	"fmt"
	"math"

	"triage/bench/chance"
	"triage/bench/sim"
)

// margins say by how much a measure may differ before it is said not to agree. Shares of what the oracle serves: a few of the hundreds of
// requests in a first second, hundredths of a whole phase. Times: two of the half seconds that they are counted in. p99: half of the
// service time, for answers wait for sockets and timers. The limit's steadiness: it stands for ten seconds at most.
var margins = map[string]float64{
	"critical": 0.02, "first_load": 0.05, "first_drop": 0.1, "total": 0.05, "sessions": 0.05,
	"calm_refused": 0.1, "slow_refused": 1, "critical_refused": 1, "innocent_refused": 1, "inversions": 0.5,
	"protect": 1, "recover": 1, "p99": 0.5, "limit_cv": 0.1, "limit_flips": 6, "probes": 0,
}

// Verdict is what a comparison says of a measure.
type Verdict string

// The verdicts.
const (
	Agrees   Verdict = "agrees"   // within the margin
	Scatters Verdict = "scatters" // outside, but within it of what other users' runs have shown in the simulation
	Differs  Verdict = "differs"
)

// Line is one measure in both worlds. All are against the oracle's run in virtual time.
type Line struct {
	Measure sim.Measure `json:"measure"`
	Real    float64     `json:"real"`
	Virtual float64     `json:"simulated"`
	Margin  float64     `json:"margin"`
	// Least and Most are of the simulation with other users.
	Least   float64 `json:"simulated_least"`
	Most    float64 `json:"simulated_most"`
	Verdict Verdict `json:"verdict"`
}

// Difference is real less simulated.
func (l Line) Difference() float64 { return l.Real - l.Virtual }

// judge gives the verdict.
func (l Line) judge() Verdict {
	switch {
	case math.Abs(l.Difference()) <= l.Margin:
		return Agrees
	case l.Real >= l.Least-l.Margin && l.Real <= l.Most+l.Margin:
		return Scatters
	}
	return Differs
}

// others is how many other crowds the simulation is run with, to see how much its measures scatter.
const others = 20

// Virtual is a scenario's runs in virtual time.
type Virtual struct {
	Oracle, Law *sim.Result
	Values      sim.Values
	Others      []sim.Values
}

// Simulate runs a scenario with the trial's users, and with others.
func Simulate(ctx context.Context, sc sim.Scenario, dice uint64) (v Virtual, err error) {
	for i := range others + 1 {
		if ctx.Err() != nil {
			return v, ctx.Err()
		}
		users := dice
		if i > 0 {
			users = chance.Mix(dice, uint64(i))
		}
		ideal, err := sim.Oracle(sc, users)
		if err != nil {
			return v, fmt.Errorf("running the oracle: %w", err)
		}
		law, err := sim.Run(sc, users, sim.NewLaw)
		if err != nil {
			return v, fmt.Errorf("running the law: %w", err)
		}
		values := sim.Judge(sc, law, ideal)
		if i == 0 {
			v.Oracle, v.Law, v.Values = ideal, law, values
		} else {
			v.Others = append(v.Others, values)
		}
	}
	return v, nil
}

// Compare puts what was seen beside the simulation of the same scenario. Measures that apply in neither world are left out.
func Compare(seen Seen, v Virtual) []Line {
	values := sim.Judge(seen.Scenario, seen.Result, v.Oracle)
	var lines []Line
	for i, m := range sim.Measures() {
		if seen.Cut && m.Name == "sessions" {
			continue // those under way when the run ended would count as broken
		}
		l := Line{Measure: m, Real: values[i], Virtual: v.Values[i], Margin: margins[m.Name], Least: math.NaN(), Most: math.NaN()}
		for _, o := range v.Others {
			if !math.IsNaN(o[i]) {
				l.Least, l.Most = least(l.Least, o[i]), most(l.Most, o[i])
			}
		}
		if !math.IsNaN(l.Real) || !math.IsNaN(l.Virtual) {
			l.Verdict = l.judge()
			lines = append(lines, l)
		}
	}
	return lines
}

// least and most take a NaN for nothing seen yet.
func least(a, b float64) float64 {
	if a <= b {
		return a
	}
	return b
}

func most(a, b float64) float64 {
	if a >= b {
		return a
	}
	return b
}
