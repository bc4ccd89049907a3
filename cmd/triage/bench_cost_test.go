//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"triage/bench/record"
)

// tiny is a command line that measures next to nothing, and everything.
func tiny(more ...string) []string {
	return append([]string{
		"bench", "cost", "--rounds", "1", "--each", "20ms", "--connections", "2", "--open", "3", "--routes", "3", "--clients", "5",
		"--bodies", "0,100000,60000000",
	}, more...)
}

// costRecord runs triage as a process of its own, for its threads are pinned, and gives what it wrote.
func costRecord(t *testing.T, args []string) (record.Record, *child) {
	t.Helper()
	c := launch(t, nil, append(args, "--output", "json")...)
	code := c.codeWithin(12 * patience)
	var r record.Record
	if err := json.Unmarshal([]byte(c.stdout.String()), &r); err != nil {
		t.Fatalf("exit %d, %v; it said %s", code, err, c.stderr)
	}
	return r, c
}

// scenariosOf are the cases in which a peer has a value.
func scenariosOf(r record.Record, peer string) map[string]record.Trial {
	all := map[string]record.Trial{}
	for _, run := range r.Runs {
		if r.Peers[run.Peer].Name == peer {
			all[r.Scenarios[run.Scenario].Name] = run
		}
	}
	return all
}

// TestCostOfGoPeers measures every part with what is in this binary: the figures are none, but all of them must be there, and
// every request must have been answered as it should.
func TestCostOfGoPeers(t *testing.T) {
	t.Parallel()
	r, c := costRecord(t, tiny("--peers", "nothing,reverseproxy,triage-fast"))
	if c.code() != 0 {
		t.Fatalf("exit %d: %s", c.code(), c.stderr)
	}
	for _, peer := range []string{"reverseproxy", "triage-fast"} {
		got, spent := scenariosOf(r, peer), 0.0
		for _, name := range []string{
			"cpu: 2 connections", "refusal: forwarded", "refusal: refused", "connections: 3 idle", "routes: 3", "clients: 5",
			"bodies: 0 B down", "bodies: 0 B up", "bodies: 100000 B down", "bodies: 100000 B up", "bodies: 60 MB down", "bodies: 60 MB up",
		} {
			run, ok := got[name]
			if !ok {
				t.Errorf("%s: no %s; there are %d cases; notes of the run: %v", peer, name, len(got), r.Cut)
				continue
			}
			if !run.Harness.Valid {
				t.Errorf("%s, %s: %v", peer, name, run.Harness.Notes)
			}
			spent += float64(run.Values["cpu"])
		}
		if spent <= 0 { // of a single short case the kernel may not have counted it yet
			t.Errorf("%s took no processor time", peer)
		}
		if got["connections: 3 busy"].Values["memory"] <= 1 || !got["connections: 3 busy"].Harness.Valid {
			t.Errorf("%s, busy connections: %+v", peer, got["connections: 3 busy"])
		}
		// Whether a rate can be kept depends on who else uses the machine; that it was tried does not.
		if _, ok := got["latency: 10 % of its saturation"]; !ok {
			t.Errorf("%s: no latency", peer)
		}
	}
	if run := scenariosOf(r, "nothing")["cpu: 2 connections"]; run.Values["throughput"] <= 0 || !run.Harness.Valid {
		t.Errorf("without a proxy: %+v", run)
	}
}

// TestCostOfLibraries measures what a library does with a request: it must let through what is forwarded, and refuse the rest by itself.
func TestCostOfLibraries(t *testing.T) {
	t.Parallel()
	libraries := []string{"failsafe", "gobreaker", "gozero"}
	r, c := costRecord(t, tiny("--peers", strings.Join(libraries, ","), "--only", "cpu,refusal", "--connections", "20,100"))
	if c.code() != 0 {
		t.Fatalf("exit %d: %s", c.code(), c.stderr)
	}
	for _, peer := range libraries {
		got := scenariosOf(r, peer)
		for _, name := range []string{"cpu: 20 connections", "cpu: 100 connections", "refusal: forwarded", "refusal: refused"} {
			if run := got[name]; !run.Harness.Valid {
				t.Errorf("%s, %s: %v", peer, name, run.Harness.Notes)
			}
		}
	}
}

