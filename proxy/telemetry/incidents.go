package telemetry

import "time"

// IncidentSnapshot is what is told of incidents, of what is set by hand, and of those who look.
type IncidentSnapshot struct {
	// State is one of States.
	State  string
	States []string
	// Severity is 1 to 4, and Open how long it has been open; both 0 while no incident is.
	Severity int
	Open     time.Duration
	// Taken says of every role whether somebody has it.
	Taken map[string]bool
	// Writable is set if what is on disk is written, Lost counts entries that were not.
	Writable bool
	Lost     int
	// Levers counts what is pulled, by kind; every kind is there.
	Levers map[string]int
	// Words are counted by kind of receiver.
	Words   map[string]WordCounts
	Viewers int
}

// WordCounts are of messages to one kind of receiver.
type WordCounts struct{ Taken, Retried, Dead uint64 }

func (e *exposition) incidents(s IncidentSnapshot) {
	for _, state := range s.States {
		e.truth(incidentState, state == s.State, state)
	}
	e.put(incidentSeverity, float64(s.Severity))
	e.put(incidentSeconds, s.Open.Seconds())
	for role, taken := range s.Taken {
		e.truth(incidentRole, taken, role)
	}
	e.truth(incidentRecord, s.Writable)
	e.put(incidentLost, float64(s.Lost))
	for kind, n := range s.Levers {
		e.put(levers, float64(n), kind)
	}
	for kind, c := range s.Words {
		e.put(wordTaken, float64(c.Taken), kind)
		e.put(wordRetried, float64(c.Retried), kind)
		e.put(wordDead, float64(c.Dead), kind)
	}
	e.put(consoleViewers, float64(s.Viewers))
}
