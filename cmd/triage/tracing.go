package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strings"
	"time"

	"triage/config"
	"triage/proxy"
	"triage/proxy/telemetry"
	"triage/proxy/telemetry/otlp"
)

// tracing puts into the settings what the way of a request has to know of traces, and makes the collector; nil if nothing is traced.
func (s *server) tracing(f *config.File, settings *proxy.Settings) (*otlp.Collector, error) {
	if t := f.Tracing; t != nil {
		settings.Traces = &proxy.TraceSettings{Share: float64(t.Sample), Asked: float64(t.Asked), To: s.traces}
	}
	return newCollector(f)
}

// newCollector makes the collector of a configuration; nil if nothing is traced.
func newCollector(f *config.File) (*otlp.Collector, error) {
	t := f.Tracing
	if t == nil {
		return nil, nil
	}
	settings := otlp.Settings{
		URL: collectorURL(t.Endpoint, os.Getenv), Timeout: time.Duration(t.Timeout), Queue: t.Queue, Version: thisBuild().Version,
		Headers: http.Header{}, Resource: resourceOf(f, os.Getenv),
	}
	for name, value := range pairs(cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS"), os.Getenv("OTEL_EXPORTER_OTLP_HEADERS"))) {
		settings.Headers.Set(name, value)
	}
	if t.HeadersFile != "" {
		more, err := readFields(t.HeadersFile)
		if err != nil {
			return nil, err
		}
		for name := range more {
			settings.Headers.Set(name, more.Get(name))
		}
	}
	for name, value := range t.Headers {
		settings.Headers.Set(name, value)
	}
	if l := t.TLS; l != nil {
		settings.CAFile, settings.ServerName, settings.CertFile, settings.KeyFile = l.CaFile, l.ServerName, l.CertFile, l.KeyFile
	}
	return otlp.NewCollector(settings)
}

// tracesPath is where a collector takes traces.
const tracesPath = "/v1/traces"

// collectorURL is where to post: what the file says, or the environment, as OpenTelemetry's specification of the exporter has it.
func collectorURL(endpoint string, env func(string) string) string {
	if endpoint == "" {
		if exact := env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); exact != "" {
			return exact
		}
		return strings.TrimSuffix(cmp.Or(env("OTEL_EXPORTER_OTLP_ENDPOINT"), "http://localhost:4318"), "/") + tracesPath
	}
	if u, err := url.Parse(endpoint); err == nil && strings.Trim(u.Path, "/") == "" {
		u.Path = tracesPath
		return u.String()
	}
	return endpoint
}

// resourceOf is who we are.
func resourceOf(f *config.File, env func(string) string) map[string]string {
	r := pairs(env("OTEL_RESOURCE_ATTRIBUTES"))
	r["service.name"] = cmp.Or(f.Tracing.Service, env("OTEL_SERVICE_NAME"), r["service.name"], f.Name)
	r["service.version"] = cmp.Or(r["service.version"], thisBuild().Version)
	if host, err := os.Hostname(); err == nil && r["host.name"] == "" {
		r["host.name"] = host
	}
	return r
}

// pairs reads key=value,key=value as OTEL_* variables have it: values are percent-encoded. What is no pair is left out.
func pairs(list string) map[string]string {
	all := map[string]string{}
	for pair := range strings.SplitSeq(list, ",") {
		key, value, ok := strings.Cut(pair, "=")
		plain, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); ok && err == nil && key != "" {
			all[key] = plain
		}
	}
	return all
}

// readFields reads header fields, one a line. What is wrong with them is not told in their words, which may be secret.
func readFields(path string) (http.Header, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fields, err := textproto.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(data), strings.NewReader("\n\n")))).ReadMIMEHeader()
	if err != nil {
		return nil, errors.New("it holds what is no header field")
	}
	return http.Header(fields), nil
}

// badTracing looks into what the collector's address and header fields are taken from.
func badTracing(loaded *config.Loaded) (problems config.Problems) {
	t := loaded.File.Tracing
	if t == nil {
		return nil
	}
	if t.HeadersFile != "" {
		if _, err := readFields(t.HeadersFile); err != nil {
			problems = append(problems, loaded.Problem("tracing.headers_file", err.Error(), "lines of \"NAME: VALUE\""))
		}
	}
	if _, err := otlp.NewCollector(otlp.Settings{URL: collectorURL(t.Endpoint, os.Getenv)}); err != nil {
		problems = append(problems, loaded.Problem("tracing.endpoint", err.Error(), "http:// or https:// and a host, here or in OTEL_EXPORTER_OTLP_ENDPOINT"))
	}
	return problems
}

// traceSnapshot is what metrics tell of traces.
func (s *server) traceSnapshot() telemetry.TraceSnapshot {
	return telemetry.TraceSnapshot(s.traces.Snapshot())
}
