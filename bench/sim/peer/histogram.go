package peer

import (
	"math"
	"time"
)

// Buckets grow by 2 % from a microsecond to a thousand seconds, so a quantile is off by at most 1 %: tighter than the two digits
// of circllhist, which Envoy uses.
const (
	bucketGrowth = 1.02
	buckets      = 1048
	bucketFloor  = time.Microsecond
)

var logGrowth = math.Log(bucketGrowth)

// histogram counts latencies in bounded memory.
type histogram struct {
	counts [buckets]uint32
	n      int
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucketOf(d)]++
	h.n++
}

func bucketOf(d time.Duration) int {
	if d <= bucketFloor {
		return 0
	}
	return min(buckets-1, int(math.Log(float64(d)/float64(bucketFloor))/logGrowth)+1)
}

// quantile gives the middle of the bucket that holds the q-quantile, 0 if nothing was counted.
func (h *histogram) quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	want := max(1, int(math.Ceil(q*float64(h.n))))
	seen := 0
	for i := range h.counts {
		seen += int(h.counts[i])
		if seen >= want {
			return time.Duration(float64(bucketFloor) * math.Exp((float64(i)-0.5)*logGrowth))
		}
	}
	return 0
}

func (h *histogram) clear() { *h = histogram{} }
