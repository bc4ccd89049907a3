// Package reason answers one question: why did this request not get a plain answer from the backend?
//
// The set is closed. The word of a reason is the same in code, access log, metric label, Proxy-Status, console and
// operator's manual; status code, Proxy-Status error type (RFC 9209, section 2.3) and gRPC code hang on it in one table.
package reason

import "net/http"

// Reason is one member of the closed set. The zero value None means: nothing to explain.
type Reason uint8

// The reasons. The comments in the table below say what each means.
const (
	None Reason = iota

	// Decided by Triage to protect the backend.
	Quota
	Limit
	Displaced
	QueueTimeout
	Headroom
	Errors
	Infeasible
	Breaker
	ByHand

	// The client's doing.
	NoRoute
	BadRequest
	BodyTooLarge
	ClientTimeout
	UpgradeRefused
	Loop
	ClientGone
	ClientStalled

	// The backend's doing.
	NoEndpoint
	DNS
	ConnectRefused
	ConnectTimeout
	ConnectFailed
	TLS
	UpstreamTimeout
	UpstreamReset
	UpstreamGarbage
	ResponseTooLarge
	UpstreamIncomplete

	// Ours.
	Internal

	count
)

// Fault says whose doing an exchange's failure was. Only what the backend did counts for breakers and shedding.
type Fault uint8

// The faults, FaultNone for a refusal that protects the backend and for a plain answer.
const (
	FaultNone Fault = iota
	FaultClient
	FaultBackend
	FaultProxy
)

var faultWords = [...]string{"none", "client", "backend", "proxy"}

// String gives the fault's word for log and label.
func (f Fault) String() string { return faultWords[f] }

// GRPC status codes (grpc.io, statuscodes) that refusals and failures translate to.
const (
	grpcUnknown           = 2
	grpcInvalidArgument   = 3
	grpcDeadlineExceeded  = 4
	grpcResourceExhausted = 8
	grpcUnimplemented     = 12
	grpcInternal          = 13
	grpcUnavailable       = 14
)

type row struct {
	word   string
	status int
	// proxyError is the error type of RFC 9209, section 2.3.
	proxyError string
	grpc       int
	fault      Fault
	doc        string
}

