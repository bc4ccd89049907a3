package telemetry_test

import (
	"strings"
	"testing"
)

func TestIncidentsAreExposed(t *testing.T) {
	text := scrape(t, full(t), "")
	for _, want := range []string{
		`triage_incident_state{state="open"} 1`, `triage_incident_state{state="quiet"} 0`, "triage_incident_severity 2", "triage_incident_open_seconds 60",
		`triage_incident_role_taken{role="commander"} 1`, `triage_incident_role_taken{role="comms-lead"} 0`, "triage_incident_record_writable 0", "triage_incident_entries_lost_total 3",
		`triage_levers{kind="shed"} 1`, `triage_levers{kind="drain"} 0`, `triage_incident_words_delivered_total{receiver="slack"} 4`,
		`triage_incident_words_retried_total{receiver="slack"} 5`, `triage_incident_words_dead_total{receiver="slack"} 6`, "triage_console_viewers 7",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no line %q", want)
		}
	}
}
