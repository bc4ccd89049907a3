package shed

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"triage/shed/limit"
	"triage/shed/window"
)

// lab is a controller whose requests are answered by hand.
type lab struct {
	c      *Controller
	routes []*Route
	now    time.Duration
	due    []answer
	dice   *rand.Rand
}

type answer struct {
	ticket *Ticket
	at     time.Duration
}

func newLab(t *testing.T, routes ...RouteSettings) *lab {
	t.Helper()
	s := Settings{Classes: 4, Routes: routes}
	c, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{c: c, dice: rand.New(rand.NewPCG(1, 2))}
	if l.routes, err = c.Configure(0, s); err != nil {
		t.Fatal(err)
	}
	return l
}

// tick lets a tenth of a second pass in which n requests come for each of the routes, and ends with a tick. takes is how long the next answer
// takes; 0: it never comes.
func (l *lab) tick(n int, takes func() time.Duration, routes ...*Route) {
	const steps = 20
	for step := range steps {
		l.now += tickEvery / steps
		keep := l.due[:0]
		for _, a := range l.due {
			if a.at <= l.now {
				l.c.Done(a.at, a.ticket, Success, 0)
			} else {
				keep = append(keep, a)
			}
		}
		l.due = keep
		for range n*(step+1)/steps - n*step/steps {
			for _, r := range routes {
				ticket := &Ticket{Route: r}
				l.c.Admit(l.now, ticket)
				if !ticket.Running() {
					l.c.Leave(l.now, ticket)
				} else if took := takes(); took > 0 {
					l.due = append(l.due, answer{ticket, l.now + took})
				}
			}
		}
	}
	l.c.Tick(l.now)
	l.c.Woken()
}

// usual is a service of 20 ms with a sigma of 0.4.
func (l *lab) usual() time.Duration {
	return time.Duration(20e6 * math.Exp(0.4*l.dice.NormFloat64()-0.08))
}

// A few answers that take a hundred times as long raise a mean as much as you like, and say nothing of the backend; that all answers take
// three times as long does.
func TestFewHugeAnswersAreNoTrouble(t *testing.T) {
	l := newLab(t, RouteSettings{Name: "a"})
	r := l.routes[0]
	for range 60 {
		l.tick(20, l.usual, r)
	}
	n, most := 0, 0.0
	for range 100 {
		l.tick(20, func() time.Duration {
			if n++; n%20 == 0 {
				return time.Second
			}
			return l.usual()
		}, r)
		if most = max(most, r.x); r.suffering {
			t.Fatalf("at %v the route suffers, latency %.1f: one answer of twenty is slow", l.now, r.x)
		}
	}
	if most < 3 {
		t.Errorf("latency %.1f at most; want more than 3, or the mean was not put to the test", most)
	}
	for range 30 {
		l.tick(20, l.usual, r)
	}
	for range 10 {
		l.tick(20, func() time.Duration { return 3 * l.usual() }, r)
	}
	if r.domain.group == nil {
		t.Errorf("all answers take three times as long, and the route is in no group: latency %.1f", r.x)
	}
}

// What is in flight and has not been answered proves nothing: when the answers cease in a crowd the peak stays, and the trouble is seen by
// the age of what is in flight, although the newest sixteen answers are those of the calm.
func TestWhatIsNotAnsweredProvesNothing(t *testing.T) {
	l := newLab(t, RouteSettings{Name: "a"})
	r := l.routes[0]
	for range 60 {
		l.tick(100, l.usual, r)
	}
	peak := r.peak
	ticks := 0
	for ; ticks < 10 && r.domain.group == nil; ticks++ {
		l.tick(100, func() time.Duration { return 0 }, r)
		if r.peak > peak {
			t.Errorf("the peak rose from %.0f to %.0f by requests that nobody has answered", peak, r.peak)
		}
	}
	if ticks > 2 {
		t.Errorf("%d ticks without an answer until the route was in a group; want 2 at most", ticks)
	}
}

// Two groups in trouble of the same size become one, whatever the size of a third one's trouble.
func TestAThirdGroupKeepsNoTwoApart(t *testing.T) {
	l := newLab(t, RouteSettings{Name: "a"}, RouteSettings{Name: "b", Class: 1}, RouteSettings{Name: "c", Class: 2})
	for range 60 {
		l.tick(20, l.usual, l.routes...)
	}
	for _, r := range l.routes {
		l.c.open(l.now, []*Route{r})
	}
	a, b, c := l.c.groups[0], l.c.groups[1], l.c.groups[2]
	for range mergeTicks {
		a.y, b.y, c.y = 3, 2.8, 30
		l.c.merge(l.now)
	}
	if len(l.c.groups) != 2 || len(a.routes) != 2 || c.closed {
		t.Errorf("%d groups, %d routes in the first; want the first two to be one", len(l.c.groups), len(a.routes))
	}
}

