package shed_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"triage/shed"
)

// The benchmarks of what a decision costs. `go test ./shed -run xxx -bench 'Cost' -cpu 1,2,8` runs the parallel ones with 1, 2 and 8
// goroutines. The figures are in doc.go and DECISIONS 17.

// many gives settings of n routes, the classes in turn.
func many(n int) shed.Settings {
	s := shed.Settings{Classes: 4}
	for i := range n {
		s.Routes = append(s.Routes, shed.RouteSettings{Name: fmt.Sprintf("r%d", i), Class: i % 4})
	}
	return s
}

// taught makes a gate that has learned the baseline of its first routes.
func taught(tb testing.TB, routes, teach int) (*shed.Gate, []*shed.Route) {
	tb.Helper()
	g, err := shed.NewGate(many(routes))
	if err != nil {
		tb.Fatal(err)
	}
	all, err := g.Configure(many(routes))
	if err != nil {
		tb.Fatal(err)
	}
	for range 40 {
		slots := make([]shed.Slot, 0, 4*teach)
		for _, r := range all[:teach] {
			for range 4 {
				slot, _, _ := g.Enter(context.Background(), shed.Ask{Route: r})
				slots = append(slots, slot)
			}
		}
		g.Advance(20 * time.Millisecond)
		for _, s := range slots {
			s.Done(shed.Success, 0)
		}
		g.Advance(80 * time.Millisecond)
		g.Tick()
	}
	return g, all
}

// full makes a gate with a route whose headroom is used up and whose waiting room is full of better requests than those to come.
func full(tb testing.TB) (*shed.Gate, *shed.Route) {
	tb.Helper()
	g, routes := taught(tb, 4, 4)
	for range 200 {
		g.Controller().Admit(g.Age(), &shed.Ticket{Route: routes[3]})
	}
	return g, routes[3]
}

// pair asks for a slot and gives it back.
func pair(g *shed.Gate, r *shed.Route, cohort uint16) (admitted bool) {
	slot, no, _ := g.Enter(context.Background(), shed.Ask{Route: r, Cohort: cohort})
	slot.Done(shed.Success, 0)
	return no.Reason == shed.Admitted
}

// parallel measures pairs, from as many goroutines as there are processors (-cpu).
func parallel(b *testing.B, g *shed.Gate, routes []*shed.Route, cohort uint16) {
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			pair(g, routes[i%len(routes)], cohort)
		}
	})
}

// An open route: Enter and Done together.
func BenchmarkCostOpen(b *testing.B) {
	g, routes := taught(b, 4, 4)
	b.ReportAllocs()
	for b.Loop() {
		pair(g, routes[0], 0)
	}
}

func BenchmarkCostOpenParallel(b *testing.B) {
	g, routes := taught(b, 4, 4)
	parallel(b, g, routes[:1], 0)
}

// narrow takes the slots of the route's group until so few are left that their routes need the lock.
func narrow(g *shed.Gate, r *shed.Route) {
	for r.Open() {
		g.Controller().Admit(g.Age(), &shed.Ticket{Route: r})
	}
}

// Enter and Done on a route of a group whose limit leaves room.
func BenchmarkCostGroup(b *testing.B) {
	g, routes := taught(b, 4, 4)
	g.Controller().Gather(g.Age(), routes[0], routes[3])
	parallel(b, g, routes[:1], 0)
}

// The same when hardly a slot is left: the way with the lock.
func BenchmarkCostGroupNarrow(b *testing.B) {
	g, routes := taught(b, 4, 4)
	g.Controller().Gather(g.Age(), routes[0], routes[3])
	narrow(g, routes[0])
	parallel(b, g, routes[:1], 0)
}

// The way with the lock in groups of few routes, which lend slots, and of many.
func BenchmarkCostGroupOf(b *testing.B) {
	for _, n := range []int{2, 16, 17, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g, routes := taught(b, n, n)
			c := g.Controller()
			c.Gather(g.Age(), routes...)
			now := g.Age()
			for b.Loop() {
				t := shed.Ticket{Route: routes[1]}
				c.Ask(now, &t)
				c.Done(now, &t, shed.Success, 0)
			}
		})
	}
}

// A refusal because the waiting room is full of better requests.
func BenchmarkCostRefusedFull(b *testing.B) {
	g, r := full(b)
	if pair(g, r, 100) {
		b.Fatal("not refused: the benchmark shows nothing")
	}
	parallel(b, g, []*shed.Route{r}, 100)
}

// A refusal because of the level.
func BenchmarkCostRefusedLevel(b *testing.B) {
	g, routes := taught(b, 4, 4)
	g.Controller().ForceLevel(g.Age(), 2, routes[0])
	if pair(g, routes[3], 0) {
		b.Fatal("not refused: the benchmark shows nothing")
	}
	parallel(b, g, routes[3:], 0)
}

// Traffic on ten routes, and on all, of ten and of ten thousand.
func BenchmarkCostRoutes(b *testing.B) {
	for _, c := range []struct{ routes, busy int }{{10, 10}, {10_000, 10}, {10_000, 10_000}} {
		b.Run(fmt.Sprintf("busy=%d/of=%d", c.busy, c.routes), func(b *testing.B) {
			g, routes := taught(b, c.routes, c.busy)
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				i = (i + 7919) % c.busy // a prime: every route in turn, none beside the last
				pair(g, routes[i], 0)
			}
		})
	}
}

// A tick, with one request of every busy route; the same while all of them are in one group.
func BenchmarkCostTick(b *testing.B) {
	for _, c := range []struct{ routes, busy, group int }{{10, 10, 0}, {10_000, 0, 0}, {10_000, 10, 0}, {10_000, 10_000, 0}, {10, 10, 10}, {1000, 1000, 1000}} {
		b.Run(fmt.Sprintf("busy=%d/of=%d/group=%d", c.busy, c.routes, c.group), func(b *testing.B) {
			g, routes := taught(b, c.routes, c.busy)
			b.ReportAllocs()
			for b.Loop() {
				if c.group > 0 && routes[0].Alone() { // it closes where nothing is wrong
					b.StopTimer()
					g.Controller().Gather(g.Age(), routes[:c.group]...)
					b.StartTimer()
				}
				for _, r := range routes[:c.busy] {
					pair(g, r, 0)
				}
				g.Advance(shed.TickEvery)
				g.Tick()
			}
		})
	}
}
