package peer

import (
	"math"
	"slices"
)

// warmAverage is an exponential average with factor 2 ÷ (window + 1) that begins as the plain average of its first samples:
// Netflix's ExpAvgMeasurement and failsafe-go's Ewma.
type warmAverage struct {
	window, warmup int
	count          int
	sum, value     float64
}

func (a *warmAverage) add(v float64) float64 {
	if a.count < a.warmup {
		a.count++
		a.sum += v
		a.value = a.sum / float64(a.count)
		return a.value
	}
	factor := 2 / float64(a.window+1)
	a.value = a.value*(1-factor) + v*factor
	return a.value
}

// series keeps the newest values, at most size of them.
type series struct {
	size   int
	values []float64
}

func (s *series) add(v float64) {
	if len(s.values) == s.size {
		s.values = s.values[:copy(s.values, s.values[1:])]
	}
	s.values = append(s.values, v)
}

// median gives the newest value until the series is full, as failsafe-go's MovingMedian does.
func (s *series) median() float64 {
	if len(s.values) < s.size {
		return s.values[len(s.values)-1]
	}
	sorted := slices.Sorted(slices.Values(s.values))
	return sorted[len(sorted)/2]
}

// spread gives mean and standard deviation of the population.
func spread(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(deviation)
}

// covariance of two equally long series.
func covariance(x, y []float64) float64 {
	meanX, _ := spread(x)
	meanY, _ := spread(y)
	sum := 0.0
	for i := range x {
		sum += (x[i] - meanX) * (y[i] - meanY)
	}
	return sum / float64(max(1, len(x)))
}
