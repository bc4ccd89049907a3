package load

import "time"

// Snapshot is what the clients have got so far.
type Snapshot struct {
	// Elapsed is since the run began: 0 before it, its whole length after it.
	Elapsed time.Duration
	// Phase is the index of the phase that the run is in, or ended in; −1 before it.
	Phase int
	// Done is set when the run is over.
	Done bool
	// InFlight counts requests whose clients still wait.
	InFlight int
	// Late counts requests sent more than 5 ms behind their instant, over all classes.
	Late uint64
	// Classes come in the order in which the settings first name them.
	Classes []ClassSnapshot
}

// ClassSnapshot is what the clients of one class have got. It is consistent in itself.
type ClassSnapshot struct {
	Class string
	// LastSecond is the rates of the last second in whole tenths, after the run of its own last second; offers count when
	// they are sent, results when they come.
	LastSecond Rates
	Total      Figures
	// Phases has one entry per phase of the settings.
	Phases []Figures
}

// Figures are counts, and the latency from the intended instant of the served, the degraded and, at the deadline, those
// who gave up; 0 if there are none.
type Figures struct {
	Counts
	P50, P90, P99, Max time.Duration
}

// Counts says what became of requests. Offered is Served + Degraded + Refused + Failed + Aborted + those in flight.
type Counts struct {
	Offered  uint64
	Served   uint64
	Degraded uint64
	Refused  uint64
	// Failed counts server errors and broken answers, and the next two.
	Failed uint64
	// GaveUp is the part of Failed that had no whole answer by the deadline.
	GaveUp uint64
	// Overrun is the part of Failed that was never sent because MaxInFlight others were in flight.
	Overrun uint64
	// Aborted counts requests cut short because the run was.
	Aborted uint64
	// Late counts those, among all that have ended, that were sent more than 5 ms behind their instant.
	Late uint64
}

// Rates are requests a second.
type Rates struct {
	Offered, Served, Degraded, Refused, Failed float64
}

// Snapshot copies the state. Classes are read one after the other.
func (g *Generator) Snapshot() Snapshot {
	g.mu.Lock()
	p := g.progress
	g.mu.Unlock()
	s := Snapshot{Phase: p.phase, Done: !p.ended.IsZero(), InFlight: int(g.inFlight.Load())}
	switch {
	case s.Done:
		s.Elapsed = p.ended.Sub(p.begun)
	case !p.begun.IsZero():
		s.Elapsed = max(time.Since(p.begun), 0)
	}
	for _, t := range g.tallies {
		c := t.snapshot(s.Elapsed)
		s.Late += c.Total.Late
		s.Classes = append(s.Classes, c)
	}
	return s
}

func (t *tally) snapshot(elapsed time.Duration) ClassSnapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := ClassSnapshot{Class: t.class, LastSecond: t.recent.rates(elapsed), Total: t.total.figuresLocked(t.deadline)}
	for i := range t.phases {
		s.Phases = append(s.Phases, t.phases[i].figuresLocked(t.deadline))
	}
	return s
}
