package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"triage/proxy/admin"
)

func TestStatusOfARunningServer(t *testing.T) {
	r := start(t, conf("", backend(t, echo), everything))
	get(t, r.url+"/x")
	comesToRest(t, r)
	address := r.adminAt.Addr().String()
	code, stdout, stderr := command(t, "status", "--admin", address)
	for _, want := range []string{"triage devel", r.loaded.Hash, "serving", "all", "normal", "app", "closed"} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("exit %d, %q,\n%s\nwant 0 and %q", code, stderr, stdout, want)
		}
	}
	code, stdout, _ = command(t, "status", "--admin", address, "--output", "json")
	var printed admin.Status
	if err := json.Unmarshal([]byte(stdout), &printed); err != nil || code != 0 {
		t.Fatalf("--output json: exit %d, %q, %v", code, stdout, err)
	}
	asked := statusOf(t, r.adminURL)
	for _, s := range []*admin.Status{&printed, &asked} {
		if s.Uptime <= 0 || s.Time.IsZero() {
			t.Errorf("uptime %v, time %v; want the time of asking", s.Uptime, s.Time)
		}
		// What moves by itself between two questions.
		s.Uptime, s.Time = 0, r.started
		for i := range s.Routes {
			s.Routes[i].Shed.Errors, s.Routes[i].Shed.Latency = 0, 0
			s.Routes[i].Shed.Demand, s.Routes[i].Shed.Served = 0, 0
		}
		for i := range s.Upstreams {
			s.Upstreams[i].Demand = nil
		}
	}
	one, _ := json.Marshal(printed)
	other, _ := json.Marshal(asked)
	if string(one) != string(other) {
		t.Errorf("triage status prints\n%s\nand the API says\n%s", one, other)
	}
}

func TestStatusWithATokenAndOverAUnixSocket(t *testing.T) {
	folder := t.TempDir()
	tokens, secret := filepath.Join(folder, "tokens"), filepath.Join(folder, "secret")
	write(t, tokens, "viewer ann 0123456789abcdef\n")
	write(t, secret, "0123456789abcdef\n")
	t.Run("token", func(t *testing.T) {
		r := start(t, conf("admin: {address: '127.0.0.1:0', tokens_file: "+tokens+"}", backend(t, echo), everything))
		address := r.adminAt.Addr().String()
		if code, _, stderr := command(t, "status", "--admin", address); code != 1 || !strings.Contains(stderr, "401 Unauthorized") {
			t.Errorf("without a token: exit %d, %q; want 1 and 401", code, stderr)
		}
		if code, stdout, stderr := command(t, "status", "--admin", address, "--token-file", secret); code != 0 || !strings.Contains(stdout, "serving") {
			t.Errorf("with a token: exit %d, %q; want 0 and the status", code, stderr)
		}
		if code, _, stderr := command(t, "status", "--admin", address, "--token-file", filepath.Join(folder, "none")); code != 1 || !strings.Contains(stderr, "reading the token") {
			t.Errorf("with a token file that is missing: exit %d, %q; want 1", code, stderr)
		}
	})
	t.Run("socket", func(t *testing.T) {
		socket := filepath.Join(folder, "s")
		o := options{path: configFile(t, conf("", backend(t, echo), everything)), admin: "unix:" + socket}
		r := startWith(t, o)
		if code, stdout, stderr := command(t, "status", "--admin", "unix:"+socket); code != 0 || !strings.Contains(stdout, "serving") {
			t.Errorf("exit %d, %q; want 0 and the status", code, stderr)
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(socket); err == nil {
			t.Errorf("the socket is still there after the end")
		}
	})
}

func TestStatusOfNothing(t *testing.T) {
	address := freeAddress(t)
	code, stdout, stderr := command(t, "status", "--admin", address)
	if code != 1 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, address) ||
		!strings.Contains(stderr, "is triage running, and is this its admin address?") {
		t.Errorf("exit %d, %q, %q; want 1 and one helpful line", code, stdout, stderr)
	}
	t.Setenv("TRIAGE_ADMIN", address)
	if _, _, again := command(t, "status"); again != stderr {
		t.Errorf("with TRIAGE_ADMIN: %q, want %q", again, stderr)
	}
}
