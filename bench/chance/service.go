package chance

import (
	"fmt"
	"math"
	"time"
)

// Service is a distribution of service times.
type Service struct {
	Mean time.Duration
	Law  Law
	// Shape is the lognormal's sigma or the Pareto's alpha (above 1).
	Shape float64
}

// Law is a family of distributions.
type Law uint8

// The families. Each has the mean that was asked for; Pareto is cut off at 100 times the mean.
const (
	Constant Law = iota
	Lognormal
	Pareto
	Exponential
)

const (
	paretoCut   = 100
	longestMean = time.Hour
	widest      = 10 // of a shape: beyond it a sample says nothing about the mean
)

// Check says what is wrong with the distribution.
func (s Service) Check() error {
	switch {
	case s.Mean < 0 || s.Mean > longestMean:
		return fmt.Errorf("mean service time %v; want 0 or more, an hour at most", s.Mean)
	case s.Law > Exponential:
		return fmt.Errorf("distribution %d; want 0 to %d", s.Law, Exponential)
	case !(s.Shape >= 0 && s.Shape <= widest) || s.Law == Pareto && s.Shape <= 1:
		return fmt.Errorf("shape %v; want 0 to %d, of a Pareto distribution more than 1", s.Shape, widest)
	}
	return nil
}

// Service draws a service time in seconds.
func (d *Dice) Service(s Service) float64 {
	mean := s.Mean.Seconds()
	switch s.Law {
	case Lognormal:
		return mean * math.Exp(s.Shape*d.rng.NormFloat64()-s.Shape*s.Shape/2)
	case Pareto:
		least := mean * (s.Shape - 1) / s.Shape
		return math.Min(least*math.Pow(1-d.rng.Float64(), -1/s.Shape), paretoCut*mean)
	case Exponential:
		return mean * d.rng.ExpFloat64()
	}
	return mean
}
