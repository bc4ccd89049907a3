package peer

import (
	"math"
	"strconv"
	"time"

	"triage/bench/sim"
)

// Netflix concurrency-limits, its defaults: Gradient2Limit.java, WindowedLimit.java, AbstractPartitionedLimiter.java.
const (
	g2Initial    = 20
	g2Min        = 20
	g2Max        = 200
	g2Smoothing  = 0.2
	g2Queue      = 4.0
	g2Tolerance  = 1.5
	g2LongWindow = 600 // samples of the exponential average
	g2Warmup     = 10  // samples of plain average before it
	g2Drift      = 2.0 // long ÷ short above which the long average is cut,
	g2DriftCut   = 0.95
	g2Window     = time.Second            // min and max window time are both a second
	g2WindowSize = 10                     // samples below which a window does not count
	g2MinRTT     = 100 * time.Microsecond // faster samples are ignored
)

// Gradient2 is Netflix's Gradient2 limit with a partition per class. A partition's share is enforced only while the whole limit is
// in use, so in-flight can pass the limit by the sum of the shares. Default shares: everything for class 0 and nothing for the
// others (they keep one slot), as Netflix's PlayAPI gives user-initiated requests 100 % and prefetches 0 % ("Enhancing Netflix
// Reliability with Service-Level Prioritized Load Shedding", 2024). A fast error is a sample, as in its servlet filter; a client
// that left is not (onIgnore). Left out: reject delay, the blocking LIFO limiter, the CPU-based shedder.
type Gradient2 struct {
	immediate
	classes int
	share   []float64
	busy    []int

	limit      float64
	long       warmAverage
	nextUpdate time.Duration
	sum        time.Duration
	fastest    time.Duration
	count      int
	maxFlight  int
}

// NewGradient2 makes the limiter. Hand "share:CLASS" sets a class's guaranteed share of the limit, 0 to 1.
func NewGradient2(s Settings) sim.Policy {
	n := s.classes()
	p := &Gradient2{classes: n, share: make([]float64, n), busy: make([]int, n), limit: g2Initial, long: warmAverage{window: g2LongWindow, warmup: g2Warmup}}
	for c := range p.share {
		otherwise := 0.0
		if c == 0 {
			otherwise = 1
		}
		p.share[c] = s.hand("share:"+strconv.Itoa(c), otherwise)
	}
	return p
}

// Arrive runs the request if there is room in the whole limit, or else in its partition.
func (p *Gradient2) Arrive(now time.Duration, r *sim.Request) sim.Verdict {
	class := clampClass(r.Class, p.classes)
	if p.inFlight >= int(p.limit) && p.busy[class] >= p.partition(class) {
		return refuse(r, "limit")
	}
	p.busy[class]++
	return p.run(now, r)
}

// partition is the guaranteed number of slots of a class: rounded up, at least one.
func (p *Gradient2) partition(class int) int {
	return max(1, int(math.Ceil(float64(int(p.limit))*p.share[class])))
}

// Done takes the sample and ends the window when its second is over.
func (p *Gradient2) Done(now time.Duration, r *sim.Request, o sim.Outcome) {
	f, latency, ok := p.end(now, r)
	if !ok {
		return
	}
	p.busy[clampClass(r.Class, p.classes)]--
	if o == sim.Abandoned || latency < g2MinRTT {
		return
	}
	if p.count == 0 || latency < p.fastest {
		p.fastest = latency
	}
	p.sum += latency
	p.count++
	p.maxFlight = max(p.maxFlight, f.inFlight)
	if now > p.nextUpdate {
		p.closeWindow(now)
	}
}

// Limit is the limit in force, without what partitions may take beyond it.
func (p *Gradient2) Limit() float64 { return p.limit }

func (p *Gradient2) closeWindow(now time.Duration) {
	if p.count >= g2WindowSize {
		p.update(p.sum/time.Duration(p.count), p.maxFlight)
	}
	// WindowedLimit: min(max(2·fastest, minimum), maximum), where both bounds are one second.
	p.nextUpdate = now + g2Window
	p.sum, p.count, p.maxFlight = 0, 0, 0
}

// update is Gradient2Limit._update: gradient = clamp(tolerance · long ÷ short, 0.5, 1); limit' = limit · gradient + queue, smoothed.
func (p *Gradient2) update(rtt time.Duration, inFlight int) {
	short := float64(rtt)
	long := p.long.add(short)
	if long/short > g2Drift {
		p.long.value *= g2DriftCut
	}
	if float64(inFlight) < p.limit/2 {
		return
	}
	gradient := max(0.5, min(1, g2Tolerance*long/short))
	next := p.limit*(1-g2Smoothing) + g2Smoothing*(p.limit*gradient+g2Queue)
	p.limit = max(g2Min, min(g2Max, next))
}
