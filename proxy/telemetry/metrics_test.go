package telemetry_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"triage/proxy"
	"triage/proxy/reason"
	"triage/proxy/telemetry"
	"triage/shed"
)

var update = flag.Bool("update", false, "write golden files")

// discard takes lines from requests and throws them away.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func newTelemetry(t testing.TB, s telemetry.Settings) *telemetry.Telemetry {
	t.Helper()
	if s.Log.Writer == nil {
		s.Log.Writer = discard{}
	}
	tel, err := telemetry.New(s)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return tel
}

// everything is a snapshot in which each pulled metric has something to tell, with duplicates that a careless source
// might give.
func everything() proxy.Snapshot {
	endpoint := proxy.EndpointSnapshot{URL: "http://127.0.0.1:9000", InFlight: 7, Breaker: "half-open"}
	return proxy.Snapshot{
		Draining: true,
		Routes: []proxy.RouteSnapshot{{
			Name: "checkout", Priority: "critical", Upstream: "shop", Breaker: "open",
			Buckets: []proxy.BucketSnapshot{
				{Per: "route", Keys: 1, Tokens: 12.5},
				{Per: "client_ip", Keys: 40, Tokens: -1, Overflow: 3},
				{Per: "client_ip", Keys: 41, Tokens: -1, Overflow: 4},
			},
			Shed: shed.RouteSnapshot{InFlight: 5, Queued: 2, Ceiling: 40, Baseline: 0.02, Latency: 1.5, Errors: 0.25},
		}, {Name: "search", Breaker: "closed"}},
		Upstreams: []proxy.UpstreamSnapshot{{
			Name: "shop", Panic: true, Broken: "index out of range",
			Endpoints: []proxy.EndpointSnapshot{endpoint, endpoint},
			Demand:    []proxy.DemandSnapshot{{Priority: "critical", Demand: 30, Served: 24}},
			Groups:    []shed.GroupSnapshot{{Name: "checkout+cart", Limit: 24, Pressure: 1.1, Slowness: 2}},
		}},
	}
}

func full(t testing.TB) *telemetry.Telemetry {
	tel := newTelemetry(t, telemetry.Settings{
		Version: "1.2.3", Commit: "abc", Snapshot: everything,
		Incidents: func() telemetry.IncidentSnapshot {
			return telemetry.IncidentSnapshot{
				State: "open", States: []string{"quiet", "open"}, Severity: 2, Open: time.Minute, Taken: map[string]bool{"commander": true, "comms-lead": false},
				Lost: 3, Levers: map[string]int{"shed": 1, "drain": 0}, Words: map[string]telemetry.WordCounts{"slack": {Taken: 4, Retried: 5, Dead: 6}}, Viewers: 7,
			}
		},
		Traces: func() telemetry.TraceSnapshot { return telemetry.TraceSnapshot{Sent: 5, Overflowed: 6, Failed: 7} },
		Server: func() telemetry.ServerSnapshot {
			return telemetry.ServerSnapshot{Listeners: []telemetry.ListenerSnapshot{{Address: "0.0.0.0:8080", Connections: 3, Closed: map[string]uint64{"room": 2}}}}
		},
	})
	tel.Route("", "", "")
	tel.Route("checkout", "critical", "shop")
	tel.Reloaded(true, "f00d", time.Unix(1700000000, 0))
	return tel
}

func TestNamesAreStable(t *testing.T) {
	var b strings.Builder
	for _, m := range telemetry.Names() {
		fmt.Fprintf(&b, "%s %s {%s}\n", m.Name, m.Type, strings.Join(m.Labels, ","))
	}
	const golden = "testdata/metrics.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("metric names changed; dashboards and alerts depend on them\ngot:\n%s\nwant:\n%s", b.String(), want)
	}
}

func TestNamesIsACopy(t *testing.T) {
	telemetry.Names()[0].Labels[0] = "broken"
	if got := telemetry.Names()[0].Labels[0]; got != "route" {
		t.Errorf("first label after a caller wrote into its copy: got %q, want route", got)
	}
}

func TestLint(t *testing.T) {
	var names []string
	for _, m := range telemetry.Names() {
		names = append(names, m.Name)
	}
	problems, err := testutil.GatherAndLint(full(t).Gatherer(), names...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestExpositionIsTheCatalogue compares what is scraped with what Names promises.
func TestExpositionIsTheCatalogue(t *testing.T) {
	families, err := full(t).Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "triage_") {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		got[f.GetName()] = fmt.Sprint(strings.ToLower(f.GetType().String()), labels)
	}
	for _, m := range telemetry.Names() {
		labels := slices.Sorted(slices.Values(m.Labels))
		if want := fmt.Sprint(m.Type, labels); got[m.Name] != want {
			t.Errorf("%s: exposed as %q, want %q", m.Name, got[m.Name], want)
		}
		delete(got, m.Name)
	}
	for name := range got {
		t.Errorf("%s is exposed and not in Names", name)
	}
}

func TestEveryReasonAndResultHasItsLabel(t *testing.T) {
	tel := newTelemetry(t, telemetry.Settings{})
	rec := tel.Route("checkout", "critical", "shop")
	text := scrape(t, tel, "")
	for _, why := range reason.All() {
		zero := fmt.Sprintf("triage_decisions_total{priority=\"critical\",reason=%q,route=\"checkout\"} 0\n", why)
		if !strings.Contains(text, zero) {
			t.Errorf("before any request: no line %q", zero)
		}
		rec.Record(&proxy.Exchange{Reason: why, Result: proxy.Void, Status: 404})
	}
	for i, result := range proxy.Results() {
		for range i + 1 {
			rec.Record(&proxy.Exchange{Result: result, Status: 301})
		}
	}
	text = scrape(t, tel, "")
	for _, why := range reason.All() {
		one := fmt.Sprintf("triage_decisions_total{priority=\"critical\",reason=%q,route=\"checkout\"} 1\n", why)
		if !strings.Contains(text, one) {
			t.Errorf("after one request: no line %q", one)
		}
	}
	for i, result := range proxy.Results() {
		want := fmt.Sprintf("triage_requests_total{code=\"3xx\",priority=\"critical\",result=%q,route=\"checkout\"} %d\n", result, i+1)
		if !strings.Contains(text, want) {
			t.Errorf("no line %q", want)
		}
	}
}
