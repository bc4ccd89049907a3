package chance

import (
	"math/rand/v2"
	"time"
)

// Dice is one stream of random numbers (SplitMix64, Steele et al. 2014). It may be set to another stream at no cost; it is not safe
// for concurrent use.
type Dice struct {
	state uint64
	rng   *rand.Rand
}

// New gives the stream of a seed.
func New(seed uint64) *Dice {
	d := &Dice{state: seed}
	d.rng = rand.New(d)
	return d
}

// Reset goes to the beginning of the stream of a seed.
func (d *Dice) Reset(seed uint64) { d.state = seed }

// Uint64 is rand.Source.
func (d *Dice) Uint64() uint64 {
	d.state += 0x9e3779b97f4a7c15
	return Scramble(d.state)
}

// Scramble is a bijection that leaves no trace of order in its results.
func Scramble(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Mix gives a seed that depends on both numbers.
func Mix(a, b uint64) uint64 { return Scramble(Scramble(a+0x9e3779b97f4a7c15) + b*0x9e3779b97f4a7c15) }

// Float64 draws from 0 to 1, without 1.
func (d *Dice) Float64() float64 { return d.rng.Float64() }

// ExpFloat64 draws an exponential number with mean 1.
func (d *Dice) ExpFloat64() float64 { return d.rng.ExpFloat64() }

// Pause draws an exponential time.
func (d *Dice) Pause(mean time.Duration) time.Duration {
	return time.Duration(d.rng.ExpFloat64() * float64(mean))
}

// Jitter draws a time of 0.5 to 1.5 times the mean.
func (d *Dice) Jitter(mean time.Duration) time.Duration {
	return time.Duration((0.5 + d.rng.Float64()) * float64(mean))
}
