//go:build e2e && linux

package main

import (
	"strings"
	"testing"
)

// TestE2ECost measures the installed proxies for a moment each: their configurations must be taken, every request must reach
// the origin and be answered as it should, and wrk must count too. The figures are none.
func TestE2ECost(t *testing.T) {
	for _, name := range []string{"nginx", "nginx-alike", "haproxy", "caddy", "triage"} {
		t.Run(name, func(t *testing.T) { costOf(t, name) })
	}
}

func costOf(t *testing.T, name string) {
	r, c := costRecord(t, tiny("--peers", name, "--with", "wrk"))
	if c.code() != 0 {
		t.Fatalf("exit %d: %s", c.code(), c.stderr)
	}
	peer, sent := r.Peers[0], 0
	if peer.Absent != "" || peer.Version == "" || peer.Config == "" {
		t.Fatalf("absent %q (make peers installs it), version %q, configuration %q", peer.Absent, peer.Version, peer.Config)
	}
	for _, run := range r.Runs {
		scenario := r.Scenarios[run.Scenario].Name
		if !run.Harness.Valid && !strings.HasPrefix(scenario, "latency: ") { // whether a rate can be kept depends on the machine
			t.Errorf("%s: %v", scenario, run.Harness.Notes)
		}
		if _, ok := run.Values["cpu by wrk"]; ok {
			sent += run.Harness.Sent
		}
	}
	if sent == 0 {
		t.Error("wrk was answered nothing")
	}
}
