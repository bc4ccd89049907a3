package origin

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"triage/bench/chance"
)

// draws gives the first service times of a route.
func draws(seed, index uint64, errorShare float64, header http.Header) (all [50]time.Duration) {
	settings := RouteSettings{Service: time.Second, Sigma: 0.5, ErrorShare: errorShare}
	r := newRoute(settings, []*step{newStep(settings.steps()[0], nil)}, seed, index)
	for i := range all {
		t := r.begin(&http.Request{Header: header}, BadEndpoint{})
		all[i], _ = r.work(t, 0, BadEndpoint{})
	}
	return all
}

func TestLuckDependsOnSeedAndRouteOnly(t *testing.T) {
	first := draws(7, 2, 0, nil)
	if draws(7, 2, 0, nil) != first || draws(7, 2, 0.5, nil) != first {
		t.Error("the same seed and route drew different service times")
	}
	if draws(8, 2, 0, nil) == first || draws(7, 3, 0, nil) == first {
		t.Error("another seed, or another route, drew the same service times")
	}
}

func TestARequestMayBringItsLuck(t *testing.T) {
	dice := chance.New(chance.Mix(0xabc, chance.Step))
	want := span(1e9 * dice.Service(chance.Service{Mean: time.Second, Law: chance.Lognormal, Shape: 0.5}))
	for _, got := range draws(7, 2, 0, http.Header{LuckHeader: {"abc"}}) {
		if got != want {
			t.Fatalf("the request with the number abc takes %v, want %v whoever was served before", got, want)
		}
	}
}

func TestServiceBeginsWhenTheOneBeforeWasDue(t *testing.T) {
	p := newPool(PoolSettings{Name: "db", Size: 1}, &room{limit: 10}, false)
	due := time.Now().Add(-3 * time.Millisecond) // the timer of the service before was noticed 3 ms late
	p.busy = 1
	early := &waiter{service: 10 * time.Millisecond, arrived: due.Add(-time.Second), grant: make(chan grant, 1)}
	late := &waiter{service: 10 * time.Millisecond, arrived: due.Add(time.Hour), grant: make(chan grant, 1)}
	p.waiters.PushBack(early)
	p.waiters.PushBack(late)

	p.release(due)
	g := <-early.grant
	if !g.start.Equal(due) || !g.due().Equal(due.Add(10*time.Millisecond)) {
		t.Errorf("waited since before: got %v to %v, want 10 ms from %v on", g.start, g.due(), due)
	}
	p.release(g.due())
	if g := <-late.grant; !g.start.Equal(late.arrived) {
		t.Errorf("came after the due instant: got start %v, want its arrival %v", g.start, late.arrived)
	}
}

func TestLateNoticesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where no time passes by itself
		r := &room{}
		r.noticed(time.Now().Add(-time.Millisecond))
		r.noticed(time.Now().Add(-time.Second))
		if got := r.late.Load(); got != 1 {
			t.Errorf("noticed a millisecond and a second late: %d are counted, want 1", got)
		}
	})
}

func TestSpanStaysInRange(t *testing.T) {
	if got := span(1e30); got != 24*time.Hour {
		t.Errorf("a service time beyond all bounds: got %v, want a day", got)
	}
}
