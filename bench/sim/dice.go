package sim

import (
	"math"
	"math/rand/v2"
	"time"
)

// dice is one stream of random numbers (SplitMix64, Steele et al. 2014). What is drawn for a request is drawn from a stream of its
// own, found by its number: so two policies meet the same arrivals and the same service times, and what differs is the policy.
type dice struct {
	state uint64
	rng   *rand.Rand
}

func newDice(seed uint64) *dice {
	d := &dice{state: seed}
	d.rng = rand.New(d)
	return d
}

// Uint64 is rand.Source.
func (d *dice) Uint64() uint64 {
	d.state += 0x9e3779b97f4a7c15
	return scramble(d.state)
}

func scramble(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// mix gives a seed that depends on both numbers.
func mix(a, b uint64) uint64 { return scramble(scramble(a+0x9e3779b97f4a7c15) + b*0x9e3779b97f4a7c15) }

// pause draws an exponential time.
func (d *dice) pause(mean time.Duration) time.Duration {
	return time.Duration(d.rng.ExpFloat64() * float64(mean))
}

// jitter draws a time of 0.5 to 1.5 times the mean.
func (d *dice) jitter(mean time.Duration) time.Duration {
	return time.Duration((0.5 + d.rng.Float64()) * float64(mean))
}

const paretoCut = 100

// service draws a service time in seconds.
func (d *dice) service(s Service) float64 {
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

// longest is above what anything in a run can take; a Duration holds it with room to spare.
const longest = 1e9 // seconds

func seconds(s float64) time.Duration {
	return time.Duration(math.Min(s, longest) * float64(time.Second))
}
