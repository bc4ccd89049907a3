package record

import "time"

// flightEvery is the time between two values of a Flight's gauge.
const flightEvery = 100 * time.Millisecond

// Flight counts what is under way at the instants of a gauge.
type Flight struct{ changes []int }

// NewFlight makes one for a run of that length.
func NewFlight(lasts time.Duration) *Flight { return &Flight{make([]int, int(lasts/flightEvery)+2)} }

// Add counts something that was under way from one instant, inclusive, to another, exclusive.
func (f *Flight) Add(from, to time.Duration) {
	f.changes[f.next(from)]++
	f.changes[f.next(to)]--
}

// next is the first of the gauge's instants that does not lie before at.
func (f *Flight) next(at time.Duration) int {
	return min(int((max(at, 0)+flightEvery-1)/flightEvery), len(f.changes)-1)
}

// Gauge gives the values up to an instant.
func (f *Flight) Gauge(name string, until time.Duration) Gauge {
	g := Gauge{Name: name, Every: flightEvery.Seconds()}
	now := 0
	for i, change := range f.changes[:len(f.changes)-1] {
		if time.Duration(i)*flightEvery > until {
			break
		}
		now += change
		g.Values = append(g.Values, Number(now))
	}
	return g
}
