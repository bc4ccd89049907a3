package proxy

import (
	"log/slog"
	"net/netip"
	"time"

	"triage/breaker"
	"triage/proxy/forward"
	"triage/proxy/route"
	"triage/proxy/upstream"
	"triage/shed"
)

// Settings is a whole configuration of the way of a request.
type Settings struct {
	// Name is this proxy's pseudonym in Via and Proxy-Status.
	Name string
	// Priorities are the names of the classes, most important first.
	Priorities []string
	Routes     []RouteSettings
	Upstreams  []UpstreamSettings
	// Timing are the networks whose clients are told the time in each stage when they ask.
	Timing []netip.Prefix
	// HealthChecks are exact paths whose GET and HEAD requests pass every gate, up to healthRate a second of each client.
	HealthChecks []string
	// PlainPaths refuses paths with dot segments, doubled slashes or needless escapes, which otherwise are brought to one spelling.
	PlainPaths bool
	// SessionKey is the secret under which sessions are put into cohorts.
	SessionKey shed.CohortKey
	// Recorder gives the recorder of a route; route "" stands for requests that no route covers. nil records nothing.
	Recorder func(route, priority, upstream string) Recorder
	// Traces says of which requests traces are made; nil makes none, and leaves alone what clients say of theirs.
	Traces *TraceSettings
	// Logger gets what people should read; nil discards it.
	Logger *slog.Logger
}

// RouteSettings is one route.
type RouteSettings struct {
	Rule     route.Rule
	Upstream string
	// Class is the index of the route's priority.
	Class int
	// Hand is what is set by hand; see Proxy.ByHand.
	Hand HandSettings
	// Shares names bottlenecks that the route has in common with others of its upstream; Alone: it shares nothing.
	Shares []string
	Alone  bool
	// SessionCookie or SessionHeader names what keeps one user's requests together; with neither it is the client's address.
	SessionCookie, SessionHeader string
	// SessionStage is how far a session has come that was served by the route.
	SessionStage uint8
	Limits       []LimitSettings
	// Hint asks the backend to skip optional work while its group is in trouble (X-Triage-Degrade).
	Hint bool
	// Fallback is served instead of a refusal; nil: there is none.
	Fallback *Fallback
	Breaker  breaker.Settings
	// Timeout until the response header; 0 is the upstream's.
	Timeout        time.Duration
	ErrorObjective float64
	// BodyLimit is the largest request body in bytes; 0: no limit.
	BodyLimit int64
	// ResponseLimit is the largest body of a response in bytes; 0: no limit.
	ResponseLimit int64
}

// LimitSettings is one rate limit of a route.
type LimitSettings struct {
	// Rate is in requests a second.
	Rate  float64
	Burst int
	// Per is route, client_ip, client_cert, header:NAME or cookie:NAME.
	Per string
}

// Fallback is a canned answer.
type Fallback struct {
	Status      int
	ContentType string
	Headers     map[string]string
	Body        []byte
}

// UpstreamTLS says how https endpoints are spoken to.
type UpstreamTLS = forward.TLSFiles

// UpstreamSettings is one upstream.
type UpstreamSettings struct {
	Name           string
	Endpoints      []upstream.EndpointSettings
	Timeout        time.Duration
	ConnectTimeout time.Duration
	IdleTimeout    time.Duration
	// IdleConnections are kept for each endpoint.
	IdleConnections int
	// QueueBytes is how much memory the requests that wait for a slot may hold; 0 is any amount.
	QueueBytes int64
	// TLS is for https endpoints; the zero value verifies against the system's roots.
	TLS UpstreamTLS
	// Observe decides and reports, and refuses nothing.
	Observe bool
}
