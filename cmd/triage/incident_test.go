package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"triage/proxy/admin"
	"triage/proxy/incident"
)

// incidentOf asks as `triage incident show` does.
func incidentOf(t *testing.T, address string) incident.Incident {
	t.Helper()
	code, out, words := command(t, "incident", "show", "--admin", address, "--output", "json")
	var i incident.Incident
	if code != 0 {
		t.Fatalf("incident show: %d %s", code, words)
	}
	if err := json.Unmarshal([]byte(out), &i); err != nil {
		t.Fatal(err)
	}
	return i
}

// TestAnIncidentIsRun drives one from the terminal: it is opened, roles are taken, a lever is pulled and undone, word is written.
func TestAnIncidentIsRun(t *testing.T) {
	folder := t.TempDir()
	target := backend(t, echo)
	var told atomic.Int64
	hook := backend(t, func(http.ResponseWriter, *http.Request) { told.Add(1) })
	text := conf("incident: {tell: [{kind: generic, address: '"+hook+"/triage'}], file: "+folder+"/incidents.jsonl, audit_file: "+folder+"/audit.jsonl, resolve_after: 10s}", target, everything)
	r := start(t, text)
	address := strings.TrimPrefix(r.adminURL, "http://")
	run := func(want int, args ...string) string {
		t.Helper()
		code, out, words := command(t, append(args, "--admin", address, "--who", "ana")...)
		if code != want {
			t.Fatalf("%v: exit %d, want %d\n%s%s", args, code, want, out, words)
		}
		return out + words
	}
	if got := run(0, "incident", "list"); !strings.Contains(got, "none") {
		t.Errorf("list in the calm: %s", got)
	}
	plainly := func(args ...string) string {
		t.Helper()
		code, out, words := command(t, append(args, "--admin", address)...)
		if code != 0 {
			t.Fatalf("%v: exit %d\n%s%s", args, code, out, words)
		}
		return out
	}
	run(1, "incident", "note", "nobody hears")
	run(0, "incident", "open", "the cart is odd")
	run(1, "incident", "open", "twice")
	run(0, "incident", "take", "commander")
	run(0, "incident", "hand", "commander", "ben")
	run(1, "incident", "release", "commander")
	run(0, "incident", "note", "looking at \x1b[31mlogs")
	route := statusOf(t, r.adminURL).Routes[0]
	if got := run(0, "lever", "shed", route.Name, "100%", "--why", "trial", "--for", "10m"); !strings.Contains(got, "number 1") {
		t.Errorf("lever: %s", got)
	}
	response, err := http.Get(r.url + "/x")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(response.Header.Get("Proxy-Status"), "by_hand") {
		t.Errorf("shed by hand: %d %q", response.StatusCode, response.Header.Get("Proxy-Status"))
	}
	if got := run(1, "incident", "resolve", "done"); !strings.Contains(got, "not resolved yet") && !strings.Contains(got, "by hand") {
		t.Errorf("resolve with a lever: %s", got)
	}
	if got := plainly("status"); !strings.Contains(got, "by hand, number 1") || !strings.Contains(got, "! incident") {
		t.Errorf("the status does not show it:\n%s", got)
	}
	run(0, "lever", "undo", "1", "--why", "it was a trial")
	i := incidentOf(t, address)
	if i.Title != "the cart is odd" || i.Roles[incident.Commander] != "ben" || i.OpenedBy != "ana" {
		t.Errorf("incident: %+v", i)
	}
	kinds := map[incident.Kind]int{}
	for _, e := range i.Entries {
		kinds[e.Kind]++
	}
	if kinds[incident.Pulled] != 2 || kinds[incident.Taken] != 2 || kinds[incident.Noted] != 1 {
		t.Errorf("entries by kind: %v", kinds)
	}
	if got := run(0, "incident", "show"); strings.Contains(got, "\x1b") || !strings.Contains(got, "MISSING") {
		t.Errorf("show:\n%q", got)
	}
	for _, args := range [][]string{{"incident", "update"}, {"incident", "update", "--format", "markdown"}, {"incident", "report"}, {"incident", "report", "--format", "json"}, {"lever", "list"}} {
		if got := run(0, args...); len(got) < 10 {
			t.Errorf("%v: %q", args, got)
		}
	}
	if got := plainly("top", "--times", "2", "--every", "100ms"); strings.Count(got, "triage ") < 2 {
		t.Errorf("top:\n%s", got)
	}
	eventually(t, "the webhook is told that it was opened", func() bool { return told.Load() > 0 })
	eventually(t, "the record is written", func() bool {
		text, err := os.ReadFile(filepath.Join(folder, "incidents.jsonl"))
		return err == nil && strings.Contains(string(text), "ana")
	})
	for _, want := range []string{`"did":"opened an incident","who":"ana"`, `"before":["commander: -"],"after":["commander: ana"]`, `"before":["commander: ana"],"after":["commander: ben"]`, `"did":"undone","who":"ana"`} {
		eventually(t, "the audit log to have "+want, func() bool {
			text, err := os.ReadFile(filepath.Join(folder, "audit.jsonl"))
			return err == nil && strings.Contains(string(text), want)
		})
	}
	eventually(t, "the timeline says that word was taken", func() bool {
		return slices.ContainsFunc(incidentOf(t, address).Entries, func(e incident.Entry) bool { return e.Kind == incident.Told && e.Subject == "generic" })
	})
}

