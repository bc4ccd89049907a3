package level

// Signs are what else is to be seen while a protected route fails. They cost nobody anything, so they are asked before the experiment
// is: load that makes one route fail leaves traces. What a full resource turns away it turns away from all who need it; what has a
// queue makes its answers slow before it fails them; and somebody has to have brought the load.
type Signs struct {
	// Slow: the route's own answers, where there are some, take longer than they should.
	Slow bool
	// OthersFail: another route that reaches the same backend fails as well.
	OthersFail bool
	// OthersGrow: another route is called clearly more often than when all was well, or has clearly more in flight.
	OthersGrow bool
	// OneEndpoint: nearly all errors come from one endpoint of several, and the others are well. Its breaker is the remedy.
	OneEndpoint bool
	// Refused: most of the route's own requests do not reach the backend, as in a brown-out by its breaker. What becomes of the rest is too
	// little to judge an experiment by, so none is begun.
	Refused bool
}

// Load reports whether load may be the cause.
func (s Signs) Load() bool {
	return !s.OneEndpoint && (s.Slow || s.OthersFail || s.OthersGrow)
}
