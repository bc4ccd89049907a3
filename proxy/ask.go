package proxy

import (
	"net/http"

	"triage/shed"
)

// ask is what the control law is told of the request.
func (x *passage) ask(r *http.Request) shed.Ask {
	return shed.Ask{Route: x.route.shed, Cohort: x.cohort(r)}
}

// cohort is the slice of its class that the request belongs to.
func (x *passage) cohort(r *http.Request) uint8 {
	session := ""
	switch s := x.route.settings; {
	case s.SessionCookie != "":
		if c, err := r.Cookie(s.SessionCookie); err == nil {
			session = c.Value
		}
	case s.SessionHeader != "":
		session = r.Header.Get(s.SessionHeader)
	}
	if session == "" {
		session = household(x.Client)
	}
	return x.table.sessionKey.Cohort(session, x.Start)
}
