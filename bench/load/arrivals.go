package load

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Arrival is one request that will be sent.
type Arrival struct {
	// At is its intended instant, since the run began.
	At time.Duration
	// Tag is the request's own number, for Settings.Sign and Settings.OnEnd; Draw gives none.
	Tag uint64
	// Session is who sends it, from 0 to Sessions−1.
	Session uint32
	// Phase and Request are indices into the settings.
	Phase   uint16
	Request uint16
}

// Draw gives all arrivals of a run in the order of their instants. It is pure: equal settings, equal arrivals; Target,
// Deadline and everything else that does not bear on them makes no difference, if it is valid.
func Draw(s Settings) ([]Arrival, error) {
	s = s.withDefaults()
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("load settings: %w", err)
	}
	if s.Arrivals != nil {
		return s.Arrivals, nil
	}
	return draw(s), nil
}

func draw(s Settings) []Arrival {
	var all []Arrival
	var begins time.Duration
	for phase := range s.Phases {
		first := len(all)
		for request := range s.Requests {
			all = drawOne(all, s, begins, phase, request)
		}
		slices.SortFunc(all[first:], func(a, b Arrival) int {
			return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Request, b.Request))
		})
		begins += s.Phases[phase].For
	}
	return all
}

// drawOne appends the arrivals of one request in one phase, which begins at begins.
func drawOne(all []Arrival, s Settings, begins time.Duration, phase, request int) []Arrival {
	p := s.Phases[phase]
	rate := p.Rates[s.Requests[request].Route]
	if rate == 0 {
		return all
	}
	dice := rand.New(rand.NewChaCha8(streamSeed(s.Seed, phase, request)))
	gap := dice.ExpFloat64
	next := gap() / rate
	if s.Regular {
		gap = func() float64 { return 1 }
		// Routes of equal rates take turns.
		next = (float64(request) + 0.5) / float64(len(s.Requests)) / rate
	}
	for ; next < p.For.Seconds(); next += gap() / rate {
		all = append(all, Arrival{
			At:      begins + time.Duration(next*float64(time.Second)),
			Session: uint32(dice.Int64N(int64(s.Sessions))),
			Phase:   uint16(phase),
			Request: uint16(request),
		})
	}
	return all
}

func streamSeed(seed uint64, phase, request int) (key [32]byte) {
	binary.LittleEndian.PutUint64(key[0:], seed)
	binary.LittleEndian.PutUint64(key[8:], uint64(phase))
	binary.LittleEndian.PutUint64(key[16:], uint64(request))
	return key
}
