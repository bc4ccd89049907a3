package sim

import (
	"math"
	"testing"
	"time"
)

// made is a scenario of two routes on one resource, calm, trouble and calm of ten seconds each, and a result in which everything is served.
func made(label Label) (Scenario, *Result) {
	step := func(resource string) []Step {
		return []Step{{Resource: resource, Service: Service{Mean: 10 * time.Millisecond}}}
	}
	sc := Scenario{
		Resources: []Resource{{Name: "db", Size: 10}},
		Routes:    []Route{{Name: "pay", Class: 0, Steps: step("db")}, {Name: "look", Class: 3, Steps: step("db")}, {Name: "help", Class: 3, Steps: step("")}},
		Innocent:  []string{"help"},
	}
	for _, l := range []Label{Calm, label, Calm} {
		sc.Phases = append(sc.Phases, Phase{For: 10 * time.Second, Label: l})
	}
	r := newResult(sc, sc.lasts()+drain)
	r.Limits = make([]float64, 300)
	for i := range r.Phases {
		for _, route := range sc.Routes {
			*r.Phases[i][route.Name] = Tally{Offered: 1000, Served: 1000, Latency: latencies(1000)}
			*r.First[i][route.Name] = Tally{Offered: 100, Served: 100}
		}
	}
	for k := range r.Windows {
		for i := range r.Windows[k] {
			r.Windows[k][i] = Cell{Offered: 50, Served: 50, Attempts: 50, Admitted: 50}
		}
	}
	return sc, r
}

// latencies are 1 ms, 2 ms, … n ms.
func latencies(n int) (out []time.Duration) {
	for i := range n {
		out = append(out, time.Duration(i+1)*time.Millisecond)
	}
	return out
}

// judgement is what a change of an all too good run does to one measure.
type judgement struct {
	name    string
	label   Label
	measure string
	change  func(sc *Scenario, got, ideal *Result)
	want    float64
}

// counted are measures that compare numbers.
func counted() []judgement {
	return []judgement{
		{"all served", Overload, "critical", nil, 1},
		{"critical lost", Overload, "critical", func(_ *Scenario, got, _ *Result) { got.Phases[1]["pay"].Served = 900 }, 0.9},
		{"what the oracle loses is not held against it", Overload, "critical", func(_ *Scenario, got, ideal *Result) {
			got.Phases[1]["pay"].Served, ideal.Phases[1]["pay"].Served = 900, 900
		}, 1},
		{"calm losses are another measure", Overload, "critical", func(_ *Scenario, got, _ *Result) { got.Phases[0]["pay"].Served = 0 }, 1},
		{"the first second of a crowd", Overload, "first_load", func(_ *Scenario, got, _ *Result) { got.First[1]["pay"].Served = 50 }, 0.5},
		{"is no drop", Overload, "first_drop", nil, math.NaN()},
		{"the first second of a slow database", Overload, "first_drop", func(sc *Scenario, got, _ *Result) {
			sc.Phases[1].Slow = map[string]float64{"db": 2}
			got.First[1]["pay"].Served = 80
		}, 0.8},
		{"total", Overload, "total", func(_ *Scenario, got, _ *Result) { got.Phases[1]["look"].Served = 700 }, 0.9},
		{"no journeys", Overload, "sessions", nil, math.NaN()},
		{"journeys", Overload, "sessions", func(_ *Scenario, got, ideal *Result) {
			got.Visits[0].Completed, got.Visits[30].Completed, ideal.Visits[30].Completed = 99, 30, 40
		}, 0.75},
		{"refused in the calm", Overload, "calm_refused", func(_ *Scenario, got, _ *Result) { got.Windows[3][1].Refusals = 45 }, 100 * 45 / (30 * 50.0 * 3)},
		{"just after the trouble does not count", Overload, "calm_refused", func(_ *Scenario, got, _ *Result) { got.Windows[45][1].Refusals = 45 }, 0},
		{"critical refused in the calm", Overload, "critical_refused", func(_ *Scenario, got, _ *Result) { got.Windows[3][0].Refusals = 2 }, 2},
		{"refused while slow", Slow, "slow_refused", func(_ *Scenario, got, _ *Result) { got.Windows[25][1].Refusals = 30 }, 1},
		{"innocents", Overload, "innocent_refused", func(_ *Scenario, got, _ *Result) { got.Windows[25][2].Refusals = 10 }, 1},
		{"inversion", Overload, "inversions", func(_ *Scenario, got, _ *Result) { got.Windows[24][0].Refusals = 30 }, 1},
		{"the probe a second is none", Overload, "inversions", func(_ *Scenario, got, _ *Result) {
			got.Windows[24][0].Refusals, got.Windows[24][1].Admitted, got.Windows[25][1].Admitted = 30, 1, 0
		}, 0},
		{"the least important refused is none", Overload, "inversions", func(_ *Scenario, got, _ *Result) { got.Windows[24][1].Refusals = 30 }, 0},
	}
}

