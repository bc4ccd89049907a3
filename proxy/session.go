package proxy

import (
	"net/http"
	"time"

	"triage/proxy/edge"
	"triage/shed/stage"
)

// visit is the session that a request belongs to, as far as this process knows it.
type visit struct {
	id string // what the client calls it; "" if it does not, or calls it two things at once
	// known is set if it was seen to complete something. Then Session is what is known of it, else what it begins with.
	known bool
	stage.Session
}

// sessions are what this process has seen users complete.
type sessions struct {
	table *stage.Table
	begun time.Time // the zero of the table's clock
}

func newSessions() sessions { return sessions{table: stage.New(), begun: time.Now()} }

// recognise finds out whose request it is.
func (x *passage) recognise() {
	x.visit = visit{id: x.sessionID()}
	if x.visit.id != "" {
		x.visit.Session, x.visit.known = x.table.sessions.table.Look(x.Start.Sub(x.table.sessions.begun), x.sessionKey(x.visit.id))
	}
	if !x.visit.known {
		x.visit.Origin = x.table.sessionKey.Origin(x.household()[len(byAddress):])
	}
}

// sessionID is what the client calls its session.
func (x *passage) sessionID() string {
	switch s := x.route.settings; {
	case s.SessionCookie != "":
		return x.cookie(s.SessionCookie)
	case s.SessionHeader != "":
		if all := x.asking.fields.Values(s.SessionHeader); len(all) == 1 {
			return all[0]
		}
	}
	return ""
}

// cookie gives the value of a cookie, "" if the request has none of the name, or more than one.
func (x *passage) cookie(name string) string {
	if value, n := edge.Cookie(x.asking.fields, name); n == 1 {
		return value
	}
	return ""
}

// sessionKey finds the session in the table: routes that go by the same cookie or header see the same sessions.
func (x *passage) sessionKey(id string) stage.Key {
	s := x.route.settings
	if s.SessionCookie != "" {
		return x.table.sessions.table.Key("cookie", s.SessionCookie, id)
	}
	return x.table.sessions.table.Key("header", http.CanonicalHeaderKey(s.SessionHeader), id)
}

// cohort is the part of its class that the request belongs to. An id that nobody has seen complete anything counts for nothing.
func (x *passage) cohort() uint16 {
	id := ""
	if x.visit.known {
		id = x.visit.id
	}
	return x.table.sessionKey.Cohort(x.visit.Origin, id, x.Start)
}

// complete notes that the session has been served by the route, if the answer says so. Where the answer gives the session a new name, as
// after a login, what the old one has completed goes over to it.
func (x *passage) complete(answer edge.Fields) {
	if x.HealthCheck || x.UpstreamStatus < 200 || x.UpstreamStatus >= 400 {
		return
	}
	id := x.visit.id
	if name := x.route.settings.SessionCookie; name != "" {
		id = renamed(answer, name, id)
	}
	if id == "" {
		return
	}
	done := x.visit.Session
	done.Stage = max(done.Stage, x.route.settings.SessionStage)
	x.table.sessions.table.Complete(time.Since(x.table.sessions.begun), x.sessionKey(id), done)
}

// renamed is the session's name after the answer.
func renamed(answer edge.Fields, cookie, id string) string {
	for _, line := range answer.Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name == cookie && c.Value != "" && c.MaxAge >= 0 {
			id = c.Value
		}
	}
	return id
}
