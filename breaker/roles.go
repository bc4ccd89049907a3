package breaker

import "time"

// What a breaker is for decides how it is set. The numbers of this file are ours, measured in bench/sim (DECISIONS 20).
const (
	// leaseMargin is what a probe may take beyond the timeout before it counts as lost.
	leaseMargin = 5 * time.Second
	// A route has nowhere else to go, so opening loses what still succeeds: unless told otherwise it opens where next to nothing does. A
	// route of the most important class opens later still.
	routeSpared, routeOpened       = 0.75, 0.98
	criticalSpared, criticalOpened = 0.9, 0.99
	// soonest is the longest open period: two requests every so often, and cheap ones, are no burden, and whoever waits for the end of
	// an open period waits after the trouble is over.
	soonest = 2 * time.Second
	// routeRamp and endpointRamp are the ramps. A route that comes back meets the law of package shed, which bounds by how much its
	// concurrency may grow; an endpoint that comes back may be cold, and the others carry its share for as long as it likes.
	routeRamp    = 1 * time.Second
	endpointRamp = 5 * time.Second
	// brownOut is the share of a route of the most important class that passes at the worst.
	brownOut = 0.1
)

// ForRoute fills in what a route's breaker needs. timeout is the route's; a route of the most important class never stops.
func (s Settings) ForRoute(critical bool, timeout time.Duration) Settings {
	if s.FailureShare == 0 || s.FailureShare == 1 {
		s.SparedAt, s.OpenedAt = routeSpared, routeOpened
		if critical {
			s.SparedAt, s.OpenedAt = criticalSpared, criticalOpened
		}
	}
	s.LeaseFor = timeout + leaseMargin
	s.MaxOpen = max(soonest, s.OpenFor)
	s.RampFor = routeRamp
	if critical {
		s.Trickle = brownOut
	}
	return s
}

// ForEndpoint fills in what an endpoint's breaker needs; others take over meanwhile, so one probe at a time will do.
func (s Settings) ForEndpoint(timeout time.Duration) Settings {
	s.LeaseFor = timeout + leaseMargin
	s.MaxOpen = max(soonest, s.OpenFor)
	s.RampFor = endpointRamp
	s.Probes = 1
	return s
}
