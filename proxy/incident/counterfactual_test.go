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
	if i.Severity != 3 || !strings.Contains(incident.UpdateOf(i, w.now(), nil).Text(), "SEV3") {
		t.Errorf("SEV%d, want SEV3, and the update to say so", i.Severity)
	}
}