// TestScriptsMayReadEverything: whatever asks the admin API can answer as JSON.
func TestScriptsMayReadEverything(t *testing.T) {
	r := start(t, conf("", backend(t, echo), everything))
	address := strings.TrimPrefix(r.adminURL, "http://")
	route := statusOf(t, r.adminURL).Routes[0].Name
	for _, args := range [][]string{
		{"status"}, {"top", "--times", "1"},
		{"incident", "open", "odd"}, {"incident", "list"}, {"incident", "show"}, {"incident", "take", "comms-lead"}, {"incident", "hand", "comms-lead", "ben", "--force"},
		{"incident", "note", "hm"}, {"incident", "update"}, {"incident", "report"},
		{"lever", "shed", route, "5%", "--why", "trial"}, {"lever", "limit", route, "7", "--why", "trial"}, {"lever", "breaker", route, "closed", "--why", "trial"},
		{"lever", "class", route, "sheddable", "--why", "trial"}, {"lever", "freeze", "app", "--why", "trial"}, {"lever", "kill", "--why", "trial"},
		{"lever", "list"}, {"lever", "undo", "1"}, {"lever", "undo", "2"}, {"lever", "undo", "3"}, {"lever", "undo", "4"}, {"lever", "undo", "5"}, {"lever", "undo", "6"},
	} {
		code, out, words := command(t, append(args, "--admin", address, "--output", "json")...)
		if code != 0 || !json.Valid([]byte(out)) {
			t.Errorf("%v: exit %d, %s%s", args, code, out, words)
		}
	}
}

// TestADiskThatIsFull: everything goes on, and it is told.
func TestADiskThatIsFull(t *testing.T) {
	r := start(t, conf("incident: {file: /dev/full, audit_file: /dev/full, dead_letters: /dev/full}", backend(t, echo), everything))
	address := strings.TrimPrefix(r.adminURL, "http://")
	run := func(args ...string) string {
		t.Helper()
		code, out, words := command(t, append(args, "--admin", address)...)
		if code != 0 {
			t.Fatalf("%v: exit %d\n%s%s", args, code, out, words)
		}
		return out
	}
	run("incident", "open", "the disk is full", "--who", "ana")
	run("lever", "shed", statusOf(t, r.adminURL).Routes[0].Name, "100%", "--why", "trial", "--who", "ana")
	run("lever", "undo", "1", "--who", "ana")
	response, err := http.Get(r.url + "/x")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("a request on a full disk: %d", response.StatusCode)
	}
	eventually(t, "it is told", func() bool {
		return strings.Contains(run("incident", "list"), "! the file of incidents is not written") && strings.Contains(run("lever", "list"), "! the audit log is not written")
	})
}

// TestIncidentsWantTokens holds the guard in front of what changes something.
func TestIncidentsWantTokens(t *testing.T) {
	folder := t.TempDir()
	tokens := filepath.Join(folder, "tokens")
	write(t, tokens, "viewer wall viewer-0123456789\noperator ana operator-0123456789\nadmin root admin-0123456789ab\noperator old expired-0123456789 2001-01-01\n")
	r := start(t, conf("admin: {address: 127.0.0.1:0, tokens_file: "+tokens+"}", backend(t, echo), everything))
	post := func(path, token, media, body string) int {
		t.Helper()
		request, err := http.NewRequest(http.MethodPost, r.adminURL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", media)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	const kill = `{"kind":"kill","why":"everything is odd","who":"somebody else"}`
	for _, tt := range []struct {
		path, token, media, body string
		want                     int
	}{
		{"/api/v1/incident/open", "viewer-0123456789", "application/json", `{"title":"x"}`, 403},
		{"/api/v1/incident/open", "expired-0123456789", "application/json", `{"title":"x"}`, 401},
		{"/api/v1/incident/open", "operator-0123456789", "text/plain", `{"title":"x"}`, 415},
		{"/api/v1/incident/open", "operator-0123456789", "application/json", `{"titel":"x"}`, 400},
		{"/api/v1/incident/open", "operator-0123456789", "application/json", `{"title":"x"} {}`, 400},
		{"/api/v1/incident/open", "operator-0123456789", "application/json", `{"title":"x"}`, 200},
		{"/api/v1/incident/open", "operator-0123456789", "application/json", `{"title":"x"}`, 409},
		{"/api/v1/incident/role", "operator-0123456789", "application/json", `{"do":"hand","role":"commander","to":"x","force":true}`, 403},
		{"/api/v1/lever", "operator-0123456789", "application/json", kill, 403},
		{"/api/v1/lever", "admin-0123456789ab", "application/json", kill, 200},
		{"/api/v1/lever/undo", "operator-0123456789", "application/json", `{"id":7}`, 404},
		{"/api/v1/lever", "operator-0123456789", "application/json", `{"kind":"shed","target":"nobody","value":"5%","why":"x"}`, 422},
	} {
		if got := post(tt.path, tt.token, tt.media, tt.body); got != tt.want {
			t.Errorf("%s with %s and %s: %d, want %d", tt.path, tt.token, tt.body, got, tt.want)
		}
	}
	request, err := http.NewRequest(http.MethodGet, r.adminURL+"/api/v1/levers", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer viewer-0123456789")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var levers admin.Levers
	if err := json.NewDecoder(response.Body).Decode(&levers); err != nil || len(levers.Levers) != 1 || levers.Levers[0].Who != "root" {
		t.Errorf("levers: %+v, %v; want one by root, whoever the body names", levers, err)
	}
}
