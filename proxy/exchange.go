package proxy

import (
	"net/netip"
	"time"

	"triage/proxy/reason"
)

// Exchange is the record of one request on its way. It is filled by the gates as the request passes them and handed to
// the route's Recorder once, when the exchange has ended; nobody may keep it after that.
type Exchange struct {
	// ID is the request's id: X-Request-Id of a trusted peer, or a fresh one.
	ID    string
	Start time.Time
	// Client is the address of the client, taken from the right of X-Forwarded-For past trusted proxies.
	Client netip.Addr

	Method string
	Host   string
	// Session stands for the session of a request that was not served, or for its client if it has none; 0 for others.
	Session uint64
	// Path is the escaped path without the query.
	Path  string
	Proto string

	// Route is the name of the route that covers the request, "" if none does.
	Route string
	// Priority is the name of the route's class.
	Priority string
	Upstream string
	// Endpoint is the URL of the endpoint the request was sent to, "" if it was sent nowhere.
	Endpoint string
	// HealthCheck is set on requests that pass every gate because their path is a health check.
	HealthCheck bool

	// Status is what the client was told; 499 if it left before it was told anything.
	Status int
	// UpstreamStatus is what the endpoint said, 0 if it said nothing.
	UpstreamStatus int
	// Reason is why the client did not get a plain answer.
	Reason reason.Reason
	Result Result
	// Would is why the request would have been refused, if its upstream were not only observed.
	Would reason.Reason

	// The stages of its way, one after the other; of one that came no further than a stage the later ones are 0. Connect is part of FirstByte.

	// Edge is the time in this proxy before the request was sent, without waiting.
	Edge time.Duration
	// Queued is the time in the waiting room.
	Queued time.Duration
	// Connect is the time to make a connection to the endpoint, 0 if there was one.
	Connect time.Duration
	// FirstByte is the time from sending to the endpoint to its response header, 0 if there was none.
	FirstByte time.Duration
	// Body is the time from the response header to the end of the response.
	Body time.Duration
	// Total is the time from the request's header to the end of the response.
	Total time.Duration

	// BytesIn and BytesOut count body bytes read from and written to the client.
	BytesIn  int64
	BytesOut int64
	// Upgraded is set when the connection was handed over to another protocol.
	Upgraded bool

	// Trace is nil unless a trace is made of the exchange.
	Trace *Trace
}

// Result is what became of an exchange, seen from the client: exactly one of five.
type Result uint8

// The results. Every exchange that ended has exactly one.
const (
	// Served: the backend's own answer, whatever its status below 500.
	Served Result = iota
	// Degraded: an answer from the degrade ladder instead of the backend's full one.
	Degraded
	// Refused: Triage said no to protect the backend (quota, limit, breaker, …).
	Refused
	// Failed: the backend answered with a server error, or did not answer.
	Failed
	// Void: the client's own fault, or the client left; counts for nobody.
	Void
)

var resultWords = [...]string{"served", "degraded", "refused", "failed", "void"}

// String gives the result's word for log and label.
func (r Result) String() string { return resultWords[r] }

// Results gives every result in order.
func Results() []Result { return []Result{Served, Degraded, Refused, Failed, Void} }

// Recorder is told of each exchange of one route when it has ended. It must not block and must not keep the exchange.
type Recorder interface {
	Record(*Exchange)
}
