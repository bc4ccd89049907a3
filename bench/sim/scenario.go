package sim

import (
	"time"

	"triage/bench/chance"
)

// Scenario is a backend, its clients and what happens to them. The zero value of a field is what its comment says.
type Scenario struct {
	Name string
	// Classes is the number of priority classes; 0 means 4.
	Classes   int
	Resources []Resource
	Routes    []Route
	Journeys  []Journey
	Phases    []Phase
	Clients   Clients
	Sidecars  Sidecars
	// Endpoints is the number of equal instances behind the sidecars; 0 means 1. A resource that is PerEndpoint exists once in each.
	Endpoints int
	// Abandon makes the backend stop working for a client that has left. By default it burns on.
	Abandon bool
	// Users is the number of users behind requests that belong to no journey; 0 means 5000.
	Users int
	// Even makes the gaps between a source's arrivals equal; by default they are a Poisson process.
	Even bool
	// Plain says that nothing is known of the backend: it can be asked, but not simulated.
	Plain bool
	// Innocent names the routes that no trouble of the scenario touches: refusing them is a mistake.
	Innocent []string
}

// Sharing says how a resource serves several requests at once.
type Sharing uint8

// The ways of sharing.
const (
	// Slots serves Size requests at once, each at full speed, and lets the others wait in the order of arrival.
	Slots Sharing = iota
	// Processor serves everybody at once; above Size (cores) each gets its share of them.
	Processor
)

// Resource is what requests share: the connections of a database, threads, the cores of a machine.
type Resource struct {
	Name    string
	Sharing Sharing
	Size    int
	// Contention multiplies a service time by 1 + Contention·min(waiters/Size, 10), as locks do that are spun for.
	Contention float64
	// Bound is the number of waiters above which it answers at once with an error; 0: it never does. Slots only.
	Bound int
	// Patience is how long a request may wait in it before the backend answers with an error; 0: for ever. Slots only.
	Patience time.Duration
	// Pause makes it stand still now and then, as a garbage collector does.
	Pause Pause
	// PerEndpoint gives each endpoint one of its own.
	PerEndpoint bool
}

// Pause is a stall that comes back: after a gap of 0.5 to 1.5 times Every for the time For. The zero value is none.
type Pause struct{ Every, For time.Duration }

// Route is a kind of request: a class and the steps that the backend takes for it, one after the other.
type Route struct {
	Name  string
	Class int
	Steps []Step
	// Unsafe requests must not be sent twice.
	Unsafe bool
	// Ask is what is sent over a socket; the simulator does not look at it.
	Ask Ask
}

// Ask is a request as it is sent. The zero value of a field is what its comment says.
type Ask struct {
	Method string            `json:",omitempty"` // "": POST if it is unsafe, else GET
	Path   string            `json:",omitempty"` // "": the route's name
	Header map[string]string `json:",omitempty"`
	Body   string            `json:",omitempty"`
}

// Step is work on one resource.
type Step struct {
	Resource string // "": none, the time alone counts
	Service  Service
	Cache    Cache
	// Held keeps the slot until the backend has done with the request, as a worker does that waits for a database. Slots only.
	Held bool
	// After is done when the header has gone out: the body of a download, a stream, a websocket. The sidecar counts it no more.
	After bool
}

// Cache stands in front of a step: a hit takes no time. It fills with what misses bring: the share of hits is Hit·filled/Entries, and
// a miss adds 1 − filled/Entries. It begins warm. The zero value is none.
type Cache struct {
	Hit     float64 // share of hits when warm, below 1
	Entries float64
}

// Service is a distribution of service times.
type Service = chance.Service

// ServiceLaw is a family of distributions.
type ServiceLaw = chance.Law

// The families of distributions.
const (
	Constant    = chance.Constant
	Lognormal   = chance.Lognormal
	Pareto      = chance.Pareto
	Exponential = chance.Exponential
)

// Journey is what a user does, one stage after the other. A stage that is refused or fails after the client's retries ends it.
type Journey struct {
	Name   string
	Stages []Stage
}

// Stage is one request of a journey.
type Stage struct {
	Route string
	// Think is the mean time before it, exponential.
	Think time.Duration
	// Leave is the share of users who want no more after it. They are served users, not lost ones.
	Leave float64
}

// Clients says how clients behave.
type Clients struct {
	// Deadline is when a client leaves; 0 means a second.
	Deadline time.Duration
	Retry    Retry
	// TellsDeadline makes requests say when their client leaves, MarksRetries makes them say that they are not the first try.
	TellsDeadline, MarksRetries bool
	// HTTP2 and CloseEach say how they come over a socket: by default with HTTP/1.1, on connections that are kept.
	HTTP2, CloseEach bool
}

