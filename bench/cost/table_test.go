package cost_test

import (
	"strings"
	"testing"

	"triage/bench/cost"
	"triage/bench/record"
)

// measured is a record of two peers in two rounds, and of one that is not there.
func measured() record.Record {
	run := func(scenario, peer, round int, cpu float64) record.Trial {
		return record.Trial{Scenario: scenario, Peer: peer, Round: round, Harness: record.Harness{Valid: true}, Values: map[string]record.Number{"cpu": record.Number(cpu)}}
	}
	r := record.Record{
		Kind: record.Cost, Command: "triage bench cost --only cpu",
		Machine:   record.Machine{Cores: 2, CPU: "any"},
		Scenarios: []record.Scenario{{Name: "cpu: 8 connections"}, {Name: "refusal: refused"}},
		Peers:     []record.Peer{{Name: "nginx"}, {Name: "haproxy"}, {Name: "triage"}, {Name: "caddy", Absent: "caddy is not installed: apt-get install caddy"}},
		Measures:  []record.Measure{{Name: "cpu", Unit: "µs"}},
		Runs: []record.Trial{
			run(0, 0, 1, 10), run(0, 2, 1, 30), run(0, 0, 2, 20), run(0, 2, 2, 40), run(0, 0, 3, 10), run(0, 2, 3, 20), run(1, 2, 1, 4),
		},
	}
	r.Runs = append(r.Runs, record.Trial{Peer: 1, Round: 1, Cut: "haproxy ended by itself"})
	void := run(0, 0, 4, 1)
	void.Harness = record.Harness{Notes: []string{"100 of 200 requests were sent late"}}
	r.Runs = append(r.Runs, void)
	return r
}

func TestRatiosAreTakenWithinARound(t *testing.T) {
	r := measured()
	if got, want := cost.Of(r, 2, 0, "cpu"), (cost.Summary{Median: 30, Least: 20, Most: 40, Rounds: 3}); got != want {
		t.Errorf("triage: %+v, want %+v", got, want)
	}
	// 30/10, 40/20, 20/10: not median over median, which would be 3. The void fourth round does not count.
	if got, want := cost.Ratio(r, 2, 0, 0, "cpu"), (cost.Summary{Median: 2, Least: 2, Most: 3, Rounds: 3}); got != want {
		t.Errorf("triage ÷ nginx: %+v, want %+v", got, want)
	}
}

func TestTablesSayWhatIsThere(t *testing.T) {
	for name, write := range map[string]func(*strings.Builder) error{
		"text":     func(b *strings.Builder) error { return cost.WriteText(b, measured()) },
		"markdown": func(b *strings.Builder) error { return cost.WriteMarkdown(b, measured()) },
	} {
		var out strings.Builder
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"30.0 (20.0–40.0)", "2.00 (2.00–3.00)", "caddy is absent: caddy is not installed: apt-get install caddy",
			"haproxy, cpu: 8 connections: haproxy ended by itself (1 of its runs)", "nginx, cpu: 8 connections: 100 of 200 requests were sent late (1 of its runs)",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s does not say %q:\n%s", name, want, &out)
			}
		}
	}
}

func TestAMeasurementInPieces(t *testing.T) {
	before, now := measured(), measured()
	now.Command = "triage bench cost --only refusal"
	now.Scenarios, now.Peers = []record.Scenario{{Name: "refusal: refused"}}, []record.Peer{{Name: "triage"}}
	now.Runs = []record.Trial{{Round: 1, Harness: record.Harness{Valid: true}, Values: map[string]record.Number{"cpu": 5}}}
	merged, err := cost.Merge(now, before)
	if err != nil {
		t.Fatal(err)
	}
	if got := cost.Of(merged, 0, 0, "cpu"); got.Median != 5 || got.Rounds != 1 {
		t.Errorf("what was measured now became %+v", got)
	}
	if got := cost.Of(merged, 0, 1, "cpu"); got.Median != 30 || merged.Peers[0].Name != "triage" || merged.Scenarios[1].Name != "cpu: 8 connections" {
		t.Errorf("what was measured before became %+v", got)
	}
	if want := "triage bench cost --only cpu,refusal"; merged.Command != want {
		t.Errorf("command %q, want %q", merged.Command, want)
	}
	var out strings.Builder
	if err := record.Encode(&out, merged); err != nil {
		t.Error(err)
	}
	for again, want := range map[string]string{
		"triage bench cost --only cpu":            "triage bench cost --only cpu,refusal",
		"triage bench cost --only latency":        "triage bench cost --only cpu,refusal,latency",
		"triage bench cost --only cpu --rounds 3": "triage bench cost --only cpu,refusal; triage bench cost --only cpu --rounds 3",
		"triage bench cost --peers nginx,triage":  "triage bench cost --only cpu,refusal; triage bench cost --peers nginx,triage",
		"triage bench cost --only cpu,refusal":    "triage bench cost --only cpu,refusal",
	} {
		third := now
		third.Command, third.Scenarios = again, []record.Scenario{{Name: "bodies: any"}}
		if last, err := cost.Merge(third, merged); err != nil || last.Command != want {
			t.Errorf("after %q: %q, %v; want %q", again, last.Command, err, want)
		}
	}

	other := before
	other.Machine.CPU = "another"
	if _, err := cost.Merge(now, other); err == nil || !strings.Contains(err.Error(), "another machine") {
		t.Errorf("a record of another machine: %v", err)
	}
	other = before
	other.Kind = record.Run
	if _, err := cost.Merge(now, other); err == nil {
		t.Error("a record of bench run was taken")
	}
}
