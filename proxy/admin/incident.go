package admin

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"triage/proxy/incident"
	"triage/proxy/lever"
)

// Posted is everything that may be posted about incidents and levers; each endpoint reads its part.
type Posted struct {
	// Who counts where there are no tokens.
	Who    string   `json:"who,omitempty"`
	Title  string   `json:"title,omitempty"`
	Text   string   `json:"text,omitempty"`
	Why    string   `json:"why,omitempty"`
	Role   string   `json:"role,omitempty"`
	Do     string   `json:"do,omitempty"`
	To     string   `json:"to,omitempty"`
	Force  bool     `json:"force,omitempty"`
	What   string   `json:"what,omitempty"`
	Routes []string `json:"routes,omitempty"`
	Kind   string   `json:"kind,omitempty"`
	Target string   `json:"target,omitempty"`
	Value  string   `json:"value,omitempty"`
	// For is how long a lever is pulled, as in 30m.
	For string `json:"for,omitempty"`
	ID  uint64 `json:"id,omitempty"`
}

// Levers is the answer of /api/v1/levers.
type Levers struct {
	Levers []lever.Lever `json:"levers"`
	// Trouble says what is wrong with the audit log.
	Trouble string `json:"trouble,omitempty"`
}

// Incidents is the answer of /api/v1/incidents.
type Incidents struct {
	State     incident.State      `json:"state"`
	Incidents []incident.Incident `json:"incidents"`
	// Trouble says what is wrong with the file of incidents, Lost how many entries were lost by it.
	Trouble string `json:"trouble,omitempty"`
	Lost    int    `json:"lost,omitempty"`
}

// posted reads a request's JSON, or says what is wrong with it.
func (a *Admin) posted(w http.ResponseWriter, r *http.Request) (p Posted, ok bool) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		problem(w, http.StatusUnsupportedMediaType, "want Content-Type: application/json")
		return p, false
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		problem(w, http.StatusBadRequest, "the body is not what is wanted: "+err.Error())
		return p, false
	}
	if _, err := decoder.Token(); err != io.EOF {
		problem(w, http.StatusBadRequest, "there is more in the body than one JSON value")
		return p, false
	}
	if len(a.tokens) > 0 || p.Who == "" {
		p.Who = callerOf(r.Context()).Name
	}
	return p, true
}

// done answers a change: the error with the status that fits it, or the incident or levers as they are now.
func done(w http.ResponseWriter, err error, now func() any) {
	status := http.StatusUnprocessableEntity
	switch {
	case err == nil:
		answer(w, now())
		return
	case errors.Is(err, incident.ErrConflict):
		status = http.StatusConflict
	case errors.Is(err, incident.ErrNone), errors.Is(err, incident.ErrUnknown), errors.Is(err, lever.ErrUnknown):
		status = http.StatusNotFound
	case errors.Is(err, lever.ErrNotAllowed):
		status = http.StatusForbidden
	}
	problem(w, status, err.Error())
}

func (a *Admin) incidents(w http.ResponseWriter, _ *http.Request) {
	trouble, lost := a.settings.Incidents.Trouble()
	answer(w, Incidents{a.settings.Incidents.State(), a.settings.Incidents.List(), trouble, lost})
}

func (a *Admin) incident(w http.ResponseWriter, r *http.Request) {
	i, err := a.settings.Incidents.Show(r.URL.Query().Get("id"))
	done(w, err, func() any { return i })
}

func (a *Admin) update(w http.ResponseWriter, r *http.Request) {
	i, err := a.settings.Incidents.Show(r.URL.Query().Get("id"))
	if err != nil {
		done(w, err, nil)
		return
	}
	u := incident.UpdateOf(i, time.Now(), a.settings.Levers.InForce())
	switch r.URL.Query().Get("format") {
	case "", "text":
		say(w, "text/plain", u.Text())
	case "markdown":
		say(w, "text/markdown", u.Markdown())
	case "json":
		answer(w, u)
	default:
		problem(w, http.StatusBadRequest, "format: want text, markdown or json")
	}
}

