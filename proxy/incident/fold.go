package incident

import (
	"maps"
	"slices"
	"time"

	"triage/proxy/incident/verdict"
)

const (
	// entriesKept bounds the entries of one incident, incidentsKept the incidents.
	entriesKept   = 2000
	incidentsKept = 100
)

// Incident is one, as its entries tell it.
type Incident struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	State State  `json:"state"`
	// OpenedAt is when it was opened, MitigatedAt when the protected routes were first back, ResolvedAt when it ended; zero: not yet.
	OpenedAt    time.Time `json:"opened_at"`
	MitigatedAt time.Time `json:"mitigated_at,omitzero"`
	ResolvedAt  time.Time `json:"resolved_at,omitzero"`
	// OpenedBy is who opened it, Reopened how often it came back.
	OpenedBy string `json:"opened_by"`
	Reopened int    `json:"reopened,omitempty"`
	// Baseline is the traffic of the protected routes just before, in requests a second.
	Baseline float64 `json:"baseline_rate"`
	// Severity is the worst so far; 0: not rated yet.
	Severity int             `json:"severity,omitempty"`
	Roles    map[Role]string `json:"roles"`
	Verdict  verdict.Verdict `json:"verdict"`
	Impact   Impact          `json:"impact"`
	// Missing is what is missing for it to be resolved. It is not of the record: it is said anew each time.
	Missing []string `json:"missing,omitempty"`
	Entries []Entry  `json:"entries"`
	// Dropped counts entries that there was no room for any more.
	Dropped int `json:"dropped,omitempty"`
}

// apply folds one entry in. It is all that ever changes an incident, on the way in and when it is read back.
func (i *Incident) apply(e Entry) {
	switch e.Kind {
	case Opened:
		if i.ID == "" {
			*i = Incident{ID: e.Incident, Title: e.To, State: Open, OpenedAt: e.Time, OpenedBy: e.Actor, Roles: map[Role]string{}, Verdict: verdict.Verdict{Kind: verdict.None}, Baseline: e.Numbers["baseline_rate"]}
		}
	case Moved:
		i.move(e)
	case Judged:
		if e.Verdict != nil {
			i.Verdict = *e.Verdict
		}
	case Counted:
		if e.Impact != nil {
			i.Impact = *e.Impact
			i.Severity = worse(i.Severity, int(e.Numbers["severity"]))
		}
	case Taken:
		if e.To == "" {
			delete(i.Roles, Role(e.Subject))
		} else {
			i.Roles[Role(e.Subject)] = e.To
		}
	}
	i.keep(e)
}

func (i *Incident) move(e Entry) {
	i.State = State(e.To)
	switch i.State {
	case Mitigated, Watching:
		if i.MitigatedAt.IsZero() {
			i.MitigatedAt = e.Time
		}
	case Resolved:
		i.ResolvedAt = e.Time
	case Open:
		if State(e.From) == Resolved {
			i.ResolvedAt = time.Time{}
			i.Reopened++
		}
	}
}

// keep files the entry. Of impacts only the newest is kept; without room the oldest signal goes, without any the oldest verdict or state but the first.
func (i *Incident) keep(e Entry) {
	if e.Kind == Counted {
		if at := slices.IndexFunc(i.Entries, func(o Entry) bool { return o.Kind == Counted }); at >= 0 {
			i.Entries = slices.Delete(i.Entries, at, at+1)
		}
	}
	i.Entries = append(i.Entries, e)
	if len(i.Entries) <= entriesKept {
		return
	}
	i.Dropped++
	for _, kind := range []Kind{Signal, Judged, Moved} {
		if at := slices.IndexFunc(i.Entries, func(o Entry) bool { return o.Kind == kind }); at >= 0 {
			i.Entries = slices.Delete(i.Entries, at, at+1)
			return
		}
	}
	i.Entries = slices.Delete(i.Entries, 1, 2)
}

// clone copies what a reader may keep.
func (i *Incident) clone() Incident {
	c := *i
	c.Entries, c.Roles, c.Missing = slices.Clone(i.Entries), maps.Clone(i.Roles), slices.Clone(i.Missing)
	return c
}

// Lasted is from its opening to its end, or until now.
func (i *Incident) Lasted(now time.Time) time.Duration {
	if !i.ResolvedAt.IsZero() {
		now = i.ResolvedAt
	}
	return max(now.Sub(i.OpenedAt), 0)
}
