package telemetry

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Metric describes one metric of Triage's own. The Go runtime's and the process' are exposed beside them.
type Metric struct {
	Name string
	// Type is counter, gauge or histogram.
	Type   string
	Labels []string
	Help   string
}

// The metrics, by their place in the catalogue.
const (
	requests = iota
	requestDuration
	firstByte
	queueWait
	stageDuration
	decisions
	wouldRefuse
	bytesIn
	bytesOut
	routeInfo

	// From here on metrics are pulled at the scrape.
	inFlight
	queued
	ceiling
	baseline
	latency
	errorRatio
	routeBreaker
	bucketKeys
	bucketTokens
	bucketOverflow
	groupLimit
	groupPressure
	groupSlowness
	demandSlots
	servedSlots
	endpointBreaker
	endpointInFlight
	upstreamPanic
	lawBroken
	draining
	connections
	accepted
	acceptErrors
	edgeRefused
	edgeClosed
	shortageRatio
	reloadOK
	reloadTime
	configInfo
	buildInfo
	logDropped
	logSampledOut
	tracesSent
	tracesDropped
	incidentState
	incidentSeverity
	incidentSeconds
	incidentRole
	incidentRecord
	incidentLost
	levers
	wordTaken
	wordRetried
	wordDead
	consoleViewers

	metrics
	firstPulled = inFlight
)

