package proxy

import (
	"net/http"

	"triage/shed"
)

// ask is what the control law is told of the request.
func (x *passage) ask(r *http.Request) shed.Ask {
	x.recognise(r)
	return shed.Ask{Route: x.route.shed, Cohort: x.cohort(), Stage: x.visit.Stage}
}
