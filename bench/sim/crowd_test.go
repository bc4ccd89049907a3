package sim_test

import (
	"container/heap"
	"reflect"
	"testing"
	"time"

	"triage/bench/sim"
)

// picky refuses every third request, by its number.
type picky struct{ sim.None }

func (picky) Arrive(_ time.Duration, r *sim.Request) sim.Verdict {
	if refuses(r.ID) {
		return sim.Refuse
	}
	return sim.Start
}

func (picky) RetryAfter(time.Duration, *sim.Request) time.Duration { return 300 * time.Millisecond }

func refuses(id uint64) bool { return id%3 == 0 }

const serves = 10 * time.Millisecond

// people is a scenario with everything that clients do: journeys, thinking, leaving, retries.
func people() sim.Scenario {
	step := []sim.Step{{Service: sim.Service{Mean: serves}}}
	phases := []sim.Phase{
		{Name: "calm", For: 6 * sec, Rates: map[string]float64{"static": 40, "buyer": 20}},
		{Name: "crowd", For: 5 * sec, Label: sim.Overload, Rates: map[string]float64{"static": 90, "buyer": 60},
			Burst: sim.Burst{Every: 2 * sec, For: sec, Times: 3, Of: []string{"static"}}},
	}
	return sim.Scenario{
		Routes: []sim.Route{{Name: "pay", Steps: step, Unsafe: true}, {Name: "cart", Class: 1, Steps: step}, {Name: "static", Class: 3, Steps: step}},
		Journeys: []sim.Journey{{Name: "buyer", Stages: []sim.Stage{
			{Route: "cart", Leave: 0.2}, {Route: "cart", Think: sec, Leave: 0.3}, {Route: "pay", Think: sec},
		}}},
		Phases:  phases,
		Clients: sim.Clients{Retry: sim.Retry{Times: 2, Refusals: true, Backoff: 100 * time.Millisecond, Honour: true}},
	}
}

// wants is a heap of what is yet to be sent.
type wants []sim.Want

func (w wants) Len() int           { return len(w) }
func (w wants) Less(i, j int) bool { return w[i].At < w[j].At }
func (w wants) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *wants) Push(x any)        { *w = append(*w, x.(sim.Want)) }
func (w *wants) Pop() any {
	last := (*w)[len(*w)-1]
	*w = (*w)[:len(*w)-1]
	return last
}

// ask lets the crowd ask the service that picky and a backend without bounds are together.
func ask(t *testing.T, sc sim.Scenario, seed uint64) (c *sim.Crowd, started func(uint64) (time.Duration, bool)) {
	t.Helper()
	c, err := sim.NewCrowd(sc, seed)
	if err != nil {
		t.Fatal(err)
	}
	ran := map[uint64]time.Duration{}
	todo := append(wants{}, c.Arrivals()...)
	heap.Init(&todo)
	for len(todo) > 0 {
		w := heap.Pop(&todo).(sim.Want)
		end := sim.End{At: w.At, Fate: sim.Refused, After: 300 * time.Millisecond}
		if !refuses(w.ID) {
			ran[w.ID] = w.At
			end = sim.End{At: w.At + serves}
		}
		if next, more := c.Ended(w, end); more {
			heap.Push(&todo, next)
		}
	}
	return c, func(id uint64) (time.Duration, bool) { at, ok := ran[id]; return at, ok }
}

// The same users who get the same answers outside of the simulator leave the same traces.
func TestCrowdIsTheSimulatorsClients(t *testing.T) {
	sc := people()
	want, err := sim.Run(sc, 5, func(sim.Facts) (sim.Policy, error) { return picky{}, nil })
	if err != nil {
		t.Fatal(err)
	}
	crowd, started := ask(t, sc, 5)
	got, err := crowd.Result(sc, started, nil)
	if err != nil {
		t.Fatal(err)
	}
	if retried := got.Reasons["cart "]; retried < 100 || got.Visits[20].Completed == 0 {
		t.Fatalf("%d refusals, visits %+v; want some of everything", retried, got.Visits)
	}
	if !reflect.DeepEqual(got.Reasons, want.Reasons) {
		t.Errorf("reasons %v; want %v", got.Reasons, want.Reasons)
	}
	if !reflect.DeepEqual(got.Visits, want.Visits) {
		t.Errorf("visits\n%v; want\n%v", got.Visits, want.Visits)
	}
	for i := range want.Windows {
		if !reflect.DeepEqual(got.Windows[i], want.Windows[i]) {
			t.Errorf("window %d: %+v; want %+v", i, got.Windows[i], want.Windows[i])
		}
	}
	for i := range want.Phases {
		for name, tally := range want.Phases[i] {
			if !reflect.DeepEqual(got.Phases[i][name], tally) || !reflect.DeepEqual(got.First[i][name], want.First[i][name]) {
				t.Errorf("phase %d, %s: %+v; want %+v", i, name, *got.Phases[i][name], *tally)
			}
		}
	}
}

