package telemetry_test

import (
	"fmt"
	"io"
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"triage/proxy"
	"triage/proxy/reason"
	"triage/proxy/telemetry"
)

// scrape gives the text exposition as the handler serves it.
func scrape(t testing.TB, tel *telemetry.Telemetry, accept string) string {
	t.Helper()
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	tel.Handler().ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("scraping: status %d, error %v, body %s", w.Code, err, body)
	}
	return string(body)
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %s in\n%s", line, ours(text))
		}
	}
}

func ours(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "triage_") && !strings.Contains(line, "_bucket{") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestNewRefusesBadSettings(t *testing.T) {
	for name, log := range map[string]telemetry.LogSettings{
		"negative buffer": {Buffer: -1},
		"no number":       {Refusals: math.NaN()},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := telemetry.New(telemetry.Settings{Log: log}); err == nil {
				t.Errorf("New with %+v: got no error", log)
			}
		})
	}
}

func TestStatusClasses(t *testing.T) {
	for _, c := range []struct {
		status int
		class  string
	}{{101, "1xx"}, {200, "2xx"}, {304, "3xx"}, {499, "4xx"}, {599, "5xx"}, {0, "5xx"}, {-1, "5xx"}, {99, "5xx"}, {600, "5xx"}, {9999, "5xx"}} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			tel := newTelemetry(t, telemetry.Settings{})
			tel.Route("r", "p", "u").Record(&proxy.Exchange{Status: c.status})
			wantLines(t, scrape(t, tel, ""), `triage_requests_total{code="`+c.class+`",priority="p",result="served",route="r"} 1`)
		})
	}
}

func TestRecord(t *testing.T) {
	for name, c := range map[string]struct {
		exchange                            proxy.Exchange
		durations, firstBytes, waits        int
		in, out                             int
		code, result                        string
		decisionsLimit, decisionsClientGone int
	}{
		"served":    {exchange: proxy.Exchange{Status: 200, Total: time.Second, FirstByte: time.Second, Queued: time.Second, BytesIn: 3, BytesOut: 5}, durations: 1, firstBytes: 1, waits: 1, in: 3, out: 5, code: "2xx", result: "served"},
		"unqueued":  {exchange: proxy.Exchange{Status: 200, Total: time.Second, FirstByte: time.Second, BytesIn: -1, BytesOut: -1}, durations: 1, firstBytes: 1, code: "2xx", result: "served"},
		"failed":    {exchange: proxy.Exchange{Status: 504, Result: proxy.Failed, Total: time.Second}, durations: 1, code: "5xx", result: "failed"},
		"refused":   {exchange: proxy.Exchange{Status: 503, Result: proxy.Refused, Reason: reason.Limit, Total: time.Second, Queued: time.Second}, waits: 1, code: "5xx", result: "refused", decisionsLimit: 1},
		"fallback":  {exchange: proxy.Exchange{Status: 200, Result: proxy.Degraded, Reason: reason.Limit, Total: time.Second}, durations: 1, code: "2xx", result: "degraded", decisionsLimit: 1},
		"left":      {exchange: proxy.Exchange{Status: 499, Result: proxy.Void, Reason: reason.ClientGone, Total: time.Second, FirstByte: time.Second}, firstBytes: 1, code: "4xx", result: "void", decisionsClientGone: 1},
		"websocket": {exchange: proxy.Exchange{Status: 101, Upgraded: true, Total: time.Hour, FirstByte: time.Second}, firstBytes: 1, code: "1xx", result: "served"},
	} {
		t.Run(name, func(t *testing.T) {
			tel := newTelemetry(t, telemetry.Settings{})
			tel.Route("r", "p", "u").Record(&c.exchange)
			wantLines(t, scrape(t, tel, ""),
				fmt.Sprintf(`triage_requests_total{code=%q,priority="p",result=%q,route="r"} 1`, c.code, c.result),
				fmt.Sprintf(`triage_request_duration_seconds_count{priority="p",route="r"} %d`, c.durations),
				fmt.Sprintf(`triage_upstream_first_byte_seconds_count{route="r"} %d`, c.firstBytes),
				fmt.Sprintf(`triage_queue_wait_seconds_count{route="r"} %d`, c.waits),
				fmt.Sprintf(`triage_request_body_bytes_total{route="r"} %d`, c.in),
				fmt.Sprintf(`triage_response_body_bytes_total{route="r"} %d`, c.out),
				fmt.Sprintf(`triage_decisions_total{priority="p",reason="limit",route="r"} %d`, c.decisionsLimit),
				fmt.Sprintf(`triage_decisions_total{priority="p",reason="client_gone",route="r"} %d`, c.decisionsClientGone))
		})
	}
}

