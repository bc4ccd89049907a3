package sim

import (
	"slices"
	"time"

	"triage/shed"
)

// Window is the grain of what is counted over time.
const Window = 500 * time.Millisecond

const window = Window

// Tally counts what became of what users wanted of one route in one phase: each want once, however often it was tried.
type Tally struct {
	Offered, Served, Refused, Failed int
	// Latency is of attempts that the policy let run: from the arrival to the answer, or until the client left. Sorted.
	Latency []time.Duration
}

// Share is Served ÷ Offered, 1 if nothing was offered.
func (t Tally) Share() float64 {
	if t.Offered == 0 {
		return 1
	}
	return float64(t.Served) / float64(t.Offered)
}

// Quantile is the q-th part of Latency, 0 if there is none.
func (t Tally) Quantile(q float64) time.Duration {
	if len(t.Latency) == 0 {
		return 0
	}
	return t.Latency[min(int(q*float64(len(t.Latency))), len(t.Latency)-1)]
}

// Cell counts within one window and one route. Wants count where they arose, attempts where they were decided.
type Cell struct {
	Offered, Served, Refused, Failed int
	Attempts, Admitted, Refusals     int
}

// Visits counts journeys by the window in which they ended.
type Visits struct{ Completed, Broken int }

// Result is what became of everything.
type Result struct {
	// Phases has a tally for each phase and route; First has only what arose in the phase's first second.
	Phases, First []map[string]*Tally
	// Windows has half a second of every route, in the scenario's order.
	Windows [][]Cell
	Visits  []Visits
	// Reasons counts refusals by route and reason.
	Reasons map[string]int
	// Limits is the policy's own limit every 100 ms, if it is a Gauge.
	Limits []float64
	// Entries is the policy's own record, if it is a Journal.
	Entries []shed.Entry
	// CriticalProbes is -1 if the policy is no Prober.
	CriticalProbes int
	// Events is how many happened.
	Events int

	names []string
	begin []time.Duration // of the phases
	until time.Duration   // end of the last phase
}

func newResult(sc Scenario, lasts time.Duration) *Result {
	r := &Result{Reasons: map[string]int{}, CriticalProbes: -1, until: sc.lasts()}
	at := time.Duration(0)
	for _, p := range sc.Phases {
		all, first := map[string]*Tally{}, map[string]*Tally{}
		for _, route := range sc.Routes {
			all[route.Name], first[route.Name] = &Tally{}, &Tally{}
		}
		r.Phases, r.First, r.begin = append(r.Phases, all), append(r.First, first), append(r.begin, at)
		at += p.For
	}
	for _, route := range sc.Routes {
		r.names = append(r.names, route.Name)
	}
	n := int(lasts/window) + 1
	cells := make([]Cell, n*len(r.names))
	for i := range n {
		r.Windows = append(r.Windows, cells[i*len(r.names):(i+1)*len(r.names)])
	}
	r.Visits = make([]Visits, n)
	return r
}

// cell is that of an instant; what comes after the last window counts in it.
func (r *Result) cell(at time.Duration, route int) *Cell {
	return &r.Windows[min(max(at, 0)/window, time.Duration(len(r.Windows)-1))][route]
}

// tally calls f on the tallies of a want; what journeys want after the last phase is in none.
func (r *Result) tally(c *call, f func(*Tally)) {
	if c.arrived >= r.until {
		return
	}
	name := r.names[c.route]
	f(r.Phases[c.phase][name])
	if c.arrived < r.begin[c.phase]+time.Second {
		f(r.First[c.phase][name])
	}
}

func (r *Result) offered(c *call) {
	r.tally(c, func(t *Tally) { t.Offered++ })
	r.cell(c.arrived, c.route).Offered++
}

func (r *Result) served(c *call) {
	r.tally(c, func(t *Tally) { t.Served++ })
	r.cell(c.arrived, c.route).Served++
}

func (r *Result) lost(c *call, refused bool) {
	cell := r.cell(c.arrived, c.route)
	if refused {
		r.tally(c, func(t *Tally) { t.Refused++ })
		cell.Refused++
	} else {
		r.tally(c, func(t *Tally) { t.Failed++ })
		cell.Failed++
	}
}

func (r *Result) visited(now time.Duration, completed bool) {
	v := &r.Visits[min(now/window, time.Duration(len(r.Visits)-1))]
	if completed {
		v.Completed++
	} else {
		v.Broken++
	}
}

func (r *Result) attempted(w *world, j *job) { r.cell(w.now, j.Route).Attempts++ }

func (r *Result) admitted(w *world, j *job) { r.cell(w.now, j.Route).Admitted++ }

func (r *Result) refused(w *world, j *job) {
	r.cell(w.now, j.Route).Refusals++
	r.Reasons[r.names[j.Route]+" "+j.Reason]++
}

func (r *Result) latency(w *world, j *job) {
	took := w.now - j.arrived
	r.tally(j.call, func(t *Tally) { t.Latency = append(t.Latency, took) })
}

func (r *Result) finish() {
	for _, tallies := range [][]map[string]*Tally{r.Phases, r.First} {
		for _, byRoute := range tallies {
			for _, t := range byRoute {
				slices.Sort(t.Latency)
			}
		}
	}
}
