package incident

import (
	"time"

	"triage/proxy/incident/verdict"
)

// Kind says what an entry is about: one member of a closed set.
type Kind string

// The kinds.
const (
	Opened  Kind = "opened"  // it begins; To is its title
	Moved   Kind = "state"   // another state
	Signal  Kind = "signal"  // what the law or a breaker did
	Judged  Kind = "verdict" // where the failure is thought to be
	Counted Kind = "impact"  // who is affected so far
	Taken   Kind = "role"    // a role changes hands
	Pulled  Kind = "lever"   // something is set by hand, or taken back
	Noted   Kind = "note"    // a person says something
	Changed Kind = "change"  // something went live
	Told    Kind = "update"  // word went out
)

// Kinds gives every kind.
func Kinds() []Kind {
	return []Kind{Opened, Moved, Signal, Judged, Counted, Taken, Pulled, Noted, Changed, Told}
}

// State is where an incident is.
type State string

// The states.
const (
	Quiet     State = "quiet" // there is none
	Open      State = "open"
	Mitigated State = "mitigated"
	Watching  State = "watching"
	Resolved  State = "resolved"
)

// States gives every state, in order.
func States() []State { return []State{Quiet, Open, Mitigated, Watching, Resolved} }

// Role is one of three.
type Role string

// The roles.
const (
	Commander  Role = "commander"
	TriageLead Role = "triage-lead"
	CommsLead  Role = "comms-lead"
)

// Roles gives every role.
func Roles() []Role { return []Role{Commander, TriageLead, CommsLead} }

// Machine is the actor of entries that no person made.
const Machine = "triage"

// Entry is one line of an incident's timeline.
type Entry struct {
	// Seq counts the entries of all incidents, from 1 on.
	Seq      uint64    `json:"seq"`
	Incident string    `json:"incident"`
	Time     time.Time `json:"time"`
	Kind     Kind      `json:"kind"`
	// Actor is a person, or Machine.
	Actor   string             `json:"actor"`
	Subject string             `json:"subject,omitempty"`
	From    string             `json:"from,omitempty"`
	To      string             `json:"to,omitempty"`
	Reason  string             `json:"reason,omitempty"`
	Numbers map[string]float64 `json:"numbers,omitempty"`
	// Times is how many events the entry stands for, 0 for one.
	Times   int              `json:"times,omitempty"`
	Verdict *verdict.Verdict `json:"verdict,omitempty"`
	Impact  *Impact          `json:"impact,omitempty"`
}

// Impact is who is affected: counts of requests since the incident was opened.
type Impact struct {
	Routes map[string]Counts `json:"routes"`
	// Sessions is about how many sessions met a refusal or a failure; of requests without one, client addresses.
	Sessions float64 `json:"sessions"`
}

// Counts are what became of requests.
type Counts struct {
	Served   uint64 `json:"served"`
	Degraded uint64 `json:"degraded,omitempty"`
	Refused  uint64 `json:"refused,omitempty"`
	Failed   uint64 `json:"failed,omitempty"`
}

// Ended is how many there were.
func (c Counts) Ended() uint64 { return c.Served + c.Degraded + c.Refused + c.Failed }

// Share is the part of them that got the backend's own answer, 1 if there were none.
func (c Counts) Share() float64 {
	if c.Ended() == 0 {
		return 1
	}
	return float64(c.Served) / float64(c.Ended())
}

func (c Counts) plus(o Counts) Counts {
	return Counts{c.Served + o.Served, c.Degraded + o.Degraded, c.Refused + o.Refused, c.Failed + o.Failed}
}

// minus is what came after o. What was counted anew counts from nothing.
func (c Counts) minus(o Counts) Counts {
	if c.Served < o.Served || c.Degraded < o.Degraded || c.Refused < o.Refused || c.Failed < o.Failed {
		return c
	}
	return Counts{c.Served - o.Served, c.Degraded - o.Degraded, c.Refused - o.Refused, c.Failed - o.Failed}
}

// Sum adds all routes up.
func (i Impact) Sum() (all Counts) {
	for _, c := range i.Routes {
		all = all.plus(c)
	}
	return all
}