// A run that was cut short is the beginning of the whole one.
func TestResultOfTheBeginning(t *testing.T) {
	sc := people()
	crowd, started := ask(t, sc, 5)
	whole, err := crowd.Result(sc, started, []float64{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	part, err := crowd.Result(sc.Until(8*sec), started, []float64{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	if len(part.Phases) != 2 || len(part.Limits) != 80 || len(whole.Limits) != 110 || part.Limits[2] != 3 {
		t.Errorf("%d phases, %d and %d limits; want 2, 80 and 110", len(part.Phases), len(part.Limits), len(whole.Limits))
	}
	if !reflect.DeepEqual(part.Phases[0], whole.Phases[0]) {
		t.Errorf("first phase %+v; want that of the whole, %+v", part.Phases[0], whole.Phases[0])
	}
	if p, w := part.Phases[1]["static"].Offered, whole.Phases[1]["static"].Offered; p == 0 || p >= w {
		t.Errorf("of the second phase %d were offered; want some, less than %d", p, w)
	}
	if _, err := crowd.Result(sc.Until(0), started, nil); err == nil {
		t.Error("a scenario without phases is no error")
	}
}

func TestScaledKeepsTheLoadInProportion(t *testing.T) {
	s := plain(31, sim.Constant, 200)
	s.Resources[0].Bound = 9
	s.Routes = append(s.Routes, sim.Route{Name: "free", Class: 1, Steps: []sim.Step{{Service: sim.Service{Mean: sec}}}})
	s.Phases[0].Rates["free"] = 50
	s.Phases[0].Bound = map[string]int{s.Resources[0].Name: 1}
	got := s.Scaled(0.5)
	if n := got.Resources[0].Size; n != 16 {
		t.Errorf("half of 31 is a size of %d; want 16", n)
	}
	if rate, want := got.Phases[0].Rates[s.Routes[0].Name], 200.0*16/31; rate != want {
		t.Errorf("rate %v; want %v, which needs as much of 16 as 200 of 31", rate, want)
	}
	if rate := got.Phases[0].Rates["free"]; rate != 25 {
		t.Errorf("rate of what needs no resource: %v; want 25", rate)
	}
	if got.Resources[0].Bound != 5 || got.Phases[0].Bound[s.Resources[0].Name] != 1 {
		t.Errorf("bounds %d and %v; want half, but one at least", got.Resources[0].Bound, got.Phases[0].Bound)
	}
	if s.Resources[0].Size != 31 || s.Phases[0].Rates["free"] != 50 {
		t.Error("scaling has changed the original")
	}
	if peak, before := got.Peak(), s.Peak(); peak >= before || s.Scaled(1).Peak() != before {
		t.Errorf("peak %v; want less than %v", peak, before)
	}
}

func TestPeakCountsBurstsJourneysAndRetries(t *testing.T) {
	s := people()
	// 3 bursts of 90, and 60 buyers with 1 + 0.8 + 0.8·0.7 stages, half of them tried three times.
	if got, want := s.Peak(), 2*(3*90+60*(1+0.8+0.56)); got < want-1e-6 || got > want+1e-6 {
		t.Errorf("peak %v; want %v", got, want)
	}
}

func TestStretchedAndUntil(t *testing.T) {
	s := people()
	if got := s.Stretched(0.5).Lasts(); got != 5500*time.Millisecond {
		t.Errorf("half of 11 s is %v", got)
	}
	cut := s.Until(7 * sec)
	if cut.Lasts() != 7*sec || len(cut.Phases) != 2 || s.Lasts() != 11*sec {
		t.Errorf("cut at 7 s: %v in %d phases; the original has %v", cut.Lasts(), len(cut.Phases), s.Lasts())
	}
}
