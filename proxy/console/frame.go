package console

import (
	"time"

	"triage/proxy"
	"triage/proxy/incident"
	"triage/proxy/lever"
)

// About is what the page's head says.
type About struct {
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	// Config is the hash of the configuration in force; LastError why the latest reload failed, "" if it did not.
	Config    string `json:"config"`
	LastError string `json:"last_error,omitempty"`
}

// Frame is everything that the page shows.
type Frame struct {
	About About `json:"about"`
	proxy.Snapshot
	// Recent is what became of the routes' requests in the last Seconds.
	Recent  map[string]incident.Counts `json:"recent"`
	Seconds float64                    `json:"seconds"`
	Point   *Point                     `json:"point,omitempty"`
	// State is that of incidents; Incident the open or latest one, without entries; Entries are those of it that are new.
	State    incident.State     `json:"state"`
	Incident *incident.Incident `json:"incident,omitempty"`
	Severity int                `json:"severity,omitempty"`
	Isolated bool               `json:"isolated"`
	Where    string             `json:"where"`
	Entries  []incident.Entry   `json:"entries"`
	Levers   []lever.Lever      `json:"levers"`
	Update   *Word              `json:"update,omitempty"`
	Past     []Past             `json:"past"`
	// Trouble says what is wrong with the files on disk.
	Trouble []string `json:"trouble,omitempty"`
}

// Word is the update for others, ready to be copied.
type Word struct {
	Text     string    `json:"text"`
	Markdown string    `json:"markdown"`
	Next     time.Time `json:"next,omitzero"`
}

// Past is one line on an earlier incident.
type Past struct {
	ID         string         `json:"id"`
	Title      string         `json:"title"`
	State      incident.State `json:"state"`
	OpenedAt   time.Time      `json:"opened_at"`
	ResolvedAt time.Time      `json:"resolved_at,omitzero"`
}

// Hello begins a stream.
type Hello struct {
	Who Who `json:"who"`
	// Asked is set where everybody is let in: then the page asks for a name.
	Asked  bool    `json:"asked"`
	Points []Point `json:"points"`
}

// Who looks.
type Who struct {
	Name string `json:"name"`
	Role string `json:"role"`
}

const (
	// entriesShown is how much of the timeline a page begins with, pastShown how many incidents it lists.
	entriesShown = 300
	pastShown    = 8
)

// frame puts everything together; after is the number of the newest entry that every viewer has.
func (c *Console) frame(s proxy.Snapshot, after uint64) Frame {
	now := time.Now()
	f := Frame{About: c.settings.About(), Snapshot: s, State: c.settings.Incidents.State(), Levers: c.settings.Levers.Pulled(), Past: []Past{}, Entries: []incident.Entry{}}
	for _, i := range c.settings.Incidents.List() {
		if len(f.Past) < pastShown {
			f.Past = append(f.Past, Past{ID: i.ID, Title: i.Title, State: i.State, OpenedAt: i.OpenedAt, ResolvedAt: i.ResolvedAt})
		}
	}
	if why, _ := c.settings.Incidents.Trouble(); why != "" {
		f.Trouble = append(f.Trouble, "the record of incidents is not written: "+why)
	}
	if why := c.settings.Levers.Trouble(); why != "" {
		f.Trouble = append(f.Trouble, "the audit log is not written: "+why)
	}
	i, err := c.settings.Incidents.Show("")
	if err != nil {
		return f
	}
	u := incident.UpdateOf(i, now, c.settings.Levers.InForce())
	f.Update = &Word{Text: u.Text(), Markdown: u.Markdown(), Next: u.Next}
	f.Severity = incident.Severity(i.Impact, s.ClassOf)
	f.Where, f.Isolated = i.Verdict.Sentence(), i.Verdict.Isolated()
	for _, e := range i.Entries[max(0, len(i.Entries)-entriesShown):] {
		if e.Seq > after {
			f.Entries = append(f.Entries, e)
		}
	}
	i.Entries = nil
	f.Incident = &i
	return f
}
