package diff

import (
	"math"
	"math/rand/v2"
)

// alpha is the p up to which a difference is more than noise.
const alpha = 0.05

// mostDeals is how many ways of dealing are looked at.
const mostDeals = 20_000

// stratum is the values of one drawn scenario in both records.
type stratum struct{ a, b []float64 }

// deals is in how many ways the values can be dealt, at most mostDeals+1.
func deals(strata []stratum) int {
	total := 1.0
	for _, s := range strata {
		total *= binomial(len(s.a)+len(s.b), len(s.a))
	}
	return int(min(total, mostDeals+1))
}

func binomial(n, k int) float64 {
	way := 1.0
	for i := range k {
		way = way * float64(n-i) / float64(i+1)
	}
	return math.Round(way)
}

// enough reports whether p could be small at all: the way that was seen and, if both sides are equally long, its mirror image are always as extreme.
func enough(strata []stratum) bool {
	extreme := 2.0
	for _, s := range strata {
		if len(s.a) != len(s.b) {
			extreme = 1
		}
	}
	return extreme/float64(deals(strata)) <= alpha
}

// permutation is the p of a stratified permutation test of the mean difference, both ways.
func permutation(strata []stratum) float64 {
	seen := math.Abs(meanDifference(strata))
	extreme := func(sums float64) bool { return math.Abs(sums) >= seen-1e-12*max(1, seen) }
	if deals(strata) <= mostDeals {
		hits, all := 0, 0
		everyDeal(strata, 0, func(sum float64) {
			all++
			if extreme(sum / float64(len(strata))) {
				hits++
			}
		})
		return float64(hits) / float64(all)
	}
	dice := rand.New(rand.NewPCG(1, 2)) // the same records give the same p
	hits := 1
	for range mostDeals {
		sum := 0.0
		for _, s := range strata {
			pool := append(append([]float64{}, s.a...), s.b...)
			dice.Shuffle(len(pool), func(i, k int) { pool[i], pool[k] = pool[k], pool[i] })
			sum += mean(pool[len(s.a):]) - mean(pool[:len(s.a)])
		}
		if extreme(sum / float64(len(strata))) {
			hits++
		}
	}
	return float64(hits) / float64(mostDeals+1)
}

// everyDeal calls f with the sum of the strata's mean differences for every way of dealing.
func everyDeal(strata []stratum, sum float64, f func(float64)) {
	if len(strata) == 0 {
		f(sum)
		return
	}
	s := strata[0]
	pool := append(append([]float64{}, s.a...), s.b...)
	total := mean(pool) * float64(len(pool))
	n, m := float64(len(s.a)), float64(len(s.b))
	choose(pool, len(s.a), 0, func(a float64) { everyDeal(strata[1:], sum+(total-a)/m-a/n, f) })
}

// choose calls f with the sum of every choice of k values.
func choose(values []float64, k int, sum float64, f func(float64)) {
	if k == 0 {
		f(sum)
		return
	}
	for i := 0; i+k <= len(values); i++ {
		choose(values[i+1:], k-1, sum+values[i], f)
	}
}

func meanDifference(strata []stratum) (d float64) {
	for _, s := range strata {
		d += (mean(s.b) - mean(s.a)) / float64(len(strata))
	}
	return d
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}
