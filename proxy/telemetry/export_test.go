package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"triage/proxy"
)

// Gatherer lets tests look at the registry itself.
func (t *Telemetry) Gatherer() prometheus.Gatherer { return t.registry }

// Line is an exchange's line of the access log.
func Line(x *proxy.Exchange) []byte { return *lineOf(x) }
