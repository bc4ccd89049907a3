package admin

import (
	"time"

	"triage/proxy"
	"triage/proxy/incident"
	"triage/proxy/lever"
	"triage/shed"
)

// Status is everything `triage status` shows, and the answer of /api/v1/status.
type Status struct {
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	// Uptime is the time since Started, in seconds.
	Uptime float64       `json:"uptime_seconds"`
	Config ConfigInForce `json:"config"`
	proxy.Snapshot
	// Incident is the one that is not over, without its entries; nil if there is none. Levers are what is set by hand.
	Incident *incident.Incident `json:"incident,omitempty"`
	Levers   []lever.Lever      `json:"levers,omitempty"`
	// Entries are the newest changes that the control law made, oldest first.
	Entries []shed.Entry `json:"entries"`
}