var table = [count]row{
	None: {word: "none", doc: "a plain answer from the backend"},

	Quota:        {"quota", 429, "http_request_error", grpcResourceExhausted, FaultNone, "the route's or the key's token bucket is empty"},
	Limit:        {"limit", 503, "connection_limit_reached", grpcUnavailable, FaultNone, "no slot under the group's limit, and the waiting room is full of equally or more important requests"},
	Displaced:    {"displaced", 503, "connection_limit_reached", grpcUnavailable, FaultNone, "a more important request took this one's place in the waiting room"},
	QueueTimeout: {"queue_timeout", 503, "connection_limit_reached", grpcUnavailable, FaultNone, "waited for a slot until the queue deadline"},
	Headroom:     {"headroom", 503, "connection_limit_reached", grpcUnavailable, FaultNone, "the route's concurrency grew faster than the backend has shown that it takes"},
	Errors:       {"errors", 503, "http_request_denied", grpcUnavailable, FaultNone, "the class is degraded because a protected route's backend errors climbed"},
	Infeasible:   {"infeasible", 503, "http_request_denied", grpcDeadlineExceeded, FaultNone, "it would have had to wait, and could not have been answered before its deadline"},
	Breaker:      {"breaker", 503, "destination_unavailable", grpcUnavailable, FaultNone, "the route's breaker is open: nearly every recent request failed in the backend"},
	ByHand:       {"by_hand", 503, "http_request_denied", grpcUnavailable, FaultNone, "an operator refuses the route, a part of it, or more at once than a limit set by hand"},

	NoRoute:        {"no_route", 404, "destination_not_found", grpcUnimplemented, FaultClient, "no route of the configuration covers the request"},
	BadRequest:     {"bad_request", 400, "http_request_error", grpcInvalidArgument, FaultClient, "the request, or its body, is not valid HTTP, or can be read in more than one way"},
	BodyTooLarge:   {"body_too_large", 413, "http_request_error", grpcResourceExhausted, FaultClient, "the request body is larger than the route allows"},
	ClientTimeout:  {"client_timeout", 408, "http_request_error", grpcDeadlineExceeded, FaultClient, "the client stood still while it sent the request body, or sent it too slowly"},
	UpgradeRefused: {"upgrade_refused", 400, "http_upgrade_failed", grpcUnimplemented, FaultClient, "the request asks for an upgrade other than websocket, or for a tunnel"},
	Loop:           {"loop", 502, "proxy_loop_detected", grpcInternal, FaultClient, "the request has passed this proxy before"},
	ClientGone:     {"client_gone", 499, "http_request_error", grpcUnknown, FaultClient, "the client hung up before the answer was complete"},
	ClientStalled:  {"client_stalled", 499, "http_request_error", grpcUnknown, FaultClient, "the client did not take the answer; its connection was cut"},

	NoEndpoint:         {"no_endpoint", 503, "destination_unavailable", grpcUnavailable, FaultBackend, "the upstream has no endpoint to send to"},
	DNS:                {"dns", 502, "dns_error", grpcUnavailable, FaultBackend, "the endpoint's name does not resolve"},
	ConnectRefused:     {"connect_refused", 502, "connection_refused", grpcUnavailable, FaultBackend, "the endpoint refuses connections"},
	ConnectTimeout:     {"connect_timeout", 504, "connection_timeout", grpcUnavailable, FaultBackend, "no connection to the endpoint within connect_timeout"},
	ConnectFailed:      {"connect_failed", 502, "destination_unavailable", grpcUnavailable, FaultBackend, "the connection to the endpoint could not be made for another reason"},
	TLS:                {"tls", 502, "tls_protocol_error", grpcUnavailable, FaultBackend, "the TLS handshake with the endpoint failed"},
	UpstreamTimeout:    {"upstream_timeout", 504, "http_response_timeout", grpcDeadlineExceeded, FaultBackend, "no response header within the timeout"},
	UpstreamReset:      {"upstream_reset", 502, "connection_terminated", grpcUnavailable, FaultBackend, "the endpoint closed the connection before its response header was complete"},
	UpstreamGarbage:    {"upstream_garbage", 502, "http_protocol_error", grpcInternal, FaultBackend, "the endpoint's answer is not valid HTTP"},
	ResponseTooLarge:   {"response_too_large", 502, "http_response_body_size", grpcResourceExhausted, FaultBackend, "the response body is larger than the route allows; if part of it had gone out, the client's connection was cut there"},
	UpstreamIncomplete: {"upstream_incomplete", 502, "http_response_incomplete", grpcUnavailable, FaultBackend, "the response body ended early or stood still; the client's connection was cut so that it notices"},

	Internal: {"internal", 500, "proxy_internal_error", grpcInternal, FaultProxy, "a defect of Triage; the log has the details"},
}

// String gives the reason's word: [a-z_]+.
func (r Reason) String() string { return table[r].word }

// Status is the HTTP status code of a response that Triage itself makes for this reason, 0 for None.
// 499 is for logs and metrics only: there is nobody left to read it.
func (r Reason) Status() int { return table[r].status }

// ProxyError is the error type for the Proxy-Status field (RFC 9209, section 2.3).
func (r Reason) ProxyError() string { return table[r].proxyError }

// GRPC is the grpc-status code of a refusal to a gRPC client.
func (r Reason) GRPC() int { return table[r].grpc }

// Fault says whose doing it was.
func (r Reason) Fault() Fault { return table[r].fault }

// Doc is one line for people.
func (r Reason) Doc() string { return table[r].doc }

// Shed reports whether the reason is a decision of Triage to protect the backend, the quota included.
func (r Reason) Shed() bool { return r >= Quota && r <= ByHand }

// Title is the short text of the reason's status, as problem details want it (RFC 9457, section 3.1.3).
func (r Reason) Title() string {
	if r == ClientGone || r == ClientStalled {
		return "Client Closed Request"
	}
	return http.StatusText(table[r].status)
}

// All gives every reason but None, in order.
func All() []Reason {
	all := make([]Reason, 0, count-1)
	for r := None + 1; r < count; r++ {
		all = append(all, r)
	}
	return all
}