var catalogue = [metrics]Metric{
	requests:        {"triage_requests_total", "counter", []string{"route", "priority", "code", "result"}, "Requests that ended, by the class of the status that the client was told and by what became of them."},
	requestDuration: {"triage_request_duration_seconds", "histogram", []string{"route", "priority"}, "Time from the request's header to the end of its response, without refusals, upgrades and what the client broke off."},
	firstByte:       {"triage_upstream_first_byte_seconds", "histogram", []string{"route"}, "Time from sending a request to an endpoint to its response header."},
	queueWait:       {"triage_queue_wait_seconds", "histogram", []string{"route"}, "Time that requests spent in the waiting room, of those that waited."},
	stageDuration:   {"triage_stage_duration_seconds", "histogram", []string{"route", "stage"}, "Time that requests spent in the stages that have no histogram of their own: edge, connect, body."},
	decisions:       {"triage_decisions_total", "counter", []string{"route", "priority", "reason"}, "Requests that got no plain answer from the backend, by reason."},
	wouldRefuse:     {"triage_would_refuse_total", "counter", []string{"route", "priority", "reason"}, "Requests that would have been refused, by reason, if their upstream were not in mode observe."},
	bytesIn:         {"triage_request_body_bytes_total", "counter", []string{"route"}, "Body bytes read from clients."},
	bytesOut:        {"triage_response_body_bytes_total", "counter", []string{"route"}, "Body bytes written to clients."},
	routeInfo:       {"triage_route_info", "gauge", []string{"route", "priority", "upstream"}, "Always 1: the priority and the upstream of each route, to join with."},

	inFlight:         {"triage_inflight_requests", "gauge", []string{"route"}, "Requests sent to the backend whose response header has not come yet."},
	queued:           {"triage_queued_requests", "gauge", []string{"route"}, "Requests in the waiting room."},
	ceiling:          {"triage_headroom_ceiling", "gauge", []string{"route"}, "How far in-flight requests may grow at the moment; absent while there is no ceiling."},
	baseline:         {"triage_baseline_seconds", "gauge", []string{"route"}, "Time to first byte when all is well; absent until it is known."},
	latency:          {"triage_latency_ratio", "gauge", []string{"route"}, "Time to first byte divided by the baseline; absent while unknown."},
	errorRatio:       {"triage_error_ratio", "gauge", []string{"route"}, "Share of recent requests that failed in the backend."},
	routeBreaker:     {"triage_breaker_state", "gauge", []string{"route", "state"}, "1 for the state that the route's breaker is in, 0 for the others."},
	bucketKeys:       {"triage_bucket_keys", "gauge", []string{"route", "limit"}, "Keys that a rate limit's table holds."},
	bucketTokens:     {"triage_bucket_tokens", "gauge", []string{"route", "limit"}, "Tokens left in the bucket of a limit per route."},
	bucketOverflow:   {"triage_bucket_overflow_total", "counter", []string{"route", "limit"}, "Requests that shared the overflow bucket because the table was full of active keys."},
	groupLimit:       {"triage_concurrency_limit", "gauge", []string{"upstream", "group"}, "Concurrent requests that a group of routes is allowed; absent while nothing is wrong."},
	groupPressure:    {"triage_group_pressure_ratio", "gauge", []string{"upstream", "group"}, "Latency ratio of a group divided by its accepted slowness; about 1 when the limit is right."},
	groupSlowness:    {"triage_group_slowness_ratio", "gauge", []string{"upstream", "group"}, "Slowness that the law has accepted as not caused by load; 1 is none."},
	demandSlots:      {"triage_demand_concurrency", "gauge", []string{"upstream", "priority"}, "Concurrent requests that users ask for, refused ones included: arrivals times baseline times slowness."},
	servedSlots:      {"triage_served_concurrency", "gauge", []string{"upstream", "priority"}, "How much of the demand was served: answers without an error times baseline times slowness."},
	endpointBreaker:  {"triage_endpoint_breaker_state", "gauge", []string{"upstream", "endpoint", "state"}, "1 for the state that the endpoint's breaker is in, 0 for the others."},
	endpointInFlight: {"triage_endpoint_inflight_requests", "gauge", []string{"upstream", "endpoint"}, "Requests in flight at an endpoint."},
	upstreamPanic:    {"triage_upstream_panic", "gauge", []string{"upstream"}, "1 while every endpoint is ejected and ejection is ignored for that reason."},
	lawBroken:        {"triage_law_broken", "gauge", []string{"upstream"}, "1 once the control law of the upstream has died of a defect: it protects nothing, everything passes."},
	draining:         {"triage_draining", "gauge", nil, "1 from the signal to end until the end: readiness fails and connections are asked to close."},
	connections:      {"triage_connections", "gauge", []string{"listener"}, "Client connections open at a listener."},
	accepted:         {"triage_connections_accepted_total", "counter", []string{"listener"}, "Client connections taken."},
	acceptErrors:     {"triage_accept_errors_total", "counter", []string{"listener"}, "Connections that could not be taken, as with a full table of file descriptors."},
	edgeRefused:      {"triage_malformed_requests_total", "counter", []string{"listener"}, "Requests answered before any route was looked for: malformed, or of a method that is never forwarded."},
	edgeClosed:       {"triage_connections_closed_total", "counter", []string{"listener", "cause"}, "Client connections that were closed or refused to protect this process, by cause."},
	shortageRatio:    {"triage_shortage_ratio", "gauge", []string{"of"}, "How short this process is of memory, descriptors and scheduler time: 0 is not at all, 1 is that it is about to run out."},
	reloadOK:         {"triage_config_last_reload_successful", "gauge", nil, "1 if the last attempt to load the configuration succeeded."},
	reloadTime:       {"triage_config_last_reload_success_timestamp_seconds", "gauge", nil, "When the configuration in force was loaded, in seconds since 1970."},
	configInfo:       {"triage_config_info", "gauge", []string{"hash"}, "Always 1: the hash of the configuration in force."},
	buildInfo:        {"triage_build_info", "gauge", []string{"version", "commit", "goversion"}, "Always 1: what this binary was built from."},
	logDropped:       {"triage_log_dropped_total", "counter", []string{"cause"}, "Access log lines lost because the buffer was full or the writer failed."},
	logSampledOut:    {"triage_log_sampled_out_total", "counter", nil, "Refusals left out of the access log by sampling."},

	tracesSent:    {"triage_traces_sent_total", "counter", nil, "Traced requests whose spans the collector has taken."},
	tracesDropped: {"triage_traces_dropped_total", "counter", []string{"cause"}, "Traced requests whose spans were lost because the queue was full or the collector did not take them."},

	incidentState:    {"triage_incident_state", "gauge", []string{"state"}, "1 for the state that the latest incident is in, 0 for the others."},
	incidentSeverity: {"triage_incident_severity", "gauge", nil, "By what the open incident has cost so far: 1 the most important class was hit, 2 the second, 3 another, 4 none; 0 while no incident is open."},
	incidentSeconds:  {"triage_incident_open_seconds", "gauge", nil, "How long the open incident has been open; 0 while none is."},
	incidentRole:     {"triage_incident_role_taken", "gauge", []string{"role"}, "1 if somebody has the role in the open incident."},
	incidentRecord:   {"triage_incident_record_writable", "gauge", nil, "0 while the record of incidents or the audit log cannot be written."},
	incidentLost:     {"triage_incident_entries_lost_total", "counter", nil, "Entries that are in memory alone, since the record's file could not be written for too long."},
	levers:           {"triage_levers", "gauge", []string{"kind"}, "What is set by hand and not taken back."},
	wordTaken:        {"triage_incident_words_delivered_total", "counter", []string{"receiver"}, "Word of incidents that a receiver took."},
	wordRetried:      {"triage_incident_words_retried_total", "counter", []string{"receiver"}, "Tries to tell a receiver that failed and were tried again."},
	wordDead:         {"triage_incident_words_dead_total", "counter", []string{"receiver"}, "Word of incidents that a receiver did not take in two hours, or refused for good: it is with the dead letters."},
	consoleViewers:   {"triage_console_viewers", "gauge", nil, "Streams of the console that are open."},
}

// Names gives every metric of Triage's own; the caller may change the copy.
func Names() []Metric {
	all := slices.Clone(catalogue[:])
	for i := range all {
		all[i].Labels = slices.Clone(all[i].Labels)
	}
	return all
}

// durationBounds are the bucket bounds, in seconds, that OpenTelemetry's semantic conventions advise for
// http.server.request.duration.
var durationBounds = [...]float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}

func counters(metric int) *prometheus.CounterVec {
	m := catalogue[metric]
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: m.Name, Help: m.Help}, m.Labels)
}

func gauges(metric int) *prometheus.GaugeVec {
	m := catalogue[metric]
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: m.Name, Help: m.Help}, m.Labels)
}
