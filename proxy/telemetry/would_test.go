package telemetry_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"triage/proxy"
	"triage/proxy/reason"
	"triage/proxy/telemetry"
)

// What would have been refused is counted and logged beside what became of it; whatever else the reason may be counts nowhere.
func TestWouldRefuse(t *testing.T) {
	var out bytes.Buffer
	tel, err := telemetry.New(telemetry.Settings{Log: telemetry.LogSettings{Writer: &out}})
	if err != nil {
		t.Fatal(err)
	}
	r := tel.Route("cart", "normal", "shop")
	for _, would := range []reason.Reason{reason.None, reason.Displaced, reason.Displaced, reason.Breaker, reason.UpstreamReset} {
		r.Record(&proxy.Exchange{Status: 200, Result: proxy.Served, Would: would})
	}
	wantLines(t, scrape(t, tel, ""),
		`triage_would_refuse_total{priority="normal",reason="displaced",route="cart"} 2`,
		`triage_would_refuse_total{priority="normal",reason="breaker",route="cart"} 1`,
		`triage_would_refuse_total{priority="normal",reason="quota",route="cart"} 0`,
		`triage_decisions_total{priority="normal",reason="displaced",route="cart"} 0`,
		`triage_requests_total{code="2xx",priority="normal",result="served",route="cart"} 5`)
	if strings.Contains(scrape(t, tel, ""), `triage_would_refuse_total{priority="normal",reason="upstream_reset"`) {
		t.Error("there is a series for a reason that is no refusal")
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := tel.Run(ended); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), `"would_refuse":"displaced"`); got != 2 {
		t.Errorf("%d lines say would_refuse displaced, want 2:\n%s", got, out.String())
	}
	if got := strings.Count(out.String(), "would_refuse"); got != 4 {
		t.Errorf("%d lines have would_refuse, want the 4 that would have been:\n%s", got, out.String())
	}
	tel.Retain(nil)
	if strings.Contains(scrape(t, tel, ""), `route="cart"`) {
		t.Error("a route that is gone is still exposed")
	}
}
