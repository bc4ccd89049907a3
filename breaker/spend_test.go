package breaker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"triage/breaker"
)

// The costs of four classes, cheapest first.
var (
	sheddable     = breaker.CostOf(3, 4, false)
	normal        = breaker.CostOf(2, 4, false)
	important     = breaker.CostOf(1, 4, false)
	postSheddable = breaker.CostOf(3, 4, true)
	postImportant = breaker.CostOf(1, 4, true)
	critical      = breaker.CostOf(0, 4, false)
	payment       = breaker.CostOf(0, 4, true)
)

func TestCostOf(t *testing.T) {
	if !(sheddable == 0 && sheddable < normal && normal < important && important < postSheddable && postSheddable == postImportant &&
		postImportant < critical && critical < payment) {
		t.Errorf("costs are %d %d %d %d %d %d %d", sheddable, normal, important, postSheddable, postImportant, critical, payment)
	}
	for _, c := range []struct {
		class, classes int
		like           breaker.Cost
	}{
		{-1, 4, critical}, {0, 1, critical}, {99, 4, sheddable}, {1, 250, important + 2}, {249, 250, 0},
	} {
		if got := breaker.CostOf(c.class, c.classes, false); got != c.like {
			t.Errorf("class %d of %d costs %d, want %d", c.class, c.classes, got, c.like)
		}
	}
}

// who asked is one who asked so long before the end of the open period (below 0) or after it.
type who struct {
	at   time.Duration
	cost breaker.Cost
}

func TestWhoMayBeAProbe(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name   string
		before []who
		asks   who
		want   bool
	}{
		{"nobody else", nil, who{0, payment}, true},
		{"the cheapest always", []who{{-ms, sheddable}}, who{0, sheddable}, true},
		{"an equal is not cheaper", []who{{-ms, payment}, {0, payment}}, who{ms, payment}, true},
		{"a dearer one is not cheaper", []who{{-ms, payment}}, who{0, sheddable}, true},
		{"critical after a cheap one", []who{{-400 * ms, sheddable}}, who{500 * ms, critical}, false},
		{"critical after a cheap one, a second later", []who{{-400 * ms, sheddable}}, who{620 * ms, critical}, true},
		{"critical after cheap ones all the time", []who{{-400 * ms, sheddable}, {500 * ms, sheddable}, {1400 * ms, sheddable}}, who{2300 * ms, critical}, false},
		{"critical after a cheap POST", []who{{-400 * ms, postSheddable}}, who{0, critical}, false},
		{"a payment after a critical read", []who{{-400 * ms, critical}}, who{0, payment}, false},
		{"a POST after a read", []who{{-400 * ms, important}}, who{0, postSheddable}, false},
		{"a POST after reads all the time waits a second", []who{{-400 * ms, normal}, {500 * ms, normal}, {1400 * ms, normal}}, who{1500 * ms, postSheddable}, true},
		{"a read after a cheaper read", []who{{-50 * ms, sheddable}}, who{0, important}, false},
		{"a read a moment after a cheaper read", []who{{-95 * ms, sheddable}}, who{10 * ms, important}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHand(t, breaker.Settings{})
			h.now = time.Hour
			h.fail()
			half := h.now + h.RetryIn(h.now)
			for i, w := range append(c.before, c.asks) {
				at := half + w.at
				if i < len(c.before) {
					if p, ok := h.Allow(at, w.cost); ok {
						h.Done(at, p, breaker.Ignored)
					}
					continue
				}
				h.now = at
				h.wants(breaker.HalfOpen)
				if ready := h.Ready(at, w.cost); ready != c.want {
					t.Errorf("ready %v, want %v", ready, c.want)
				}
				p, ok := h.Allow(at, w.cost)
				if ok != c.want || ok && !p.Probe() {
					t.Errorf("allowed %v, want %v", ok, c.want)
				}
			}
		})
	}
}

// A stream of cheap requests among many critical ones: no critical one is spent, and it closes all the same.
func TestNoCriticalProbeWhereOthersCome(t *testing.T) {
	h := newHand(t, breaker.Settings{Probes: 1})
	h.fail()
	spent := 0
	for i := range 2000 {
		h.now += 5 * time.Millisecond
		cost := payment
		if i%100 == 0 { // two a second
			cost = sheddable
		}
		if p, ok := h.Allow(h.now, cost); ok {
			if p.Probe() && cost == payment {
				spent++
			}
			h.Done(h.now, p, breaker.Success)
		}
	}
	h.wants(breaker.Closed)
	if spent != 0 {
		t.Errorf("%d payments were probes", spent)
	}
}

// The concurrent breaker notes who asks while it refuses without a lock.
func TestBreakerKnowsWhoAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Settings{})
		open(t, b)
		time.Sleep(b.RetryIn() - 500*time.Millisecond)
		if b.ReadyAs(sheddable) {
			t.Fatal("ready while open")
		}
		time.Sleep(b.RetryIn())
		if _, ok := b.AllowAs(payment); ok || b.ReadyAs(payment) {
			t.Error("a payment became the probe half a second after somebody cheaper came")
		}
		time.Sleep(500 * time.Millisecond)
		if p, ok := b.AllowAs(payment); !ok || !p.Probe() || !p.Awaited() {
			t.Error("a second without anybody cheaper, and a payment may not be the probe")
		}
	})
}
