package page

import (
	"fmt"
	"math"

	"triage/bench/sim"
)

// score is a policy's line of the scoreboard.
type score struct {
	Policy, Doc               string
	Own                       bool
	Median, Worst, Of         int // goals met by the median and by the worst seed, of those that apply and may be compared
	MedianShare, WorstShare   int // of a hundred
	Critical, Total, Sessions string
	Least                     string // the least critical goodput, of a median seed and of any seed, with their episodes
}

// scores are in the order of the policies.
func scores(d sim.Document, own string) (all []score) {
	compared := sim.Compared(d.Records)
	for _, p := range d.Policies {
		s := score{Policy: p.Name, Doc: p.Doc, Own: p.Name == own}
		median, worst := lowest{least: math.Inf(1)}, lowest{least: math.Inf(1)}
		for _, r := range d.Records {
			if r.Policy != p.Name {
				continue
			}
			s.count(r, compared)
			median.look(r.Median[measureIndex("critical")], r.Episode)
			worst.look(r.Worst[measureIndex("critical")], r.Episode)
		}
		s.MedianShare, s.WorstShare = share(float64(s.Median)/float64(max(s.Of, 1)), 100), share(float64(s.Worst)/float64(max(s.Of, 1)), 100)
		s.Critical, s.Total, s.Sessions = mean(d, p.Name, "critical"), mean(d, p.Name, "total"), mean(d, p.Name, "sessions")
		if median.at != "" {
			s.Least = fmt.Sprintf("%.3f in %s / %.3f in %s", median.least, median.at, worst.least, worst.at)
		}
		all = append(all, s)
	}
	return all
}

// lowest is the least value seen, and where.
type lowest struct {
	least float64
	at    string
}

func (l *lowest) look(v float64, at string) {
	if v < l.least {
		l.least, l.at = v, at
	}
}

func (s *score) count(r sim.Record, compared []bool) {
	for i, m := range sim.Measures() {
		if math.IsNaN(r.Worst[i]) || !compared[i] {
			continue
		}
		s.Of++
		if m.Met(r.Median[i]) {
			s.Median++
		}
		if m.Met(r.Worst[i]) {
			s.Worst++
		}
	}
}

// mean is a measure's mean over the episodes, of the median seeds.
func mean(d sim.Document, policy, measure string) string {
	sum, n := 0.0, 0
	for _, r := range d.Records {
		if v := r.Median[measureIndex(measure)]; r.Policy == policy && !math.IsNaN(v) {
			sum, n = sum+v, n+1
		}
	}
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f", sum/float64(n))
}

// barRow is an episode with a bar for each of the three shares of the oracle.
type barRow struct {
	Episode, Doc string
	Bars         []bar
}

// bar is the own policy's share of the oracle, and where the peers are. Lengths are in units of the drawing.
type bar struct {
	Measure       string
	Median, Worst string
	Missed        bool // by the median seed
	None          bool // does not apply
	Length, Least int  // of the median and of the worst seed
	Goal          int
	Ticks         []tick
}

type tick struct {
	Policy, Value string
	At            int
}

// barLength is the oracle's share in units of the drawing.
const barLength = 200

func bars(d sim.Document, own string) (rows []barRow) {
	for _, e := range d.Episodes {
		row := barRow{Episode: e.Name, Doc: e.Doc}
		for _, name := range []string{"critical", "total", "sessions"} {
			row.Bars = append(row.Bars, newBar(d, own, e.Name, name))
		}
		rows = append(rows, row)
	}
	return rows
}

func newBar(d sim.Document, own, episode, measure string) bar {
	i := measureIndex(measure)
	m := sim.Measures()[i]
	b := bar{Measure: measure, None: true, Goal: share(m.Goal, barLength)}
	for _, r := range d.Records {
		v := math.NaN()
		if r.Episode == episode {
			v = r.Median[i]
		}
		switch {
		case math.IsNaN(v):
		case r.Policy == own:
			b.None, b.Missed = false, !m.Met(v)
			b.Median, b.Worst = m.Text(v), m.Text(r.Worst[i])
			b.Length, b.Least = share(v, barLength), share(r.Worst[i], barLength)
		default:
			b.Ticks = append(b.Ticks, tick{r.Policy, m.Text(v), share(v, barLength)})
		}
	}
	return b
}
