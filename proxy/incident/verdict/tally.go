package verdict

import (
	"math"
	"time"
)

// sums are decaying or plain sums of what a route or an endpoint did.
type sums struct {
	offered, refused, answered, bad, left, wrong float64
	took, squares, waited, seconds               float64
}

func (s *sums) fade(by float64) {
	for _, x := range []*float64{&s.offered, &s.refused, &s.answered, &s.bad, &s.left, &s.wrong, &s.took, &s.squares, &s.waited, &s.seconds} {
		*x *= by
	}
}

func (s *sums) add(o sums) {
	s.offered, s.refused, s.answered, s.bad, s.left, s.wrong = s.offered+o.offered, s.refused+o.refused, s.answered+o.answered, s.bad+o.bad, s.left+o.left, s.wrong+o.wrong
	s.took, s.squares, s.waited, s.seconds = s.took+o.took, s.squares+o.squares, s.waited+o.waited, s.seconds+o.seconds
}

func (s sums) done() float64 { return s.answered + s.bad }

// mean is that of the answers' times, deviation their standard deviation, both in seconds.
func (s sums) mean() float64 { return s.took / math.Max(s.answered, 1) }

func (s sums) deviation() float64 {
	m := s.mean()
	return math.Sqrt(math.Max(s.squares/math.Max(s.answered, 1)-m*m, 0))
}

// rate is offered a second.
func (s sums) rate() float64 { return s.offered / math.Max(s.seconds, 1e-3) }

func (r RouteSeen) sums(lasted time.Duration) sums {
	s := sums{offered: float64(r.Offered), refused: float64(r.Refused), answered: float64(r.Answered), bad: float64(r.Failed + r.TimedOut), left: float64(r.Left),
		wrong: float64(r.Wrong), took: r.Took, squares: r.Squares, waited: r.Waited, seconds: lasted.Seconds()}
	return s
}

func (e EndpointSeen) sums(lasted time.Duration) sums {
	return sums{answered: float64(e.Answered), bad: float64(e.Failed + e.TimedOut), took: e.Took, squares: e.Squares, seconds: lasted.Seconds()}
}

// What a test calls evident: package comment.
const (
	evident    = 4.0  // standard deviations
	slowFrom   = 1.3  // bases
	wellTo     = 1.15 // bases
	leastBad   = 4.0  // requests
	leastShare = 0.02
	baseNeeds  = 20.0 // answers
	wellNeeds  = 10.0 // answers
	// crowdedFrom is the part of a route's requests that has to be refused for it to count.
	crowdedFrom = 0.05
	// grain is what a clock and a scheduler add to any time, in seconds.
	grain = 1e-3
)

// more reports whether k of n is evidently more than a share of p would bring.
func more(k, n, p float64) bool {
	if n <= 0 || k < leastBad || k < leastShare*n {
		return false
	}
	expected := n * p
	return k-expected > evident*math.Sqrt(expected*(1-p)+1)
}

// share is that of k in n with a little doubt: nobody who has done a hundred requests without a failure never fails.
func share(k, n float64) float64 { return (k + 0.5) / (n + 100) }

// crowded reports whether Triage keeps a good part of now out, for want of room.
func crowded(now sums) bool {
	return now.refused >= 2*leastBad && now.refused > crowdedFrom*now.offered
}

// fails reports whether now goes wrong more often than base did. Clients that left after three times the usual time have waited in vain.
func fails(now, base sums) bool {
	return more(now.bad+inVain(now, base), now.done()+inVain(now, base), share(base.bad, base.done()))
}

// inVain is how many clients left because nothing came.
func inVain(now, base sums) float64 {
	if base.answered < baseNeeds || now.left == 0 || now.waited/now.left < 3*base.mean() {
		return 0
	}
	return now.left
}

// slow reports whether now's answers take evidently longer.
func slow(now, base sums) bool {
	if base.answered < baseNeeds || now.answered < wellNeeds/2 {
		return false
	}
	return now.mean() > slowFrom*base.mean()+evident*base.deviation()*math.Sqrt(1/now.answered+1/base.answered)+grain
}

// well reports whether now is evidently as it was.
func well(now, base sums) bool {
	if base.answered < baseNeeds || now.answered < wellNeeds || now.bad+inVain(now, base) > leastShare*now.done()+1 {
		return false
	}
	return now.mean() < wellTo*base.mean()+2*base.deviation()/math.Sqrt(now.answered)+grain
}