func TestRouteless(t *testing.T) {
	tel := newTelemetry(t, telemetry.Settings{})
	tel.Route("", "", "").Record(&proxy.Exchange{Status: 404, Result: proxy.Void, Reason: reason.NoRoute})
	tel.Retain(nil)
	wantLines(t, scrape(t, tel, ""), `triage_requests_total{code="4xx",priority="none",result="void",route="none"} 1`)
}

func TestSameLabelsSameRecorder(t *testing.T) {
	tel := newTelemetry(t, telemetry.Settings{})
	before := tel.Route("a", "critical", "shop")
	tel.Route("a", "normal", "shop")
	if after := tel.Route("a", "critical", "shop"); after != before {
		t.Error("Route gave another recorder for the same labels")
	}
	if invalid := tel.Route("\xff", "\xff", "\xff"); invalid == nil {
		t.Error("Route gave no recorder for a name that is not UTF-8")
	}
}

func TestRetain(t *testing.T) {
	tel := newTelemetry(t, telemetry.Settings{})
	exchange := &proxy.Exchange{Status: 200, BytesIn: 1, Total: time.Second, FirstByte: time.Second, Queued: time.Second}
	stays, goes := tel.Route("stays", "normal", "shop"), tel.Route("goes", "normal", "shop")
	promoted, moved := tel.Route("promoted", "normal", "shop"), tel.Route("moved", "normal", "shop")
	for _, r := range []proxy.Recorder{stays, goes, promoted, moved} {
		r.Record(exchange)
	}
	tel.Route("promoted", "critical", "shop").Record(exchange)
	tel.Route("moved", "normal", "search").Record(exchange)

	tel.Retain([]string{"stays", "promoted", "moved"})
	goes.Record(exchange)
	promoted.Record(exchange)
	text := scrape(t, tel, "")
	for _, gone := range []string{`route="goes"`, `priority="normal",route="promoted"`, `priority="normal",result="served",route="promoted"`, `priority="normal",route="moved",upstream="shop"`} {
		if strings.Contains(text, gone) {
			t.Errorf("still exposed: %s in\n%s", gone, ours(text))
		}
	}
	wantLines(t, text,
		`triage_requests_total{code="2xx",priority="normal",result="served",route="stays"} 1`,
		`triage_requests_total{code="2xx",priority="critical",result="served",route="promoted"} 1`,
		`triage_requests_total{code="2xx",priority="normal",result="served",route="moved"} 2`,
		`triage_request_body_bytes_total{route="promoted"} 3`,
		`triage_route_info{priority="normal",route="moved",upstream="search"} 1`)

	tel.Route("goes", "normal", "shop").Record(exchange)
	wantLines(t, scrape(t, tel, ""), `triage_requests_total{code="2xx",priority="normal",result="served",route="goes"} 1`)
}

func TestSnapshotIsPulled(t *testing.T) {
	wantLines(t, scrape(t, full(t), ""),
		`triage_inflight_requests{route="checkout"} 5`,
		`triage_queued_requests{route="checkout"} 2`,
		`triage_headroom_ceiling{route="checkout"} 40`,
		`triage_baseline_seconds{route="checkout"} 0.02`,
		`triage_latency_ratio{route="checkout"} 1.5`,
		`triage_error_ratio{route="checkout"} 0.25`,
		`triage_breaker_state{route="checkout",state="closed"} 0`,
		`triage_breaker_state{route="checkout",state="half-open"} 0`,
		`triage_breaker_state{route="checkout",state="open"} 1`,
		`triage_breaker_state{route="search",state="closed"} 1`,
		`triage_bucket_tokens{limit="route",route="checkout"} 12.5`,
		`triage_bucket_keys{limit="client_ip",route="checkout"} 40`,
		`triage_bucket_keys{limit="client_ip#2",route="checkout"} 41`,
		`triage_bucket_overflow_total{limit="client_ip#2",route="checkout"} 4`,
		`triage_concurrency_limit{group="checkout+cart",upstream="shop"} 24`,
		`triage_group_pressure_ratio{group="checkout+cart",upstream="shop"} 1.1`,
		`triage_group_slowness_ratio{group="checkout+cart",upstream="shop"} 2`,
		`triage_endpoint_breaker_state{endpoint="http://127.0.0.1:9000",state="half-open",upstream="shop"} 1`,
		`triage_endpoint_inflight_requests{endpoint="http://127.0.0.1:9000",upstream="shop"} 7`,
		`triage_upstream_panic{upstream="shop"} 1`,
		`triage_law_broken{upstream="shop"} 1`,
		`triage_draining 1`,
		`triage_connections{listener="0.0.0.0:8080"} 3`)
}

