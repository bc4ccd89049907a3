//go:build e2e

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"triage/proxy/incident"
)

// TestE2EDemoIncident drives an incident from its beginning to its end in real time; it takes a minute and a half at most.
func TestE2EDemoIncident(t *testing.T) {
	code, stdout, stderr := command(t, "demo", "--incident", "--output", "json")
	var r struct {
		incidentReport
		Report incident.Report `json:"report"`
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("exit %d, %v:\n%s%s", code, err, stdout, stderr)
	}
	if code != 0 || !r.Right || !r.Resolved {
		t.Errorf("exit %d, right %v, resolved %v, verdict %+v\n%s", code, r.Right, r.Resolved, r.Verdict, stderr)
	}
	if len(r.Report.Hands) != 2 || r.Report.State != incident.Resolved || len(r.Report.Roles) != 3 {
		t.Errorf("the report has %d changes by hand, state %s, roles %v; want two, resolved, and three", len(r.Report.Hands), r.Report.State, r.Report.Roles)
	}
	if r.Twin >= 0.9 || r.Report.Severity == 0 || r.Report.Impact.Protected == nil {
		t.Errorf("the twin served %.2f without Triage, SEV%d, protected %+v; want less than 0.9, a severity, and an estimate", r.Twin, r.Report.Severity, r.Report.Impact.Protected)
	}
	if !strings.Contains(r.Update, "Next update") || len(r.Steps) < 9 {
		t.Errorf("update %q, %d steps", r.Update, len(r.Steps))
	}
}
