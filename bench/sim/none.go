package sim

import "time"

// None is no protection: every request runs.
type None struct{}

// NewNone makes no protection.
func NewNone(Facts) (Policy, error) { return None{}, nil }

// Arrive lets it run.
func (None) Arrive(time.Duration, *Request) Verdict { return Start }

// Done learns nothing.
func (None) Done(time.Duration, *Request, Outcome) {}

// Leave has nobody waiting.
func (None) Leave(time.Duration, *Request) bool { return false }

// Tick does nothing.
func (None) Tick(time.Duration) {}

// TickEvery is 0: it needs no ticks.
func (None) TickEvery() time.Duration { return 0 }

// Woken is nobody.
func (None) Woken(time.Duration) []Woken { return nil }

// NextWake is never.
func (None) NextWake() time.Duration { return 0 }
