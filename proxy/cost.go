package proxy

import (
	"net/http"

	"triage/breaker"
	"triage/proxy/upstream"
)

// cost is what is lost if the request is spent on finding out whether a breaker may close. A health check is made for that.
func (x *passage) cost() breaker.Cost {
	if x.HealthCheck {
		return 0
	}
	return breaker.CostOf(x.route.settings.Class, len(x.table.priorities), !idempotent(x.Method))
}

// idempotent reports whether a request may be sent twice (RFC 9110, section 9.2.2). A method that nobody knows may not.
func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// usable reports whether the request may go to an endpoint while there are others.
func (x *passage) usable(e *upstream.Endpoint) bool {
	return x.up.breakers[e.Index].ReadyAs(x.seat.cost)
}
