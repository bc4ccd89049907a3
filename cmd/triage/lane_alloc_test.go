//go:build !race

package main

import (
	"strings"
	"testing"
)

// The race detector makes pools forget: under it every request allocates.

// With all policies on a request of the fast lane costs no allocation in steady state, log and metrics included.
func TestFastLaneDoesNotAllocate(t *testing.T) {
	r := startWith(t, options{path: configFile(t, allPolicies(t, cannedBackend(t, laneAnswer+strings.Repeat("x", 100)))), lane: "fast"})
	request := roundTrip(t, r.url)
	for range 200 {
		request()
	}
	if got := testing.AllocsPerRun(2000, request); got > 0 {
		t.Errorf("%v allocations a request, want none", got)
	}
}
