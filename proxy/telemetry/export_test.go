package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Gatherer lets tests look at the registry itself.
func (t *Telemetry) Gatherer() prometheus.Gatherer { return t.registry }
