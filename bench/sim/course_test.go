package sim

import (
	"math"
	"reflect"
	"testing"
	"time"
)

// A course has the run's own sums, class by class, in few points.
func TestCourse(t *testing.T) {
	sc, got := made(Overload)
	sc.Phases[1].For, sc.Phases[1].Name = 70*time.Second, "crowd" // 90 s in all: 180 windows in 60 points of three
	_, ideal := made(Overload)
	for _, r := range []*Result{got, ideal} {
		more := newResult(sc, sc.lasts()+drain)
		for k := range more.Windows {
			for i := range more.Windows[k] {
				more.Windows[k][i] = Cell{Offered: 10, Served: 4 + i}
			}
		}
		r.Windows, r.begin = more.Windows, more.begin
	}
	ideal.Windows[0][0].Served = 10
	got.Limits = make([]float64, 900)
	for k := 100; k < 800; k++ {
		got.Limits[k] = 30
	}
	c := courseOf(sc, 4, got, ideal)
	if c.Seed != 4 || c.Every != 1.5 || len(c.Phases) != 3 || c.Phases[1] != (CoursePhase{"crowd", Overload, 80}) {
		t.Errorf("seed %d, a point every %v s, phases %+v", c.Seed, c.Every, c.Phases)
	}
	if len(c.Classes) != 2 || c.Classes[0].Class != 0 || c.Classes[1].Class != 3 || len(c.Classes[0].Offered) != 60 {
		t.Fatalf("classes %+v; want class 0 and class 3 with 60 points", c.Classes)
	}
	if k := c.Classes[0]; k.Offered[0] != 30 || k.Served[0] != 12 || k.Ideal[0] != 18 || k.Ideal[1] != 12 {
		t.Errorf("class 0 begins with %d offered, %d served, %d and %d of the oracle; want 30, 12, 18 and 12", k.Offered[0], k.Served[0], k.Ideal[0], k.Ideal[1])
	}
	if k := c.Classes[1]; k.Offered[59] != 60 || k.Served[59] != 33 {
		t.Errorf("class 3, of two routes, ends with %d offered and %d served; want 60 and 33", k.Offered[59], k.Served[59])
	}
	if c.Limit[0] != 0 || c.Limit[6] != 10 || c.Limit[30] != 30 {
		t.Errorf("limits %v; want 0 in the calm, 10 where it begins within the point, 30 in the crowd", c.Limit)
	}
	got.Limits = make([]float64, 900)
	if c := courseOf(sc, 1, got, ideal); c.Limit != nil {
		t.Errorf("a policy without a limit has %v", c.Limit)
	}
}

func TestRound(t *testing.T) {
	for v, want := range map[float64]float64{0: 0, 0.98996: 0.99, 0.98994: 0.9899, 12345: 12350, -0.00123456: -0.001235, 1: 1} {
		if got := round(v, 4); math.Abs(got-want) > 1e-12 {
			t.Errorf("round(%v) is %v; want %v", v, got, want)
		}
	}
	if !math.IsNaN(round(math.NaN(), 4)) || !math.IsInf(round(math.Inf(1), 4), 1) {
		t.Error("what is no number has become one")
	}
}

// The worst seed misses most goals; of equals it is the one with the least critical goodput.
func TestWorstSeed(t *testing.T) {
	fine := func() Values {
		v := make(Values, len(Measures()))
		for i, m := range Measures() {
			v[i] = m.Goal
		}
		return v
	}
	a, b, c := fine(), fine(), fine()
	b[3] = 0.5 // total
	c[0] = 0.5 // critical
	if got := worstSeed([]Values{a, b, c}); got != 2 {
		t.Errorf("of one miss each, seed index %d; want 2, which loses critical requests", got)
	}
	b[9] = 10
	if got := worstSeed([]Values{a, b, c}); got != 1 {
		t.Errorf("seed index %d; want 1, which misses two goals", got)
	}
	if got := worstSeed([]Values{a}); got != 0 {
		t.Errorf("of one seed index %d", got)
	}
}

func TestMisses(t *testing.T) {
	record := func(policy string, median, worst float64) Record {
		r := Record{Episode: "e", Policy: policy}
		for _, m := range Measures() {
			r.Median, r.Worst = append(r.Median, m.Goal), append(r.Worst, m.Goal)
		}
		r.Median[0], r.Worst[0] = median, worst
		r.Median[4], r.Worst[4] = math.NaN(), math.NaN()
		return r
	}
	why := []Explanation{
		{Episodes: []string{"e", "f"}, Measures: []string{"critical", "total"}, Why: "w", Bound: "b"}, // f was not run
		{Episodes: []string{"e"}, Measures: []string{"critical", "p99"}, Why: "w", Bound: "b"},
		{Episodes: []string{"e"}, Measures: []string{"recover", "protect"}, Why: "w", Bound: "b"},
		{Episodes: []string{"g"}, Measures: []string{"sessions"}, Why: "w", Bound: "b"},
	}
	records := []Record{record("none", 0, 0), record("law", 0.995, 0.9)}
	misses, stale := Misses(records, "law", why)
	if len(misses) != 1 || misses[0].Measure.Name != "critical" || misses[0].ByMedian || misses[0].Worst != 0.9 || misses[0].Explanation != &why[0] {
		t.Errorf("misses %+v; want critical, by the worst seed only, explained", misses)
	}
	if want := []string{"p99 of e", "e: recover, protect"}; !reflect.DeepEqual(stale, want) {
		t.Errorf("stale %q; want %q", stale, want)
	}
	misses, stale = Misses([]Record{record("law", 0.5, 0.4)}, "law", nil)
	if len(misses) != 1 || !misses[0].ByMedian || misses[0].Explanation != nil || len(stale) != 0 {
		t.Errorf("misses %+v, stale %q; want critical, by the median, unexplained", misses, stale)
	}
}

// A value that misses its goal by a hair does not look as if it met it.
func TestTextShowsTheMiss(t *testing.T) {
	critical := Measures()[0]
	for v, want := range map[float64]string{0.9896: "0.9896", 0.9894: "0.989", 0.99: "0.990", 1: "1.000"} {
		if got := critical.Text(v); got != want {
			t.Errorf("critical %v is shown as %q; want %q", v, got, want)
		}
	}
	if got := critical.marked(0.9896); got != "!0.9896" {
		t.Errorf("marked: %q", got)
	}
}
