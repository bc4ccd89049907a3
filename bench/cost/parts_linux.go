package cost

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"triage/bench/peer"
	"triage/bench/record"
)

// measure does a part.
func (g *guest) measure(part string) error {
	return map[string]func() error{
		"cpu": g.cpu, "latency": g.latency, "refusal": g.refusal, "connections": g.connections, "routes": g.manyRoutes, "clients": g.manyClients, "bodies": g.bodies,
	}[part]()
}

// usual are the requests of a case that is not about requests.
func usual() []request { return asks(usualRoutes, "/item") }

// middling is how many connections are busy where their number is not what is measured.
const middling = 64

// saturated measures one case; what cannot be measured for want of descriptors is noted, and the rest goes on.
func (g *guest) saturated(name string, numbers map[string]float64, connections, want int, requests []request) (window, error) {
	g.at = name
	w, err := g.saturate(connections, want, requests)
	if g.skipped(name, numbers, err) {
		return w, nil
	}
	if err == nil {
		g.put(name, numbers, w.trial())
	}
	return w, err
}

// skipped notes that a size is too large for this system, if that is what an error says.
func (g *guest) skipped(name string, numbers map[string]float64, err error) bool {
	var more needsMore
	if !errors.As(err, &more) {
		return false
	}
	g.put(name, numbers, record.Trial{Harness: record.Harness{Notes: []string{more.Error()}}})
	return true
}

func (g *guest) cpu() error {
	if err := g.enter(0); err != nil {
		return err
	}
	for _, n := range g.Connections {
		name, numbers := fmt.Sprintf("cpu: %d connections", n), map[string]float64{"connections": float64(n)}
		if _, err := g.saturated(name, numbers, n, 200, usual()); err != nil {
			return err
		}
		if g.Wrk && g.Name() != peer.Nothing {
			if err := g.wrk(name, numbers, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// shares of saturation at which latency is measured.
var shares = []float64{0.1, 0.5, 0.9}

func (g *guest) latency() error {
	if g.Name() == peer.Nothing {
		return nil // measured beside each of the others
	}
	if err := g.enter(0); err != nil {
		return err
	}
	g.at = "latency: saturation"
	w, err := g.saturate(middling, 200, usual())
	if err != nil {
		return err
	}
	// What the harness cannot send nobody can be measured at; what the proxy could do beyond that is known from its processor time.
	can := float64(w.good) / w.took.Seconds()
	saturation := can
	if w.harnessBound() {
		saturation = can / (w.proxy.Seconds() / w.took.Seconds())
	}
	if g.Name() == "nginx" && g.reference == 0 {
		g.reference = saturation
	}
	for _, share := range shares {
		if err := g.latencyAt(fmt.Sprintf("latency: %.0f %% of its saturation", 100*share), share*saturation, can); err != nil {
			return err
		}
	}
	if g.reference > 0 {
		return g.latencyAt("latency: half of nginx's saturation", g.reference/2, can)
	}
	return nil
}

// tries is how often a rate is offered while the harness is late: a machine that others use too stands still for some milliseconds now and then.
const tries = 3

// latencyAt measures at a rate with the proxy and without; can is the most that was answered a second.
func (g *guest) latencyAt(name string, rate, can float64) error {
	g.at = name
	if rate > 0.95*can {
		g.put(name, nil, record.Trial{Harness: record.Harness{Notes: []string{fmt.Sprintf("%.0f a second are asked for, %.0f were answered at most", rate, can)}}})
		return nil
	}
	var t record.Trial
	var with, without []time.Duration
	for try := 1; try == 1 || !t.Harness.Valid && try <= tries; try++ {
		w, latencies, err := g.offer(rate, usual())
		if err != nil {
			return err
		}
		if err := g.ends.aim(g.ends.origin); err != nil {
			return err
		}
		bare, direct, err := g.offer(rate, usual())
		if err = errors.Join(err, g.ends.aim(g.address())); err != nil {
			return err
		}
		t, with, without = w.beside(bare), latencies, direct
	}
	t.Values[mP50], t.Values[mP99] = record.Number(quantile(with, 0.5)), record.Number(quantile(with, 0.99))
	t.Values[mAddedP50] = record.Number(quantile(with, 0.5) - quantile(without, 0.5))
	t.Values[mAddedP99] = record.Number(quantile(with, 0.99) - quantile(without, 0.99))
	var h record.Histogram
	for _, d := range with {
		h.Add(d)
	}
	t.Histograms = []record.Interval{{Class: "all", Phase: -1, Latency: h}}
	g.put(name, nil, t)
	return nil
}

func (g *guest) refusal() error {
	if g.Name() == peer.Nothing {
		return nil
	}
	if err := g.enter(0); err != nil {
		return err
	}
	forwarded, err := g.saturated("refusal: forwarded", nil, middling, 200, usual())
	if err != nil {
		return err
	}
	g.at = "refusal: refused"
	beyond := get("/refused/item", "")
	if _, err := g.moveOnce(beyond); err != nil { // what the quota allows
		return err
	}
	w, err := g.saturate(middling, 429, []request{beyond})
	if err != nil {
		return err
	}
	t := w.trial()
	if forwarded.proxy > 0 {
		t.Values[mOfForwarded] = record.Number((w.proxy.Seconds() / w.answers()) / (forwarded.proxy.Seconds() / forwarded.answers()))
	}
	g.put(g.at, nil, t)
	return nil
}

func (g *guest) manyRoutes() error {
	for _, n := range g.Routes {
		name := fmt.Sprintf("routes: %d", n)
		g.at = name
		if err := g.enter(n); err != nil {
			return err
		}
		if err := g.withMemory(name, n, asks(n, "/item")); err != nil {
			return err
		}
	}
	return nil
}

func (g *guest) manyClients() error {
	if err := g.enter(0); err != nil {
		return err
	}
	for _, n := range g.Clients {
		requests := make([]request, n)
		for i := range requests {
			requests[i] = get("/r00000/item", fmt.Sprintf("X-Forwarded-For: 10.%d.%d.%d\r\n", i>>16, i>>8&255, i&255))
			requests[i].want = ordinaryLength
		}
		if err := g.withMemory(fmt.Sprintf("clients: %d", n), n, requests); err != nil {
			return err
		}
	}
	return nil
}

// withMemory is a saturated case of size n, with the memory after it.
func (g *guest) withMemory(name string, n int, requests []request) error {
	if _, err := g.saturated(name, map[string]float64{"size": float64(n)}, middling, 200, requests); err != nil {
		return err
	}
	size, err := memory(g.pids)
	if err == nil && size > 0 {
		maps.Copy(g.rec.Runs[len(g.rec.Runs)-1].Values, map[string]record.Number{mMemory: megabytes(size)})
	}
	return err
}

func megabytes(n int64) record.Number { return record.Number(float64(n) / 1e6) }

// settle gives a proxy time before its memory is read.
func (g *guest) settle() error { return g.ends.run(g.ctx, min(g.Each, 500*time.Millisecond), nil) }