func TestCostOfAnAbsentPeer(t *testing.T) {
	t.Setenv("PATH", "")
	args := tiny("--peers", "nothing,triage,caddy", "--only", "cpu")
	r, c := costRecord(t, args)
	if c.code() != 0 || len(scenariosOf(r, "triage")) != 1 {
		t.Errorf("exit %d: %s", c.code(), c.stderr)
	}
	without := launch(t, nil, append(args, "--with", "wrk")...)
	if without.code() != 1 || !strings.Contains(without.stderr.String(), "wrk is not installed: apt-get install wrk") {
		t.Errorf("without wrk: exit %d: %s", without.code(), without.stderr)
	}
	if got := r.Peers[2].Absent; !strings.Contains(got, "caddy is not installed: apt-get install ") {
		t.Errorf("of the absent one it says %q", got)
	}
}

// TestCostOfAPeerThatEnds has a proxy that serves nobody: the others are measured, and it is said.
func TestCostOfAPeerThatEnds(t *testing.T) {
	folder := t.TempDir()
	script := "#!/bin/sh\necho 'a wrong turn' >&2\nexit 7\n"
	if err := os.WriteFile(filepath.Join(folder, "caddy"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
	prefix := filepath.Join(t.TempDir(), "cost")
	r, c := costRecord(t, tiny("--peers", "caddy,triage", "--only", "cpu", "--write", prefix))
	if c.code() != 1 || !strings.Contains(c.stderr.String(), "caddy did not start: exit status 7; it said:\na wrong turn") {
		t.Errorf("exit %d, it said %q", c.code(), c.stderr)
	}
	if len(scenariosOf(r, "triage")) != 1 {
		t.Error("the other one was not measured")
	}
	kept, err := record.Read(prefix + ".json")
	if err != nil || len(scenariosOf(kept, "triage")) != 1 {
		t.Errorf("kept: %v, %d runs", err, len(kept.Runs))
	}
	page, err := os.ReadFile(prefix + ".md")
	if err != nil || !bytes.Contains(page, []byte("a wrong turn")) {
		t.Errorf("%v; the page says:\n%s", err, page)
	}
}

// TestCostWithFewDescriptors must say how many it takes, and measure what can be measured.
func TestCostWithFewDescriptors(t *testing.T) {
	t.Parallel()
	c := launch(t, []string{descriptorsLimit + "=400"}, tiny("--peers", "reverseproxy", "--only", "cpu,connections", "--open", "3,300", "--output", "json")...)
	code := c.codeWithin(12 * patience)
	var r record.Record
	if err := json.Unmarshal([]byte(c.stdout.String()), &r); err != nil {
		t.Fatalf("exit %d, %v; it said %s", code, err, c.stderr)
	}
	got := scenariosOf(r, "reverseproxy")
	if !got["cpu: 2 connections"].Harness.Valid {
		t.Errorf("what fits was not measured: %+v", got["cpu: 2 connections"])
	}
	busy := got["connections: 300 busy"]
	if busy.Harness.Valid {
		return // this user may raise the limit, and so it was
	}
	if want := "needs 928 open files in one process, 400 are allowed (ulimit -n 928)"; len(busy.Harness.Notes) != 1 || busy.Harness.Notes[0] != want {
		t.Errorf("300 busy connections: %+v\nwant: %s", busy, want)
	}
}

func TestCostMisused(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--peers", "ngins"}, `peer "ngins": want some of`},
		{[]string{"--only", "cpus"}, `part "cpus": want some of`},
		{[]string{"--with", "ab"}, `--with "ab": want wrk`},
		{[]string{"--output", "xml"}, `--output "xml": want text, json or markdown`},
		{[]string{"--connections", "0"}, "0 connections: want 1 to 10000"},
	} {
		code, _, words := command(t, append([]string{"bench", "cost"}, test.args...)...)
		if code != exitUsage || !strings.Contains(words, test.want) {
			t.Errorf("%q: exit %d, %q; want %q", test.args, code, words, test.want)
		}
	}
}
