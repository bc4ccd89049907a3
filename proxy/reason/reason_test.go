package reason_test

import (
	"regexp"
	"testing"

	"triage/proxy/reason"
)

// Every reason has a word of its own, a status, an error type of RFC 9209 section 2.3, a gRPC code and a line for people.
func TestTableIsComplete(t *testing.T) {
	registered := map[string]bool{
		"destination_not_found": true, "destination_unavailable": true, "dns_error": true, "connection_refused": true, "connection_terminated": true,
		"connection_timeout": true, "connection_limit_reached": true, "tls_protocol_error": true, "http_request_error": true, "http_request_denied": true,
		"http_response_incomplete": true, "http_response_body_size": true, "http_response_timeout": true, "http_upgrade_failed": true, "http_protocol_error": true,
		"proxy_internal_error": true, "proxy_loop_detected": true,
	}
	word := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	seen := map[string]bool{}
	for _, r := range reason.All() {
		if !word.MatchString(r.String()) || seen[r.String()] {
			t.Errorf("reason %d: the word %q is not of letters and underscores, or not its own", r, r)
		}
		seen[r.String()] = true
		if r.Status() < 400 || r.Status() > 599 {
			t.Errorf("%s: status %d; want a client or server error", r, r.Status())
		}
		if !registered[r.ProxyError()] {
			t.Errorf("%s: %q is no registered error type", r, r.ProxyError())
		}
		if r.GRPC() < 1 || r.GRPC() > 16 {
			t.Errorf("%s: grpc-status %d; want 1 to 16", r, r.GRPC())
		}
		if r.Doc() == "" || r.Title() == "" {
			t.Errorf("%s: no line for people", r)
		}
	}
}

// Only what the backend did counts against it, and what Triage decided counts against nobody.
func TestFaults(t *testing.T) {
	for _, r := range reason.All() {
		want := reason.FaultNone
		switch {
		case r.Shed():
		case r >= reason.NoRoute && r <= reason.ClientStalled:
			want = reason.FaultClient
		case r >= reason.NoEndpoint && r <= reason.UpstreamIncomplete:
			want = reason.FaultBackend
		default:
			want = reason.FaultProxy
		}
		if r.Fault() != want {
			t.Errorf("%s: fault %s; want %s", r, r.Fault(), want)
		}
		if r.Shed() && r.Status() != 503 && r != reason.Quota || r == reason.Quota && r.Status() != 429 {
			t.Errorf("%s: status %d; shedding is 503, a quota 429", r, r.Status())
		}
	}
}
