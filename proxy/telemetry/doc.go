// Package telemetry answers one question: what happened, in numbers and in lines?
//
// Numbers: a Prometheus registry of its own. What an exchange tells is counted when it ends, by the Recorder of its
// route, whose children of every vector were resolved when the configuration was loaded. What the control law, the
// breakers and the buckets know is pulled from a Snapshot when somebody scrapes. Nothing that decides calls this package.
//
// Lines: one JSON object a request, written by Run from a bounded buffer. A request never waits for the log: if the
// buffer is full the line is dropped and counted. Refusals are sampled, since a storm of refusals must not become a
// storm of lines; what was left out is counted and summed up in one line a second.
//
// Units are Prometheus' base units: seconds, bytes, ratios. Histograms have the classic buckets that OpenTelemetry
// advises for HTTP durations (semantic conventions, http.server.request.duration) and beside them native ones: growth
// factor 1.1, at most 160 buckets. The metric names are stable; Names lists them.
//
// Promised: Record costs less than a microsecond and no allocation while the log's writer
// keeps up (two for a line that finds no spare memory); cardinality is bounded by the
// configuration, no label has a value that a client chose; a writer that fails, fills up or hangs slows no request;
// header values, cookies and query strings are never logged.
//
// Of requests that are traced the line has the trace's id, and so has, as an exemplar, the bucket of the duration's histogram. The spans themselves are
// package otlp's.
//
// Not done: pushing, log rotation (write to standard output, or to a file that logrotate copies and truncates).
package telemetry
