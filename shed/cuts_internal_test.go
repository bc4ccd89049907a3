package shed

import (
	"testing"
	"time"

	"triage/shed/limit"
	"triage/shed/window"
)

// A cut that kept back one route is a look at it; one that kept back several is a look at nobody.
func TestACutTellsOfTheOneRouteItKeptBack(t *testing.T) {
	for name, test := range map[string]struct {
		answers [3]int // a tick, while the cut holds; before it ten of each
		looks   [3]int
		gains   bool
	}{
		"one, and the others gain":   {[3]int{20, 20, 1}, [3]int{0, 0, 1}, true},
		"one, and nobody gains":      {[3]int{10, 10, 1}, [3]int{0, 0, 1}, false},
		"two":                        {[3]int{30, 2, 1}, [3]int{0, 0, 0}, false},
		"nobody":                     {[3]int{10, 10, 10}, [3]int{0, 0, 0}, false},
		"one, and hardly kept back":  {[3]int{10, 10, 8}, [3]int{0, 0, 0}, false},
		"one, while all get less":    {[3]int{5, 5, 1}, [3]int{0, 0, 0}, false},
		"the most important was one": {[3]int{1, 20, 20}, [3]int{1, 0, 0}, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, RouteSettings{Name: "a"}, RouteSettings{Name: "b", Class: 1}, RouteSettings{Name: "c", Class: 3})
			for range 40 {
				l.tick(20, l.usual, l.routes...)
			}
			l.c.open(l.now, l.routes)
			g := l.c.groups[0]
			answer := func(counts [3]int) {
				for i, r := range l.routes {
					for range cutTicks {
						r.recent.Add(window.Tick{Samples: counts[i], Completed: counts[i], Sum: time.Duration(counts[i]) * 20 * time.Millisecond})
					}
				}
			}
			move := func(from, to limit.Phase, limits [2]float64) {
				before := g.law
				before.Phase, before.Limit = from, limits[0]
				g.law.Phase, g.law.Limit = to, limits[1]
				l.c.watchCut(g, before)
			}
			answer([3]int{10, 10, 10})
			move(limit.Hold, limit.Drain, [2]float64{40, 20})
			move(limit.Drain, limit.Look, [2]float64{20, 20})
			answer(test.answers)
			move(limit.Look, limit.Look, [2]float64{20, 20})
			move(limit.Look, limit.Steady, [2]float64{20, 20})
			for i, r := range l.routes {
				if got := r.relief.Looks(); got != test.looks[i] {
					t.Errorf("%d looks at %s; want %d", got, r.Name(), test.looks[i])
				}
				if gain, se := r.relief.Mean(l.now); r.relief.Looks() > 0 && (gain > 2*se) != test.gains {
					t.Errorf("without %s the others get %.2f ± %.2f more done; gain: want %v", r.Name(), gain, se, test.gains)
				}
			}
			if g.cut != nil {
				t.Error("the verdict has come, and the cut is remembered")
			}
		})
	}
}
