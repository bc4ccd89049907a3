package incident_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"triage/proxy/incident"
	"triage/proxy/incident/verdict"
)

// second plays one second with what was counted since the beginning.
func (w *world) second(s incident.Signals, totals map[string]incident.Counts, seen ...verdict.RouteSeen) {
	w.at += time.Second
	w.book.Observe(w.now(), w.at, incident.Observation{
		Signals: s, Totals: totals, Classes: map[string]int{"checkout": 0, "cart": 1, "recs": 3},
		Second: verdict.Second{At: w.at, Lasted: time.Second, Routes: seen},
	})
}

func TestSeverityOnlyRises(t *testing.T) {
	w := newWorld(t, "")
	totals := func(checkout, cart, recs uint64) map[string]incident.Counts {
		return map[string]incident.Counts{"checkout": {Served: 1000, Failed: checkout}, "cart": {Served: 1000, Refused: cart}, "recs": {Served: 1000, Refused: recs}}
	}
	w.second(calm, totals(0, 0, 0))
	for _, step := range []struct {
		checkout, cart, recs uint64
		want                 int
	}{{0, 0, 0, 4}, {0, 0, 10, 3}, {0, 100, 10, 2}, {50, 100, 10, 1}, {50, 100, 10, 1}} {
		w.second(trouble, map[string]incident.Counts{"checkout": {Served: 2000, Failed: step.checkout}, "cart": {Served: 2000, Refused: step.cart}, "recs": {Served: 2000, Refused: step.recs}})
		if got := w.show(t).Severity; got != step.want {
			t.Errorf("%+v: SEV%d", step, got)
		}
	}
	rated := 0
	for _, e := range w.show(t).Entries {
		if e.Kind == incident.Rated {
			rated++
		}
	}
	if rated != 4 {
		t.Errorf("%d entries of severities, want 4: one each time that it rises", rated)
	}
	if u := incident.UpdateOf(w.show(t), w.now(), nil).Text(); !strings.Contains(u, "SEV1") {
		t.Errorf("the update does not say the severity:\n%s", u)
	}
}

func TestProtectedRoutesThatSufferAreSev1(t *testing.T) {
	w := newWorld(t, "")
	w.second(calm, nil)
	for range 5 {
		w.second(incident.Signals{Traffic: 100, Unwell: []string{"checkout takes 9 times its baseline"}}, nil)
	}
	if got := w.show(t).Severity; got != 1 {
		t.Errorf("SEV%d, want SEV1", got)
	}
}

func TestTheReportSaysWhatWouldHaveBeen(t *testing.T) {
	path := t.TempDir() + "/incidents.jsonl"
	w := newWorld(t, path)
	route := func(name string, offered, refused int) verdict.RouteSeen {
		return verdict.RouteSeen{Name: name, Upstream: "shop", Offered: offered, Refused: refused, Answered: offered - refused, Took: float64(offered-refused) / 50}
	}
	served := uint64(0)
	for range 30 {
		served += 20
		w.second(calm, map[string]incident.Counts{"checkout": {Served: served}}, route("checkout", 20, 0), route("recs", 20, 0))
	}
	if got := incident.ReportOf(incident.Incident{}, w.now(), nil).Without; got != "" {
		t.Errorf("of no incident: %q", got)
	}
	refused := uint64(0)
	for range 20 {
		served, refused = served+80, refused+100
		w.second(trouble, map[string]incident.Counts{"checkout": {Served: served}, "recs": {Refused: refused}}, route("checkout", 80, 1), route("recs", 120, 100))
	}
	i := w.show(t)
	r := incident.ReportOf(i, w.now(), nil)
	p := i.Impact.Protected
	if p == nil || !p.Known || p.Offered < 700 || p.From < 0 || p.To > 1 || p.Likely > 0.6 || p.To < p.From+0.1 {
		t.Fatalf("protected: %+v", p)
	}
	if !slices.ContainsFunc(r.Effect, func(s string) bool { return strings.Contains(s, "Without protection it would have been about") }) || !strings.Contains(r.Markdown(), r.Without) {
		t.Errorf("the report does not say it: %q", r.Effect)
	}
}
