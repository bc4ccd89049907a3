package library

import "time"

// Shedder is go-zero's, for tests.
type Shedder struct{ s *shedder }

// NewShedder makes one that always thinks the processor busy.
func NewShedder(busy float64) Shedder {
	return Shedder{&shedder{busy: busy, cpu: func() float64 { return 0 }}}
}

// Allow says whether a request may go on.
func (s Shedder) Allow(now time.Time) bool { return s.s.allow(now) }

// Done files one.
func (s Shedder) Done(now time.Time, took time.Duration, passed bool) { s.s.done(now, took, passed) }
