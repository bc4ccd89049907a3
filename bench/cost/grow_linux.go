package cost

import (
	"fmt"
	"time"

	"triage/bench/peer"
	"triage/bench/record"
)

// connections measures memory with more and more open ones, first idle, then busy, each in a proxy that has just been started.
func (g *guest) connections() error {
	if g.Name() == peer.Nothing {
		return nil
	}
	for _, kind := range []struct {
		name, measure string
		open          func(int) error
		ends          int // of a connection in one process
	}{{"idle", mIdle, g.openIdle, 1}, {"busy", mHeld, g.openBusy, 2}} {
		if err := g.enter(0); err != nil {
			return err
		}
		// A few requests first: what a proxy takes once is not what a connection costs.
		if err := g.openIdle(8); err != nil {
			return err
		}
		g.ends.hangUp()
		if err := g.settle(); err != nil {
			return err
		}
		base, err := memory(g.pids)
		if err != nil {
			return err
		}
		for _, n := range g.Open {
			g.at = fmt.Sprintf("connections: %d %s", n, kind.name)
			numbers := map[string]float64{"size": float64(n)}
			err := g.enough(kind.ends*n + 2*middling + spare)
			if g.skipped(g.at, numbers, err) {
				continue
			}
			if err := g.grown(numbers, n, base, kind.measure, kind.open); err != nil {
				return err
			}
		}
	}
	return nil
}

// worthDividing is from how many connections on memory is divided by them: below, a page of 4 KiB more or less says nothing of one.
const worthDividing = 1000

// grown opens n connections and reads how much memory there is now.
func (g *guest) grown(numbers map[string]float64, n int, base int64, measure string, open func(int) error) error {
	defer g.ends.hangUp()
	begun, before := time.Now(), g.ends.count
	if err := open(n); err != nil {
		return err
	}
	if err := g.settle(); err != nil {
		return err
	}
	now, err := memory(g.pids)
	if err != nil {
		return err
	}
	t := record.Trial{Begun: begun.UTC(), Values: map[string]record.Number{mMemory: megabytes(now)}, Harness: record.Harness{Sent: n, Valid: true}}
	if n >= worthDividing {
		t.Values[measure] = record.Number(float64(now-base) / 1e3 / float64(n))
	}
	if measure == mIdle {
		// The same requests as ever, while these connections are open.
		w, err := g.saturate(middling, 200, usual())
		if err != nil {
			return err
		}
		t.Values[mCPU], t.Harness = w.values()[mCPU], w.trial().Harness
	} else {
		g.ends.release()
		if err := g.ends.run(g.ctx, toOpen, func() bool { return len(g.ends.idle) == n }); err != nil {
			return err
		}
	}
	if bad := g.ends.count.less(before); bad.other+bad.broken > n/100 {
		t.Harness.Valid = false
		t.Harness.Notes = append(t.Harness.Notes, fmt.Sprintf("%d of %d requests were not answered as they should", bad.other+bad.broken, n))
	}
	t.Seconds = time.Since(begun).Seconds()
	g.put(g.at, numbers, t)
	return nil
}

// toOpen is how long connections may take to be opened and answered.
const toOpen = 20 * time.Second

// openIdle opens n connections, each with a request that is answered.
func (g *guest) openIdle(n int) error {
	e := g.ends
	e.requests, e.next, e.want = usual(), 0, 200
	for opened := 0; opened < n; {
		some := min(middling, n-opened)
		if err := g.openSome(some); err != nil {
			return err
		}
		opened += some
		if err := e.run(g.ctx, toOpen, func() bool { return len(e.idle) >= opened }); err != nil {
			return err
		}
		if len(e.idle) < opened {
			return fmt.Errorf("%d of %d connections were answered within %v", len(e.idle), opened, toOpen)
		}
	}
	return nil
}

// openBusy opens n connections, each with a request that the origin does not answer yet.
func (g *guest) openBusy(n int) error {
	e := g.ends
	e.requests, e.next, e.want = asks(usualRoutes, holdTarget+"x"), 0, 200
	for opened := 0; opened < n; {
		some := min(middling, n-opened)
		if err := g.openSome(some); err != nil {
			return err
		}
		opened += some
		if err := e.run(g.ctx, toOpen, func() bool { return len(e.held)+len(e.idle) >= opened }); err != nil {
			return err
		}
		if len(e.held)+len(e.idle) < opened {
			return fmt.Errorf("%d of %d requests arrived at the origin within %v", len(e.held), opened, toOpen)
		}
	}
	return nil
}

func (g *guest) openSome(n int) error {
	for range n {
		s, err := g.ends.connect()
		if err != nil {
			return err
		}
		g.ends.sendOn(s, 0)
	}
	return nil
}

// Bodies from large on are moved once, not again and again for a time; from huge on nobody could keep them in memory.
const (
	large = 50_000_000
	huge  = 1 << 30
)

func (g *guest) bodies() error {
	if err := g.enter(0); err != nil {
		return err
	}
	for _, size := range g.Bodies {
		down := get(fmt.Sprintf("/r00000%s%d", bodyTarget, size), "")
		down.want = size
		up := request{head: fmt.Appendf(nil, "POST /r00000/item HTTP/1.1\r\nHost: shop.example\r\nContent-Length: %d\r\n\r\n", size), body: size, want: ordinaryLength}
		for _, way := range []struct {
			name string
			ask  request
		}{{"down", down}, {"up", up}} {
			if err := g.body(fmt.Sprintf("bodies: %s %s", sizeName(size), way.name), size, way.ask); err != nil {
				return err
			}
		}
	}
	return nil
}

// body measures one size in one direction.
func (g *guest) body(name string, size int64, ask request) error {
	numbers := map[string]float64{"size": float64(size)}
	var before int64
	var err error
	if size >= huge && g.Name() != peer.Nothing { // a new process, whose peak is not an earlier one's
		if err := g.enter(0); err != nil {
			return err
		}
		if before, err = peakMemory(g.pids); err != nil {
			return err
		}
	}
	g.at = name
	var w window
	if size < large {
		w, err = g.saturate(8, 200, []request{ask})
	} else {
		w, err = g.moveOnce(ask)
	}
	if err != nil {
		return err
	}
	t := w.trial()
	t.Values[mSpeed] = record.Number(float64(size) * float64(w.good) / 1e6 / w.took.Seconds())
	if size >= huge && g.Name() != peer.Nothing {
		peak, err := peakMemory(g.pids)
		if err != nil {
			return err
		}
		t.Values[mPeak] = megabytes(peak - before)
	}
	g.put(name, numbers, t)
	return nil
}

// moveOnce sends one request and waits for its answer.
func (g *guest) moveOnce(ask request) (window, error) {
	e := g.ends
	e.requests, e.next, e.want = []request{ask}, 0, 200
	defer e.hangUp()
	s, err := e.connect()
	if err != nil {
		return window{}, err
	}
	before := e.count
	return g.watch(func() error {
		e.sendOn(s, 0)
		return e.run(g.ctx, toMove, func() bool { return e.count.good+e.count.other+e.count.broken > before.good+before.other+before.broken })
	})
}

// toMove is how long a large body may take.
const toMove = 30 * time.Second

func sizeName(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1e6 && n%1e6 == 0:
		return fmt.Sprintf("%d MB", n/1e6)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}