func TestUnknownIsAbsent(t *testing.T) {
	text := scrape(t, full(t), "")
	for _, series := range []string{`triage_baseline_seconds{route="search"}`, `triage_latency_ratio{route="search"}`, `triage_headroom_ceiling{route="search"}`, `triage_bucket_tokens{limit="client_ip"`} {
		if strings.Contains(text, series) {
			t.Errorf("%s is exposed although nobody knows it", series)
		}
	}
}

func TestReloaded(t *testing.T) {
	tel := newTelemetry(t, telemetry.Settings{})
	if text := scrape(t, tel, ""); strings.Contains(text, "triage_config") {
		t.Errorf("before the first load: %s", ours(text))
	}
	tel.Reloaded(false, "bad", time.Unix(1, 0))
	text := scrape(t, tel, "")
	wantLines(t, text, `triage_config_last_reload_successful 0`)
	if strings.Contains(text, "bad") {
		t.Errorf("the hash of a configuration that was never in force is exposed: %s", ours(text))
	}
	tel.Reloaded(true, "good", time.Unix(1700000000, 0))
	tel.Reloaded(false, "bad", time.Unix(1800000000, 0))
	wantLines(t, scrape(t, tel, ""),
		`triage_config_last_reload_successful 0`,
		`triage_config_last_reload_success_timestamp_seconds 1.7e+09`,
		`triage_config_info{hash="good"} 1`)
}

func TestNegotiation(t *testing.T) {
	tel := full(t)
	for accept, want := range map[string]string{
		"":                             "text/plain",
		"application/openmetrics-text": "application/openmetrics-text",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited": "application/vnd.google.protobuf",
	} {
		t.Run(want, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/metrics", nil)
			r.Header.Set("Accept", accept)
			w := httptest.NewRecorder()
			tel.Handler().ServeHTTP(w, r)
			if got := w.Header().Get("Content-Type"); w.Code != 200 || !strings.HasPrefix(got, want) {
				t.Errorf("Accept %q: got status %d, type %q, want 200, %q", accept, w.Code, got, want)
			}
		})
	}
	if text := scrape(t, tel, "application/openmetrics-text"); !strings.HasSuffix(text, "# EOF\n") {
		t.Error("the OpenMetrics exposition does not end with # EOF")
	}
	wantLines(t, scrape(t, tel, ""), `promhttp_metric_handler_errors_total{cause="gathering"} 0`)
}

func TestHistogramsAreClassicAndNative(t *testing.T) {
	tel := newTelemetry(t, telemetry.Settings{})
	tel.Route("r", "p", "u").Record(&proxy.Exchange{Status: 200, Total: 30 * time.Millisecond})
	families, err := tel.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "triage_request_duration_seconds" {
			continue
		}
		h := f.GetMetric()[0].GetHistogram()
		// A growth factor of at most 1.1 is schema 3: 2^(1/8) = 1.09.
		if len(h.GetBucket()) != 14 || h.GetSchema() != 3 || len(h.GetPositiveSpan()) != 1 {
			t.Errorf("got %d classic buckets, schema %d, %d native spans, want 14, 3, 1", len(h.GetBucket()), h.GetSchema(), len(h.GetPositiveSpan()))
		}
		return
	}
	t.Error("triage_request_duration_seconds is not exposed")
}

// TestScrapeSurvivesABadSource: what the proxy counted stays visible when the snapshot's source panics.
func TestScrapeSurvivesABadSource(t *testing.T) {
	tel := newTelemetry(t, telemetry.Settings{Snapshot: func() proxy.Snapshot { panic("broken") }})
	tel.Route("r", "p", "u").Record(&proxy.Exchange{Status: 200})
	wantLines(t, scrape(t, tel, ""), `triage_requests_total{code="2xx",priority="p",result="served",route="r"} 1`)
}