// timed are measures that look at when, how long and how steadily.
func timed() []judgement {
	return []judgement{
		{"protected at once", Overload, "protect", nil, 0},
		{"protected after two seconds", Overload, "protect", func(_ *Scenario, got, _ *Result) { got.Windows[21][0].Served, got.Windows[23][0].Served = 40, 40 }, 2},
		{"one lost is no matter", Overload, "protect", func(_ *Scenario, got, _ *Result) { got.Windows[23][0].Served = 49 }, 0},
		{"never protected", Overload, "protect", func(_ *Scenario, got, _ *Result) {
			for k := 20; k < 40; k++ {
				got.Windows[k][0].Served = 40
			}
		}, 10},
		{"recovered after three seconds", Overload, "recover", func(_ *Scenario, got, _ *Result) {
			for k := 40; k < 46; k++ {
				got.Windows[k][1].Served = 10
			}
		}, 3},
		{"p99", Overload, "p99", func(_ *Scenario, _, ideal *Result) { ideal.Phases[0]["pay"].Latency = latencies(500) }, 991 / 496.0},
		{"p99 of a backend twice as slow", Overload, "p99", func(sc *Scenario, _, ideal *Result) {
			sc.Phases[1].Slow = map[string]float64{"db": 2}
			ideal.Phases[0]["pay"].Latency = latencies(500)
		}, 991 / 496.0 / 2},
		{"a limit that stands", Overload, "limit_cv", func(_ *Scenario, got, _ *Result) { wave(got, 100, 100) }, 0},
		{"a limit that swings", Overload, "limit_cv", func(_ *Scenario, got, _ *Result) { wave(got, 80, 120) }, 0.2},
		{"turns", Overload, "limit_flips", func(_ *Scenario, got, _ *Result) { wave(got, 80, 120) }, 48 * 12},
		{"small turns are none", Overload, "limit_flips", func(_ *Scenario, got, _ *Result) { wave(got, 95, 105) }, 0},
		{"no limit", Overload, "limit_cv", nil, math.NaN()},
		{"nobody counts probes", Overload, "probes", nil, math.NaN()},
		{"probes", Overload, "probes", func(_ *Scenario, got, _ *Result) { got.CriticalProbes = 3 }, 3},
	}
}

func TestJudge(t *testing.T) {
	for _, v := range append(counted(), timed()...) {
		t.Run(v.name, func(t *testing.T) {
			sc, got := made(v.label)
			_, ideal := made(v.label)
			if v.change != nil {
				v.change(&sc, got, ideal)
			}
			values := Judge(sc, got, ideal)
			for i, m := range Measures() {
				if m.Name == v.measure && !(math.Abs(values[i]-v.want) < 1e-9 || math.IsNaN(values[i]) && math.IsNaN(v.want)) {
					t.Errorf("%s is %v; want %v", m.Name, values[i], v.want)
				}
			}
		})
	}
}

// wave makes the limit go up and down every 100 ms.
func wave(r *Result, low, high float64) {
	for k := range r.Limits {
		r.Limits[k] = low
		if k%2 == 1 {
			r.Limits[k] = high
		}
	}
}

func TestMeasuresAndValuesAgree(t *testing.T) {
	sc, got := made(Overload)
	if n, want := len(Judge(sc, got, got)), len(Measures()); n != want {
		t.Fatalf("%d values for %d measures", n, want)
	}
}

// The median is the median, the worst is the least of what should be large and the largest of what should be small.
func TestSummary(t *testing.T) {
	r := Record{}
	for _, v := range []float64{0.5, 0.9, 0.7} {
		values := make(Values, len(Measures()))
		for i := range values {
			values[i] = v
		}
		values[3] = math.NaN()
		r.Seeds = append(r.Seeds, values)
	}
	r.summarise()
	for i, m := range Measures() {
		worst := 0.9
		if m.AtLeast {
			worst = 0.5
		}
		if i == 3 {
			if !math.IsNaN(r.Median[i]) || !math.IsNaN(r.Worst[i]) {
				t.Errorf("%s has no values, but %v and %v", m.Name, r.Median[i], r.Worst[i])
			}
			continue
		}
		if r.Median[i] != 0.7 || r.Worst[i] != worst {
			t.Errorf("%s: median %v, worst %v; want 0.7 and %v", m.Name, r.Median[i], r.Worst[i], worst)
		}
	}
}

// The calendar gives events by time, and by the order of planning at one instant.
func TestCalendar(t *testing.T) {
	var c calendar
	d := newDice(1)
	for i := range 5000 {
		if i%2 == 0 {
			c.addLast(event{at: time.Duration(i / 10), index: i})
		} else {
			c.add(event{at: time.Duration(d.Uint64() % 500), index: i})
		}
	}
	at, index, n := time.Duration(-1), 0, 0
	for {
		e, ok := c.next()
		if !ok {
			break
		}
		if e.at < at || e.at == at && e.index < index {
			t.Fatalf("event %d at %d came after event %d at %d", e.index, e.at, index, at)
		}
		at, index, n = e.at, e.index, n+1
	}
	if n != 5000 {
		t.Errorf("%d events came out; 5000 went in", n)
	}
}