// A trial release is judged by the others too: a member that is well outside, while they get evidently less done, goes back. One that suffers
// as they do after it was let go is back at once.
func TestATrialIsJudgedByTheOthers(t *testing.T) {
	for name, before := range map[string]float64{"they get less done": 3, "they get as much done": 1} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, RouteSettings{Name: "a"}, RouteSettings{Name: "b", Class: 1}, RouteSettings{Name: "c", Class: 3})
			for range 60 {
				l.tick(20, l.usual, l.routes...)
			}
			c := l.routes[2]
			l.c.open(l.now, l.routes[:2])
			g := l.c.groups[0]
			ticks := int(trialFor / tickEvery)
			g.beforeTrial = g.work(ticks)
			g.beforeTrial.Work *= before
			c.trialOf, g.trial, c.trialAt = g, c, l.now-trialFor
			l.c.judgeTrials(l.now)
			if back := c.domain == &g.domain; back != (before > 1) {
				t.Fatalf("back in the group: %v; want %v", back, before > 1)
			}
			if before > 1 {
				return
			}
			c.suffering, c.x, g.y = true, 3, 3
			g.excess = 2 * c.base.Seconds()
			if l.c.kin(l.now, c) != g {
				t.Error("it suffers like the group that let it go, and is not its kin")
			}
			if c.suffering = false; l.c.kin(l.now, c) != nil {
				t.Error("symptoms alone bring it back at once")
			}
		})
	}
}

// A member that suffers outside while the group that it was let out of is well, or is in trouble of another size, suffers by itself.
func TestWhoSuffersByItselfStaysOut(t *testing.T) {
	for name, test := range map[string]struct {
		y, excess float64
		back      bool
	}{"the group is well": {1, 0, false}, "the group suffers as much": {3, 2, true}, "the group suffers ten times as much": {21, 20, false}} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, RouteSettings{Name: "a"}, RouteSettings{Name: "b", Class: 1}, RouteSettings{Name: "c", Class: 3})
			for range 60 {
				l.tick(20, l.usual, l.routes...)
			}
			c := l.routes[2]
			l.c.open(l.now, l.routes[:2])
			g := l.c.groups[0]
			c.trialOf, g.trial, c.trialAt = g, c, l.now-trialFor
			c.suffering, c.known, c.x, g.y = true, true, 3, test.y
			g.excess = test.excess * c.base.Seconds()
			l.c.judgeTrials(l.now)
			if back := c.domain == &g.domain; back != test.back {
				t.Errorf("back in the group: %v; want %v", back, test.back)
			}
		})
	}
}

// Who came into a group late, by symptoms or with another group, can be let out again; who suffered when its trouble began is a founder, and
// so is who has no baseline to be well by.
func TestLatecomersAreNoFounders(t *testing.T) {
	for name, test := range map[string]struct {
		suffering, stranger bool
		late                time.Duration
		founder             bool
	}{
		"symptoms at once":             {false, false, 0, true},
		"symptoms late":                {false, false, time.Minute, false},
		"suffers when trouble is back": {true, false, time.Minute, true},
		"a stranger":                   {false, true, time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, RouteSettings{Name: "a"}, RouteSettings{Name: "b", Class: 1})
			for range 60 {
				l.tick(20, l.usual, l.routes...)
			}
			l.c.open(l.now, l.routes[:1])
			g, b := l.c.groups[0], l.routes[1]
			now := l.now + test.late
			g.troubled, b.suffering = now, test.suffering
			if test.stranger {
				b.base = window.Baseline{}
			}
			l.c.join(now, b, g, "for the test")
			if b.founder != test.founder {
				t.Errorf("founder: %v; want %v", b.founder, test.founder)
			}
		})
	}
}

// Who founded a group is let out all the same once it is plain that it does not wait like the others; not so without a baseline of its own.
func TestAFounderThatNeverWaitedLikeTheOthersIsTried(t *testing.T) {
	for name, test := range map[string]struct {
		longest  float64
		newcomer bool
		tried    bool
	}{
		"as long as the others":    {0.1, false, false},
		"a third as long":          {0.033, false, false},
		"far less":                 {0.002, false, true},
		"far less, and a stranger": {0.002, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, RouteSettings{Name: "a"}, RouteSettings{Name: "b", Class: 1})
			for range 60 {
				l.tick(20, l.usual, l.routes...)
			}
			l.c.open(l.now, l.routes)
			g, a, b := l.c.groups[0], l.routes[0], l.routes[1]
			a.longest, b.longest, b.newcomer = 0.1, test.longest, test.newcomer
			b.refusing, b.refusedAt = Limit, l.now
			g.law.Phase, g.y = limit.Steady, 1
			l.c.tryRelease(b.trialAt-1, g)
			if b.trialOf != nil {
				t.Fatal("tried before its time")
			}
			b.refusedAt = b.trialAt
			l.c.tryRelease(b.trialAt, g)
			if got := b.trialOf == g; got != test.tried {
				t.Errorf("tried: %v; want %v", got, test.tried)
			}
		})
	}
}
