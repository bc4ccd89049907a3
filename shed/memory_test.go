package shed_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"triage/shed"
)

// Whatever the lower classes send, half of the memory of those who wait is there for the highest; and all of it comes back.
func TestQueueBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		limited := settings
		limited.QueueBytes = 1000
		g, routes := newGate(t)
		if _, err := g.Configure(limited); err != nil {
			t.Fatal(err)
		}
		go ticking(ctx, g)
		held := map[*shed.Route][]shed.Slot{}
		for _, r := range []*shed.Route{routes[0], routes[3]} {
			for range 300 { // a baseline and a small peak
				slot, _, _ := g.Enter(ctx, shed.Ask{Route: r})
				time.Sleep(10 * time.Millisecond)
				slot.Done(shed.Success, 0)
			}
			for range 100 { // until somebody waits in vain
				slot, no, _ := g.Enter(ctx, shed.Ask{Route: r})
				if no.Reason != shed.Admitted {
					break
				}
				held[r] = append(held[r], slot)
			}
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		full := map[*shed.Route]int{}
		crowd := func(r *shed.Route, bytes int64) {
			for range 10 {
				wg.Go(func() {
					slot, no, _ := g.Enter(ctx, shed.Ask{Route: r, Bytes: bytes})
					slot.Done(shed.Success, 0)
					mu.Lock()
					defer mu.Unlock()
					if no.Reason == shed.Limit {
						full[r]++
					}
				})
			}
			synctest.Wait()
		}
		crowd(routes[3], 200) // the lowest of four classes may fill 625: three of them
		crowd(routes[0], 50)  // and eight of these find room: 600 + 8 × 50; one may be let in as a probe
		wg.Wait()
		if full[routes[3]] != 7 || full[routes[0]] < 1 || full[routes[0]] > 2 {
			t.Errorf("refused for want of memory: %d of the lowest class, %d of the highest; want 7 and 1 or 2", full[routes[3]], full[routes[0]])
		}
		full = map[*shed.Route]int{}
		crowd(routes[3], 60)
		wg.Wait()
		if full[routes[3]] != 0 {
			t.Errorf("afterwards %d are refused for want of memory; want none: it came back", full[routes[3]])
		}
		for _, slots := range held {
			for _, s := range slots {
				s.Done(shed.Success, 0)
			}
		}
	})
}
