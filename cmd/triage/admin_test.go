package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"triage/config"
	"triage/proxy/admin"
)

// The configuration in force is told as it counts: complete, with every default, and it can be loaded again.
func TestConfigInForce(t *testing.T) {
	t.Parallel()
	r := start(t, conf("", backend(t, echo), everything))
	text := get(t, r.adminURL+"/api/v1/config")
	again, err := config.Parse("again.yaml", []byte(text))
	if err != nil {
		t.Fatalf("the configuration in force cannot be loaded: %v\n%s", err, text)
	}
	yaml, err := again.File.YAML()
	if err != nil || string(yaml) != text || !strings.Contains(text, "priorities: [critical, important, normal, sheddable]") && !strings.Contains(text, "- critical") {
		t.Errorf("loaded again it is\n%s\nwant\n%s (%v)", yaml, text, err)
	}
	var told struct {
		Hash, File, YAML string
	}
	if err := json.Unmarshal([]byte(get(t, r.adminURL+"/api/v1/config", "Accept: application/json")), &told); err != nil {
		t.Fatal(err)
	}
	onDisk, err := config.Load(r.options.path)
	if err != nil {
		t.Fatal(err)
	}
	if told.Hash != onDisk.Hash || told.File != r.options.path || told.YAML != text || metric(t, r.adminURL, "triage_config_info", "hash", onDisk.Hash) != 1 {
		t.Errorf("told is hash %s of %s; want %s of %s, also in triage_config_info", told.Hash, told.File, onDisk.Hash, r.options.path)
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	app := backend(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	r := start(t, conf("", app, everything))
	if got := get(t, r.adminURL+"/api/v1/entries"); got != `{"entries":[]}`+"\n" {
		t.Errorf("before anything happened: %q", got)
	}
	openBreaker(t, r, "/x")
	entries := func(query string) (e admin.Entries) {
		if err := json.Unmarshal([]byte(get(t, r.adminURL+"/api/v1/entries"+query)), &e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	var all admin.Entries
	eventually(t, "the entries of both breakers", func() bool { // which are made after they have opened
		all = entries("")
		return len(all.Entries) >= 2
	})
	e := all.Entries[0] // the only endpoint's breaker opens a little earlier than the route's
	for i, subject := range []string{app, "all"} {
		if e := all.Entries[i]; e.Seq == 0 || e.Time.IsZero() || e.Kind != "breaker" || e.Subject != subject || !strings.Contains(e.Reason, "failed") {
			t.Errorf("entry %d is %+v; want the breaker of %s, and why", i, e, subject)
		}
	}
	last := all.Entries[len(all.Entries)-1].Seq
	if got := entries("?after=" + jsonNumber(last)); len(got.Entries) != 0 {
		t.Errorf("after the last entry: %+v", got)
	}
	if a := call(t, "GET", r.adminURL+"/api/v1/entries?after=x"); a.status != http.StatusBadRequest {
		t.Errorf("after=x: %d, want 400", a.status)
	}
	eventually(t, "the log to tell of it", func() bool {
		return strings.Contains(r.log.String(), `"msg":"control"`) && strings.Contains(r.log.String(), `"kind":"breaker"`)
	})
	if got := statusOf(t, r.adminURL).Entries; len(got) == 0 || got[0].Seq != e.Seq {
		t.Errorf("the status has the entries %+v", got)
	}
}

func jsonNumber(n uint64) string {
	text, _ := json.Marshal(n)
	return string(text)
}

func TestTokensAndRoles(t *testing.T) {
	t.Parallel()
	tokens := filepath.Join(t.TempDir(), "tokens")
	write(t, tokens, "viewer ann viewer-token-0001\noperator bob operator-token-01 # may reload\n")
	r := start(t, conf("admin: {address: '127.0.0.1:0', tokens_file: "+tokens+"}", backend(t, echo), everything))
	viewer, operator, nobody := "Authorization: Bearer viewer-token-0001", "Authorization: Bearer operator-token-01", "Authorization: Bearer someone-elses-tok"
	tests := []struct {
		method, path, token string
		want                int
	}{
		{"GET", "/healthz", "", 200}, {"GET", "/livez", nobody, 200}, {"GET", "/readyz?verbose", "", 200},
		{"GET", "/api/v1/status", "", 401}, {"GET", "/api/v1/status", nobody, 401}, {"GET", "/metrics", "", 401}, {"GET", "/nothing", "", 401},
		{"GET", "/api/v1/status", viewer, 200}, {"GET", "/metrics", viewer, 200}, {"GET", "/api/v1/config", viewer, 200}, {"GET", "/api/v1/entries", viewer, 200},
		{"POST", "/api/v1/reload", "", 401}, {"POST", "/api/v1/reload", viewer, 403}, {"GET", "/api/v1/reload", operator, 405}, {"POST", "/api/v1/reload", operator, 200},
		{"GET", "/nothing", viewer, 404}, {"DELETE", "/api/v1/status", operator, 405},
	}
	for _, test := range tests {
		a := call(t, test.method, r.adminURL+test.path, test.token)
		if a.status != test.want {
			t.Errorf("%s %s with %q: %d %q, want %d", test.method, test.path, test.token, a.status, a.body, test.want)
		}
		if a.status == 401 && a.header.Get("WWW-Authenticate") == "" || a.status == 405 && a.header.Get("Allow") == "" {
			t.Errorf("%s %s: %d without the field that says what would be right", test.method, test.path, a.status)
		}
	}
	if log := r.log.String(); !strings.Contains(log, `"who":"bob"`) || !strings.Contains(log, `"msg":"admin request denied","who":"ann"`) || strings.Contains(log, "token-0") {
		t.Errorf("the log does not say who reloaded and who may not, or has a token:\n%s", log)
	}
	if leaked := get(t, r.adminURL+"/api/v1/config", viewer); strings.Contains(leaked, "viewer-token") {
		t.Errorf("the configuration in force has a token")
	}
}

// A page of somebody else's in a browser on this machine gets nothing and changes nothing.
func TestAdminAgainstBrowsers(t *testing.T) {
	t.Parallel()
	r := start(t, conf("", backend(t, echo), everything))
	tests := []struct {
		method, path string
		header       []string
		want         int
	}{
		{"GET", "/api/v1/status", []string{"Host: attacker.example"}, 421},
		{"GET", "/metrics", []string{"Host: attacker.example:80"}, 421},
		{"GET", "/api/v1/status", []string{"Host: localhost"}, 200},
		{"POST", "/api/v1/reload", []string{"Origin: https://attacker.example"}, 403},
		{"POST", "/api/v1/reload", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"POST", "/api/v1/reload", []string{"Host: attacker.example"}, 421},
		{"POST", "/api/v1/reload", nil, 200},
		{"GET", "/healthz", []string{"Host: a-probe.example"}, 200},
	}
	for _, test := range tests {
		a := call(t, test.method, r.adminURL+test.path, test.header...)
		if a.status != test.want {
			t.Errorf("%s %s %q: %d %q, want %d", test.method, test.path, test.header, a.status, a.body, test.want)
		}
		if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s: header %v", test.method, test.path, a.header)
		}
	}
	// What is for the admin API is not to be had where requests come in.
	for _, path := range []string{"/metrics", "/api/v1/status", "/api/v1/reload"} {
		if got := call(t, "POST", r.url+path).seen(t); got.URI != path {
			t.Errorf("POST %s at the proxy's address: %+v; want it forwarded", path, got)
		}
	}
}
