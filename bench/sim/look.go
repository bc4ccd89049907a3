package sim

import (
	"time"

	"triage/breaker"
	"triage/shed"
)

// Look is what somebody sees who looks at the law while it works: its state, and its entries after that number.
func (l *Law) Look(after uint64) (shed.Snapshot, []shed.Entry) {
	epoch := time.Unix(0, 0).UTC()
	return l.controller.Snapshot(epoch), l.controller.Entries(after, epoch)
}

// EndpointShut reports whether the breaker of an endpoint does not let everything pass.
func (l *Law) EndpointShut(now time.Duration, index int) bool {
	return l.breakers.endpoints[index].State(now) != breaker.Closed
}

// RouteShut is the same for a route's.
func (l *Law) RouteShut(now time.Duration, index int) bool {
	return l.breakers.routes[index].State(now) != breaker.Closed
}

// VerdictLabels are what the zoo says about where the failure is: of the episode, and of each phase that says something else.
func (e Episode) VerdictLabels() (episode string, phases []string) {
	for _, p := range e.spec.Phases {
		phases = append(phases, p.Verdict)
	}
	return e.spec.Verdict, phases
}
