package proxy

import (
	"net/http"
	"testing"
	"time"
)

// The deadline is the route's timeout, and a client can only shorten it.
func TestDeadline(t *testing.T) {
	p := shopOf(t, func(http.ResponseWriter, *http.Request) {})
	table := p.table.Load()
	for _, r := range table.routes {
		r.settings.Timeout = 2 * time.Second
	}
	for _, test := range []struct {
		name, value string
		want, again time.Duration // again: when a body that took a minute is whole
	}{
		{"Accept", "*/*", 2 * time.Second, 62 * time.Second},
		{"Grpc-Timeout", "300m", 300 * time.Millisecond, 300 * time.Millisecond},
		{"Grpc-Timeout", "5S", 2 * time.Second, 5 * time.Second},
		{"X-Request-Deadline", "1500ms", 1500 * time.Millisecond, 1500 * time.Millisecond},
		{"X-Request-Deadline", "24h", 2 * time.Second, 62 * time.Second},
		{"X-Request-Deadline", "2001-01-01T00:00:00Z", -24 * time.Hour, -24 * time.Hour},
		{"X-Request-Deadline", "-1s", 2 * time.Second, 62 * time.Second},
		{"X-Request-Deadline", "tomorrow", 2 * time.Second, 62 * time.Second},
		{"X-Envoy-Expected-Rq-Timeout-Ms", "100", 2 * time.Second, 62 * time.Second}, // nobody is trusted here
	} {
		ask, x := asks(t, p, request("/cart", home, test.name, test.value))
		if got := ask.Deadline.Sub(x.Start); got != test.want {
			t.Errorf("%s: %s: %v from the start, want %v", test.name, test.value, got, test.want)
		}
		// A slow body has not used up the timeout, but the client's own time.
		if got := x.askAgain(x.Start.Add(time.Minute)).Deadline.Sub(x.Start); got != test.again {
			t.Errorf("%s: %s, asked again after a minute: %v from the start, want %v", test.name, test.value, got, test.again)
		}
	}
}