func (a *Admin) report(w http.ResponseWriter, r *http.Request) {
	i, err := a.settings.Incidents.Show(r.URL.Query().Get("id"))
	if err != nil {
		done(w, err, nil)
		return
	}
	report := incident.ReportOf(i, time.Now(), a.settings.Levers.InForce())
	switch r.URL.Query().Get("format") {
	case "", "markdown":
		say(w, "text/markdown", report.Markdown())
	case "json":
		answer(w, report)
	default:
		problem(w, http.StatusBadRequest, "format: want markdown or json")
	}
}

func say(w http.ResponseWriter, media, text string) {
	w.Header().Set("Content-Type", media+"; charset=utf-8")
	_, _ = io.WriteString(w, text)
}

func (a *Admin) openIncident(w http.ResponseWriter, r *http.Request) {
	if p, ok := a.posted(w, r); ok {
		i, err := a.settings.Incidents.Open(time.Now(), p.Who, p.Title)
		done(w, err, func() any { return i })
	}
}

func (a *Admin) note(w http.ResponseWriter, r *http.Request) {
	if p, ok := a.posted(w, r); ok {
		done(w, a.settings.Incidents.Note(time.Now(), p.Who, p.Text), a.latest)
	}
}

func (a *Admin) resolve(w http.ResponseWriter, r *http.Request) {
	if p, ok := a.posted(w, r); ok {
		done(w, a.settings.Incidents.Resolve(time.Now(), p.Who, p.Why, a.settings.Levers.InForce()), a.latest)
	}
}

func (a *Admin) role(w http.ResponseWriter, r *http.Request) {
	p, ok := a.posted(w, r)
	if !ok {
		return
	}
	book, role := a.settings.Incidents, incident.Role(p.Role)
	var err error
	switch p.Do {
	case "take":
		err = book.Take(time.Now(), p.Who, role)
	case "hand":
		if p.Force && callerOf(r.Context()).Role < Administrator {
			problem(w, http.StatusForbidden, "to hand over what somebody else has wants the role admin")
			return
		}
		err = book.Hand(time.Now(), p.Who, role, p.To, p.Force)
	case "release":
		err = book.Release(time.Now(), p.Who, role)
	default:
		problem(w, http.StatusBadRequest, "do: want take, hand or release")
		return
	}
	done(w, err, a.latest)
}

func (a *Admin) change(w http.ResponseWriter, r *http.Request) {
	if p, ok := a.posted(w, r); ok {
		done(w, a.settings.Incidents.Change(time.Now(), p.Who, p.What, p.Routes), func() any { return struct{}{} })
	}
}

// latest is the incident as it is now.
func (a *Admin) latest() any {
	i, _ := a.settings.Incidents.Show("")
	return i
}

func (a *Admin) levers(w http.ResponseWriter, _ *http.Request) { answer(w, a.pulled()) }

func (a *Admin) pulled() any {
	return Levers{append([]lever.Lever{}, a.settings.Levers.Pulled()...), a.settings.Levers.Trouble()}
}

func (a *Admin) pull(w http.ResponseWriter, r *http.Request) {
	p, ok := a.posted(w, r)
	if !ok {
		return
	}
	var lasts time.Duration
	if p.For != "" {
		var err error
		if lasts, err = time.ParseDuration(p.For); err != nil || lasts <= 0 {
			problem(w, http.StatusUnprocessableEntity, "for: want a duration such as 30m")
			return
		}
	}
	l, err := a.settings.Levers.Pull(time.Now(), lever.Lever{Kind: lever.Kind(p.Kind), Target: p.Target, Value: p.Value, Who: p.Who, Why: p.Why}, lasts, callerOf(r.Context()).Role.String())
	done(w, err, func() any { return l })
}

func (a *Admin) undo(w http.ResponseWriter, r *http.Request) {
	if p, ok := a.posted(w, r); ok {
		done(w, a.settings.Levers.Undo(time.Now(), p.ID, p.Who, p.Why, callerOf(r.Context()).Role.String()), a.pulled)
	}
}
