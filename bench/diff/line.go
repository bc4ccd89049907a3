package diff

import (
	"fmt"
	"math"
	"slices"

	"triage/bench/record"
)

// peer adds the lines of one peer in one scenario.
func (d *Diff) peer(a, b record.Record, group []pair, peer record.Peer) {
	var measures []record.Measure
	strata := map[string][]stratum{}
	for _, p := range group {
		ofA, ofB := samples(a, p.a, peer), samples(b, p.b, peer)
		for _, m := range quantities(a, a.Scenarios[p.a].Classes) {
			if len(ofA[m.Name]) == 0 || len(ofB[m.Name]) == 0 {
				continue
			}
			if strata[m.Name] == nil {
				measures = append(measures, m)
			}
			strata[m.Name] = append(strata[m.Name], stratum{ofA[m.Name], ofB[m.Name]})
		}
	}
	for _, m := range measures {
		l := newLine(m, strata[m.Name], peer.Simulated)
		l.Scenario, l.Peer = group[0].name, peer.Name
		d.Lines = append(d.Lines, l)
	}
}

// quantities are a record's measures, and those that every record has.
func quantities(r record.Record, classes []string) []record.Measure {
	all := slices.Clone(r.Measures)
	for _, c := range classes {
		all = append(all, record.Measure{Name: c + " served", Unit: "%", AtLeast: true}, record.Measure{Name: c + " p50", Unit: "ms"}, record.Measure{Name: c + " p99", Unit: "ms"})
	}
	return all
}

// samples are the values of a peer's valid runs of a scenario, by measure.
func samples(r record.Record, scenario int, peer record.Peer) map[string][]float64 {
	all := map[string][]float64{}
	add := func(name string, v record.Number) {
		if v.There() {
			all[name] = append(all[name], float64(v))
		}
	}
	for _, t := range r.Runs {
		if p := r.Peers[t.Peer]; t.Scenario != scenario || p.Name != peer.Name || p.Tuned != peer.Tuned || !t.Harness.Valid || t.Cut != "" {
			continue
		}
		for name, v := range t.Values {
			add(name, v)
		}
		for _, c := range r.Scenarios[scenario].Classes {
			sums := t.Class(c)
			add(c+" served", 100*sums.Share(sums.Served))
			if h := t.Latency(c); h.Count() > 0 {
				add(c+" p50", record.Number(1e3*h.Quantile(0.5).Seconds()))
				add(c+" p99", record.Number(1e3*h.Quantile(0.99).Seconds()))
			}
		}
	}
	return all
}

func newLine(m record.Measure, strata []stratum, simulated bool) Line {
	var a, b []float64
	for _, s := range strata {
		a, b = append(a, s.a...), append(b, s.b...)
	}
	l := Line{
		Measure: m.Name, Unit: m.Unit, A: side(a), B: side(b), Difference: record.Number(meanDifference(strata)), Margin: m.Margin, P: record.Missing(),
	}
	size := math.Abs(float64(l.Difference))
	switch {
	case slices.Equal(a, b):
		l.Verdict = Same
	case simulated:
		l.Verdict = Changed
	case enough(strata):
		l.P = record.Number(permutation(strata))
		l.Verdict = Noise
		if l.P <= alpha && size > m.Margin {
			l.Verdict = Changed
		}
	case m.Margin == 0:
		l.Verdict = Unknown
	case size > m.Margin:
		l.Verdict = Beyond
	default:
		l.Verdict = Within
	}
	if known := m.Goal != nil || m.Unit == "ms" || m.Unit == "%"; known && (l.Verdict == Changed || l.Verdict == Beyond) {
		better := (l.Difference > 0) == m.AtLeast
		l.Better = &better
	}
	return l
}

func side(values []float64) Side {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Side{n, record.Number((sorted[(n-1)/2] + sorted[n/2]) / 2), record.Number(sorted[0]), record.Number(sorted[n-1])}
}

// Counts says how many lines have each verdict.
func (d Diff) Counts() map[Verdict]int {
	counts := map[Verdict]int{}
	for _, l := range d.Lines {
		counts[l.Verdict]++
	}
	return counts
}

// words is a line's verdict with the direction.
func (l Line) words() string {
	if l.Better == nil {
		return string(l.Verdict)
	}
	way := "worse"
	if *l.Better {
		way = "better"
	}
	return fmt.Sprintf("%s, %s", l.Verdict, way)
}
