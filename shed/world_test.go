package shed_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"pgregory.net/rapid"

	"triage/shed"
)

// world is a backend in miniature, for sentences that hold whatever happens: routes on pools that answer the slower the more is with
// them, clients without patience, some of whom say when they leave or that they try again, faults, configurations that change, a clock that
// jumps and ticks that come late. It is drawn, not chosen. How well the law serves it cannot judge; package bench/sim can.
type world struct {
	t        *rapid.T
	classes  int
	plan     []routePlan
	pools    []float64 // sizes
	weathers []weather
	seed     uint64
	dice     *rand.Rand
	observe  bool

	c       *shed.Controller
	routes  []*shed.Route // of the newest configuration that had them
	class   []int         // of the newest configuration; -1: the route is not in it
	lastRun []time.Duration
	inPool  []int
	running map[*visitor]bool
	waiting map[*visitor]bool

	calendar calendar
	turn     int
	now      time.Duration
	jumped   time.Duration // what the controller's clock is ahead
	seen     time.Duration // latest time that the controller was told
	failed   time.Duration // when a request last failed, as the controller saw it
	// configured is when classes were last changed, in the world's own time.
	configured time.Duration
	weather    *weather
	closed     bool // nobody comes any more
	number     int

	// What a test looks at: each is called when its thing has happened, and may be nil.
	arrived  func(v *visitor)
	admitted func(v *visitor)
	refused  func(v *visitor)
	finished func(v *visitor, o shed.Outcome)
	after    func(call string) // any call of the controller
}

// routePlan is a route of a drawn world.
type routePlan struct {
	class, pool    int
	service, sigma float64 // seconds, when all is well; of a lognormal distribution
	load           float64 // of the pool's capacity in the calm
	objective      float64
	shares         []string
	alone          bool
}

// weather is what the world is like for a while.
type weather struct {
	lasts     time.Duration
	load      []float64 // by route, times the calm's
	slow      float64
	trouble   []trouble // by route
	jump      time.Duration
	late      time.Duration // by how much each tick
	configure []int         // classes by route, -1 for those that go; nil: all stay
	retries   float64       // share of the requests that say that they are retries
	deadlines float64       // share of those that say when their client leaves
}

// trouble is what becomes of a share of a route's requests.
type trouble struct {
	outcome shed.Outcome
	share   float64
}

// visitor is one request.
type visitor struct {
	shed.Ticket
	route   int // index of the plan
	arrived time.Duration
	demoted int  // classes that it counts lower, for it is a retry and comes in a storm
	probe   bool // nothing of its route has begun for a second
	waited  bool
	begun   int // how often it began to run
	ended   int // how often it was brought back, refused or left
}

// drawWorld draws a world: at first perhaps a calm in which something can be learned, then seconds of this and that.
func drawWorld(t *rapid.T) *world {
	w := &world{t: t, classes: rapid.IntRange(1, 5).Draw(t, "classes")}
	for range rapid.IntRange(1, 3).Draw(t, "pools") {
		w.pools = append(w.pools, float64(rapid.IntRange(1, 40).Draw(t, "size")))
	}
	n := rapid.IntRange(1, 5).Draw(t, "routes")
	for range n {
		w.plan = append(w.plan, routePlan{
			class: rapid.IntRange(0, w.classes-1).Draw(t, "class"), pool: rapid.IntRange(0, len(w.pools)-1).Draw(t, "pool"),
			service: rapid.Float64Range(0.001, 0.1).Draw(t, "service"), sigma: rapid.Float64Range(0, 1).Draw(t, "sigma"),
			load: rapid.Float64Range(0.1, 0.8).Draw(t, "load") / float64(n), objective: rapid.SampledFrom([]float64{0, 0.05}).Draw(t, "objective"),
			shares: rapid.SampledFrom([][]string{nil, nil, {"db"}, {"cache"}, {"db", "cache"}, {}}).Draw(t, "shares"),
		})
		last := &w.plan[len(w.plan)-1]
		last.alone = last.shares != nil && len(last.shares) == 0
	}
	calm := rapid.SampledFrom([]time.Duration{0, time.Second, 4 * time.Second, 4 * time.Second}).Draw(t, "calm")
	w.weathers = []weather{{lasts: calm, slow: 1}}
	for range rapid.IntRange(1, 4).Draw(t, "weathers") {
		w.weathers = append(w.weathers, w.drawWeather())
	}
	w.seed = rapid.Uint64().Draw(t, "dice")
	return w
}

// again is the same world, before anything has happened in it.
func (w *world) again() *world {
	return &world{t: w.t, classes: w.classes, plan: w.plan, pools: w.pools, weathers: w.weathers, seed: w.seed}
}

func (w *world) drawWeather() weather {
	t := w.t
	out := weather{
		lasts: time.Duration(rapid.IntRange(3, 30).Draw(t, "lasts")) * 100 * time.Millisecond,
		slow:  rapid.SampledFrom([]float64{1, 1, 0.3, 3, 20}).Draw(t, "slow"),
		jump:  rapid.SampledFrom([]time.Duration{0, 0, 0, time.Minute, -10 * time.Second}).Draw(t, "jump"),
		late:  rapid.SampledFrom([]time.Duration{0, 0, 0, 20 * time.Millisecond, 400 * time.Millisecond}).Draw(t, "late"),

		retries: rapid.SampledFrom([]float64{0, 0, 0.05, 0.5}).Draw(t, "retries"), deadlines: rapid.SampledFrom([]float64{0, 0, 0.5}).Draw(t, "deadlines"),
	}
	configure := rapid.IntRange(0, 2).Draw(t, "configure") == 0
	loads := []float64{1, 1, 0, 3, 8}
	if rapid.IntRange(0, 3).Draw(t, "quiet") == 0 {
		loads = []float64{0, 0.02}
	}
	for i := range w.plan {
		out.load = append(out.load, rapid.SampledFrom(loads).Draw(t, fmt.Sprintf("load of %d", i)))
		out.trouble = append(out.trouble, trouble{
			shed.Outcome(rapid.IntRange(int(shed.Failure), int(shed.Declined)).Draw(t, "outcome")),
			rapid.SampledFrom([]float64{0, 0, 0, 0.1, 0.5, 1}).Draw(t, "share"),
		})
		if configure {
			out.configure = append(out.configure, rapid.IntRange(-1, w.classes-1).Draw(t, "new class"))
		}
	}
	return out
}
