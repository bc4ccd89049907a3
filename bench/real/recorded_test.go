package real

import (
	"bytes"
	"testing"

	"triage/bench/record"
	"triage/bench/sim"
)

// What a run in real time and its simulation leave behind can be written, read, and says the same as the report.
func TestRecordSaysWhatTheReportSays(t *testing.T) {
	tr := short(t)
	seen, err := Once(t.Context(), tr, Parts{here(t), gate(t, nil)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := Simulate(t.Context(), tr.Scenario, tr.Dice)
	if err != nil {
		t.Fatal(err)
	}
	report := Report{Command: "triage bench run", Runs: []Run{newRun(t, tr, seen, v)}}
	var text bytes.Buffer
	if err := record.Encode(&text, report.Record(record.Peer{Name: "gate"})); err != nil {
		t.Fatal(err)
	}
	r, err := record.Decode(&text)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Runs) != 2 || r.Peers[r.Runs[0].Peer].Name != "gate" || !r.Peers[r.Runs[1].Peer].Simulated || len(r.Measures) != len(sim.Measures()) {
		t.Fatalf("runs of %v with %d measures; want the gate and the simulation", r.Peers, len(r.Measures))
	}
	if sc := r.Scenarios[0]; sc.Name != "two-innocents" || sc.Phases[len(sc.Phases)-1].To != tr.Scenario.Lasts().Seconds() || sc.Numbers["pool db"] == 0 || len(sc.Drawn) < 1000 {
		t.Errorf("scenario %+v; want what was drawn", sc)
	}
	for i, results := range []*sim.Result{seen.Result, v.Law} {
		for k, route := range r.Runs[i].Routes {
			want := sim.Tally{}
			ideal := 0
			for phase := range results.Phases {
				tally := results.Phases[phase][route.Name]
				want.Offered, want.Served, want.Refused, want.Failed = want.Offered+tally.Offered, want.Served+tally.Served, want.Refused+tally.Refused, want.Failed+tally.Failed
				ideal += v.Oracle.Phases[phase][route.Name].Served
			}
			got := sim.Tally{Offered: sum(route.Offered), Served: sum(route.Served), Refused: sum(route.Refused) + sum(route.Degraded), Failed: sum(route.Failed)}
			if got.Offered != want.Offered || got.Served != want.Served || got.Refused != want.Refused || got.Failed != want.Failed || sum(route.Oracle) != ideal || got.Offered == 0 {
				t.Errorf("run %d, route %s: %+v, oracle %d; want %+v and %d", i, tr.Scenario.Routes[k].Name, got, sum(route.Oracle), want, ideal)
			}
			if n := sum(route.Reasons["whim"]); i == 0 && n != seen.Result.Reasons[route.Name+" whim"] {
				t.Errorf("route %s: %d refused on a whim; want %d", route.Name, n, seen.Result.Reasons[route.Name+" whim"])
			}
		}
	}
	gauges := map[string]record.Gauge{}
	for _, g := range r.Runs[0].Gauges {
		gauges[g.Name] = g
	}
	if l := gauges[record.Limit].Values; len(l) < 10 || l[5] != 7 {
		t.Errorf("limit %v; want 7", l)
	}
	if most := peak(gauges[record.InFlight]); most < 1 || most < peak(gauges[record.AtWork]) || peak(gauges[record.AtWork]) < 1 {
		t.Errorf("in flight at most %v, at the backend %v; want something, and no more there than all", most, peak(gauges[record.AtWork]))
	}
	answered := 0
	for _, h := range r.Runs[0].Histograms {
		answered += h.Latency.Count()
	}
	if answered == 0 || r.Runs[0].Latencies[0].Max[0] == 0 || !r.Runs[0].Values["critical"].There() || !r.Runs[1].Spread["critical"].Least.There() {
		t.Errorf("%d latencies, %+v, values %v, spread %v", answered, r.Runs[0].Latencies, r.Runs[0].Values, r.Runs[1].Spread)
	}
}

func sum(series []int) (n int) {
	for _, v := range series {
		n += v
	}
	return n
}

func peak(g record.Gauge) (most record.Number) {
	for _, v := range g.Values {
		most = max(most, v)
	}
	return most
}
