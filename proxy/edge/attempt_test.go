package edge_test

import (
	"net/http"
	"testing"

	"triage/proxy/edge"
)

func TestRetry(t *testing.T) {
	for _, test := range []struct {
		name, value string
		want        bool
	}{
		{"Accept", "2", false},
		{"X-Retry-Attempt", "0", false},
		{"X-Retry-Attempt", "1", true},
		{"X-Retry-Attempt", "17", true},
		{"X-Retry-Attempt", "", false},
		{"X-Retry-Attempt", "-1", false},
		{"X-Retry-Attempt", "+1", false},
		{"X-Retry-Attempt", "true", false},
		{"X-Retry-Attempt", "1.5", false},
		{"X-Retry-Attempt", "1 ", false},
		{"X-Retry-Attempt", "0x10", false},
		{"X-Retry-Attempt", "9223372036854775807", true},
		{"X-Retry-Attempt", "99999999999999999999999", false},
		{"Grpc-Previous-Rpc-Attempts", "0", false},
		{"Grpc-Previous-Rpc-Attempts", "1", true},
		{"X-Envoy-Attempt-Count", "1", false},
		{"X-Envoy-Attempt-Count", "2", true},
		{"X-Envoy-Attempt-Count", "many", false},
	} {
		h := http.Header{}
		h.Set(test.name, test.value)
		if got := edge.Retry(h); got != test.want {
			t.Errorf("%s: %q is a retry: %v, want %v", test.name, test.value, got, test.want)
		}
	}
	if !edge.Retry(http.Header{"X-Envoy-Attempt-Count": {"nonsense"}, "Grpc-Previous-Rpc-Attempts": {"3"}}) {
		t.Error("one field that says it is enough, whatever the others say")
	}
}