// Retry says when a client tries again. The zero value never does.
type Retry struct {
	Times                       int
	Refusals, Failures, Leaving bool
	// Backoff is the mean pause before the first retry, exponentially distributed, doubled each time; 0: at once.
	Backoff time.Duration
	// Honour waits for as long as a refusal's Retry-After says, if that is longer.
	Honour bool
}

// Sidecars says what stands before the backend.
type Sidecars struct {
	// Count is how many there are; users are spread over them. 0 means 1.
	Count int
	// StallEvery and StallFor make each sidecar's process stand still now and then: mean gap and mean length, exponential. What
	// comes meanwhile is seen when the stall ends.
	StallEvery, StallFor time.Duration
	// Timeout is how long a sidecar waits for the backend; 0: as long as the client does.
	Timeout time.Duration
}

// Label says what is true of a phase, and with it what is asked of a policy.
type Label string

// The labels.
const (
	Calm     Label = "calm"     // nothing is wrong
	Slow     Label = "slow"     // slower than usual, but all can be served
	Overload Label = "overload" // more is wanted than can be served
	Errors   Label = "errors"   // something fails that shedding does not help
)

// Phase is a stretch of time with its arrivals and faults; a fault that it does not name is over.
type Phase struct {
	Name  string
	For   time.Duration
	Label Label // "" means Calm
	// Rates are arrivals a second, by route or journey.
	Rates map[string]float64
	Burst Burst
	// Shape multiplies all rates, piece by piece; nil leaves them as they are.
	Shape []Piece `json:",omitempty"`
	// Slow multiplies service times on a resource that begin in the phase; of a processor, those under way as well.
	Slow map[string]float64
	// SlowRoutes multiplies all service times of a route that begin in the phase.
	SlowRoutes map[string]float64
	// Size multiplies a resource's size.
	Size map[string]float64
	// Bound replaces a resource's bound.
	Bound map[string]int
	// Fail is the share of a route's requests that end at once with an error.
	Fail map[string]float64
	// Hang is the share of a route's requests whose first step takes HangFor (0 means 10 s) and ends in an error.
	Hang    map[string]float64
	HangFor time.Duration
	// Reset is the share of a route's requests whose connection is reset at once, Half that of those that are worked on and have half of their answer.
	Reset, Half map[string]float64 `json:",omitempty"`
	// Refuse refuses all connections to the backend.
	Refuse bool `json:",omitempty"`
	// BadEndpoint has faults of its own.
	BadEndpoint BadEndpoint
	// Cold empties the caches of these routes when the phase begins.
	Cold []string
	// Restart replaces every sidecar by a fresh one when the phase begins; the old ones finish what they have.
	Restart bool
	// Jump moves the sidecars' clocks when the phase begins. A clock that is set back stands still until it is caught up with.
	Jump time.Duration
}

// Burst multiplies the arrivals of some routes and journeys by Times, for the time For, once Every. The zero value is none.
type Burst struct {
	Every, For time.Duration
	Times      float64
	Of         []string // nil means all
}

// Piece is a stretch of a phase in which all rates are multiplied by the same.
type Piece struct {
	For   time.Duration
	Times float64
}

// BadEndpoint is one endpoint of several that fails, hangs or is slow. The zero value is none.
type BadEndpoint struct {
	Fail float64 // share of fast errors
	Hang float64 // share of requests that it takes and leaves lying for the phase's HangFor, without work; then it fails them
	Slow float64 // 0 means 1
}

const (
	usualClasses  = 4
	usualUsers    = 5000
	usualDeadline = time.Second
	usualHang     = 10 * time.Second
)

// WithDefaults fills in what the zero values mean.
func (s Scenario) WithDefaults() Scenario { return s.defaults() }

func (s Scenario) defaults() Scenario {
	s.Classes = or(s.Classes, usualClasses)
	s.Endpoints = or(s.Endpoints, 1)
	s.Users = or(s.Users, usualUsers)
	s.Sidecars.Count = or(s.Sidecars.Count, 1)
	s.Clients.Deadline = or(s.Clients.Deadline, usualDeadline)
	return s
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// lasts is how long the phases take together.
func (s Scenario) lasts() (d time.Duration) {
	for _, p := range s.Phases {
		d += p.For
	}
	return d
}
