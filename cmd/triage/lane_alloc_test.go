//go:build !race

package main

import (
	"strings"
	"testing"
)

// The race detector makes pools forget: under it every request allocates.

// With all policies on a request of the fast lane costs no allocation in steady state, log and metrics included.
func TestFastLaneDoesNotAllocate(t *testing.T) {
	config := allPolicies(t, cannedBackend(t, laneAnswer+strings.Repeat("x", 100)))
	t.Run("nothing is traced", func(t *testing.T) { doesNotAllocate(t, config) })
	t.Run("others are traced", func(t *testing.T) {
		doesNotAllocate(t, "tracing: {endpoint: 'http://127.0.0.1:9', sample: 0%}\n"+config)
	})
	t.Run("each is another client's", func(t *testing.T) {
		doesNotAllocate(t, strings.Replace(config, "listen: 127.0.0.1:0", "listen: [{address: '127.0.0.1:0', trusted_proxies: [127.0.0.1]}]", 1),
			"X-Forwarded-For: 192.0.2.7\r\n", "X-Forwarded-For: 2001:db8::7\r\n", "X-Forwarded-For: 198.51.100.8, 192.0.2.8\r\n")
	})
}

func doesNotAllocate(t *testing.T, config string, fields ...string) {
	t.Helper()
	r := startWith(t, options{path: configFile(t, config), lane: "fast"})
	request := roundTrip(t, r.url, fields...)
	for range 200 {
		request()
	}
	// What this process does once a second is counted as well, and on a machine that stands still that may be often: the least counts.
	got := testing.AllocsPerRun(2000, request)
	for try := 1; got > 0 && try < 5; try++ {
		got = min(got, testing.AllocsPerRun(2000, request))
	}
	if got > 0 {
		t.Errorf("%v allocations a request, want none", got)
	}
}
