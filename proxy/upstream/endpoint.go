package upstream

import (
	"net/url"
	"sync/atomic"
)

// Endpoint is one place that requests can be sent to.
type Endpoint struct {
	// Index is the endpoint's place in its pool.
	Index    int
	settings EndpointSettings
	name     string
	load     *counter
}

// counter is alone on its cache line: each request of each core writes to it.
type counter struct {
	inFlight atomic.Int64
	_        [56]byte
}

func newEndpoint(index int, es EndpointSettings) *Endpoint {
	u := *es.URL
	es.URL = &u
	return &Endpoint{Index: index, settings: es, name: u.String(), load: &counter{}}
}

// URL is the endpoint's address. It must not be changed.
func (e *Endpoint) URL() *url.URL { return e.settings.URL }

// Name is the address as text.
func (e *Endpoint) Name() string { return e.name }

// Settings are those the endpoint was made from, defaults filled in.
func (e *Endpoint) Settings() EndpointSettings { return e.settings }

// Begin counts a request in. Each Begin needs one End.
func (e *Endpoint) Begin() { e.load.inFlight.Add(1) }

// End counts a request out.
func (e *Endpoint) End() { e.load.inFlight.Add(-1) }

// InFlight is how many requests are between Begin and End, in this pool and in those it was updated from.
func (e *Endpoint) InFlight() int64 { return e.load.inFlight.Load() }
