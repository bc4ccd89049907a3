package cost

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"triage/bench/record"
)

// asks are n requests to as many routes, in turn.
func asks(n int, tail string) []request {
	all := make([]request, n)
	for i, r := range theRoutes(n) {
		all[i] = get("/"+r.Name+tail, "")
		all[i].want = ordinaryLength
	}
	return all
}

// get is a request with the fields that a browser's has in short.
func get(target, more string) request {
	return request{head: fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: triage-bench\r\nAccept: */*\r\n%s\r\n", target, more)}
}

// window is what happened while something was measured.
type window struct {
	tally
	took, proxy, ends time.Duration
	begun             time.Time
}

// watch measures what happens while something runs.
func (g *guest) watch(during func() error) (w window, err error) {
	before, err := processorTime(g.pids)
	if err != nil {
		return w, err
	}
	count, thread := g.ends.count, threadTime()
	w.begun = time.Now()
	if err := during(); err != nil {
		return w, err
	}
	w.took, w.ends, w.tally = time.Since(w.begun), threadTime()-thread, g.ends.count.less(count)
	after, err := processorTime(g.pids)
	w.proxy = after - before
	return w, err
}

// answers counts those that are good; at least one, so that it can be divided by.
func (w window) answers() float64 { return float64(max(1, w.good)) }

// values that every window has.
func (w window) values() map[string]record.Number {
	v := map[string]record.Number{
		mThroughput: record.Number(float64(w.good) / w.took.Seconds()),
		mEndsBusy:   record.Number(100 * w.ends.Seconds() / w.took.Seconds()),
	}
	if w.proxy > 0 {
		v[mBusy] = record.Number(100 * w.proxy.Seconds() / w.took.Seconds())
		v[mCPU] = record.Number(float64(w.proxy.Nanoseconds()) / 1e3 / w.answers())
	}
	return v
}

// Shares from which on somebody is the bottleneck, and up to which odd answers and late sends are borne.
const (
	fullyBusy  = 0.95
	odd        = 0.01
	tooManyLag = 0.02
)

// harnessBound says that the proxy could have done more.
func (w window) harnessBound() bool {
	return w.proxy > 0 && w.proxy.Seconds() < fullyBusy*w.took.Seconds() && w.ends.Seconds() > fullyBusy*w.took.Seconds()
}

// trial is a window as a run of the record.
func (w window) trial() record.Trial {
	sent := w.good + w.other + w.broken
	h := record.Harness{Sent: sent, Late: w.late, Valid: true}
	switch bad := w.other + w.broken; {
	case w.good == 0:
		h.Valid = false
		h.Notes = append(h.Notes, "no good answer came")
	case float64(bad) > odd*float64(sent):
		h.Valid = false
		h.Notes = append(h.Notes, fmt.Sprintf("%d of %d answers were not what was asked for", bad, sent))
	case float64(w.late) > tooManyLag*float64(sent):
		h.Valid = false
		h.Notes = append(h.Notes, fmt.Sprintf("%d of %d requests were sent more than %v late: the harness was the bottleneck", w.late, sent, lateAfter))
	case w.harnessBound():
		h.Notes = append(h.Notes, "the harness was the bottleneck: throughput is its, cpu is the proxy's")
	}
	return record.Trial{Begun: w.begun.UTC(), Seconds: w.took.Seconds(), Values: w.values(), Harness: h}
}

// beside is the trial of a window whose figures are differences to another, without a proxy: worth something if both are.
func (w window) beside(bare window) record.Trial {
	t, without := w.trial(), bare.trial().Harness
	t.Harness.Valid = t.Harness.Valid && without.Valid
	for _, note := range without.Notes {
		t.Harness.Notes = append(t.Harness.Notes, "without a proxy: "+note)
	}
	return t
}

// saturate has n connections ask again as soon as they are answered, beside those that are open already.
func (g *guest) saturate(n, want int, requests []request) (w window, err error) {
	e := g.ends
	e.requests, e.next, e.want, e.schedule, e.closed = requests, 0, want, nil, true
	defer e.hangUp()
	if err := g.enough(n + len(e.idle) + n + spare); err != nil {
		return w, err
	}
	before := e.count
	for range n {
		s, err := e.connect()
		if err != nil {
			return w, err
		}
		e.sendOn(s, 0)
	}
	if err := e.run(g.ctx, g.Each/3, nil); err != nil {
		return w, err
	}
	// Opening a connection, on both sides of the proxy, is not what is measured: each has been used twice, on average.
	used := func() bool { c := e.count.less(before); return c.good+c.other+c.broken >= 2*n }
	if err := e.run(g.ctx, toAnswer, used); err != nil {
		return w, err
	}
	return g.watch(func() error {
		good := e.count.good
		if err := e.run(g.ctx, g.Each, nil); err != nil {
			return err
		}
		// On a machine that others use as well a short time may pass without an answer.
		return e.run(g.ctx, toAnswer, func() bool { return e.count.good > good })
	})
}

// toAnswer is how long the first answer may take.
const toAnswer = 10 * time.Second

// mostOpen bounds the connections of an open loop: as many as saturation was measured with. More would pile up whenever the machine stands still,
// and make every request after that dearer.
const mostOpen = middling

// offer sends so many requests a second, whether or not they are answered, and gives the latencies too.
func (g *guest) offer(rate float64, requests []request) (w window, latencies []time.Duration, err error) {
	e := g.ends
	e.hangUp()
	defer e.hangUp()
	e.requests, e.next, e.want = requests, 0, 200
	e.schedule = &schedule{rate: rate, dice: rand.New(rand.NewPCG(uint64(g.round), 1)), due: e.now(), most: mostOpen}
	if err := e.run(g.ctx, g.Each/3, nil); err != nil {
		return w, nil, err
	}
	e.latencies = slices.Grow(e.latencies[:0], int(2*rate*g.Each.Seconds()))
	w, err = g.watch(func() error { return e.run(g.ctx, g.Each, nil) })
	if err != nil {
		return w, nil, err
	}
	// Those that are still under way are waited for: to leave them out would hide the slow ones.
	e.schedule.due = 1<<63 - 1
	if err := e.run(g.ctx, toDrain, func() bool { return len(e.idle) == e.schedule.open }); err != nil {
		return w, nil, err
	}
	w.broken += len(e.schedule.waiting) + e.schedule.open - len(e.idle)
	latencies = slices.Clone(e.latencies)
	slices.Sort(latencies)
	return w, latencies, nil
}

// toDrain is how long the last answers of an open loop may take.
const toDrain = 500 * time.Millisecond

// quantile of sorted latencies, in microseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(int(q*float64(len(sorted))), len(sorted)-1)].Nanoseconds()) / 1e3
}
