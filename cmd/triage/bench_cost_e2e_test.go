//go:build e2e && linux

package main

import (
	"strings"
	"testing"
)

// TestE2ECost measures the installed proxies for a moment each: their configurations must be taken, every request must reach
// the origin and be answered as it should, and wrk must count too. The figures are none.
func TestE2ECost(t *testing.T) {
	r, c := costRecord(t, tiny("--peers", "nginx,haproxy,caddy,triage", "--with", "wrk"))
	if c.code() != 0 {
		t.Fatalf("exit %d: %s", c.code(), c.stderr)
	}
	for _, peer := range r.Peers {
		if peer.Absent != "" {
			t.Errorf("%s: want make peers to have installed it", peer.Absent)
			continue
		}
		if peer.Version == "" || peer.Config == "" {
			t.Errorf("%s: version %q, configuration %q", peer.Name, peer.Version, peer.Config)
		}
	}
	sent, odd := map[string]int{}, map[string]int{}
	for _, run := range r.Runs {
		name := r.Peers[run.Peer].Name
		if scenario := r.Scenarios[run.Scenario].Name; !run.Harness.Valid && !strings.HasPrefix(scenario, "latency: ") { // whether a rate can be kept depends on the machine
			t.Errorf("%s, %s: %v", name, scenario, run.Harness.Notes)
			odd[name]++
		}
		if _, ok := run.Values["cpu by wrk"]; ok {
			sent[name] += run.Harness.Sent
		}
	}
	for _, peer := range r.Peers {
		if sent[peer.Name] == 0 {
			t.Errorf("wrk was not answered by %s", peer.Name)
		}
	}
}
