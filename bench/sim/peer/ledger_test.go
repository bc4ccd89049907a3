package peer

import (
	"math/rand/v2"
	"testing"
	"time"

	"triage/bench/sim"
)

// ledger drives a policy at random and holds it to the contract of sim.Policy.
type ledger struct {
	t       *testing.T
	p       sim.Policy
	dice    *rand.Rand
	now     time.Duration
	id      uint64
	waiting map[*sim.Request]bool
	running []*sim.Request
	trace   []byte
}

func newLedger(t *testing.T, n Named, seed uint64) *ledger {
	p := n.New(Settings{Classes: 4, Routes: shop, Seed: seed})
	return &ledger{t: t, p: p, dice: rand.New(rand.NewPCG(seed, 99)), waiting: map[*sim.Request]bool{}}
}

// step moves the time, oddly now and then, and does one thing.
func (l *ledger) step() {
	switch odd := l.dice.IntN(1000); {
	case odd < 300: // the same instant
	case odd < 303:
		l.now -= time.Duration(l.dice.Int64N(int64(time.Second)))
	case odd == 303:
		l.now += time.Duration(l.dice.Int64N(int64(3 * time.Minute)))
	default:
		l.now += time.Duration(l.dice.ExpFloat64() * float64(ms))
	}
	switch what := l.dice.IntN(10); {
	case what < 5:
		l.arrive()
	case what < 8 && len(l.running) > 0:
		l.finish()
	case what < 9:
		l.leave()
	default:
		l.p.Tick(l.now)
	}
	l.collect()
}

func (l *ledger) arrive() {
	l.id++
	route := l.dice.IntN(6) - 1 // one below and one above those known
	r := &sim.Request{ID: l.id, Route: route, Class: route, Session: l.dice.Uint64N(5000), Attempt: l.dice.IntN(3)}
	v := l.p.Arrive(l.now, r)
	l.trace = append(l.trace, byte(v))
	switch v {
	case sim.Start:
		l.running = append(l.running, r)
	case sim.Wait:
		l.waiting[r] = true
	case sim.Refuse:
		if r.Reason == "" {
			l.t.Fatalf("request %d: refused without a word", r.ID)
		}
	default:
		l.t.Fatalf("request %d: got verdict %d, want one of three", r.ID, v)
	}
}

func (l *ledger) finish() {
	i := l.dice.IntN(len(l.running))
	r := l.running[i]
	l.running[i] = l.running[len(l.running)-1]
	l.running = l.running[:len(l.running)-1]
	l.p.Done(l.now, r, sim.Outcome(l.dice.IntN(4)))
}

func (l *ledger) leave() {
	for r := range l.waiting {
		if r.ID%7 != l.id%7 { // the map's order is no die: only those that the seed picks
			continue
		}
		if !l.p.Leave(l.now, r) {
			l.t.Fatalf("request %d waits, but may not leave", r.ID)
		}
		delete(l.waiting, r)
	}
}

func (l *ledger) collect() {
	for _, w := range l.p.Woken(l.now) {
		if !l.waiting[w.Request] {
			l.t.Fatalf("request %d was woken, but does not wait", w.Request.ID)
		}
		delete(l.waiting, w.Request)
		l.trace = append(l.trace, byte(w.Request.ID))
		if w.Start {
			l.running = append(l.running, w.Request)
		} else if w.Reason == "" {
			l.t.Fatalf("request %d: turned away without a word", w.Request.ID)
		}
		if l.p.Leave(l.now, w.Request) {
			l.t.Fatalf("request %d may leave after it was decided", w.Request.ID)
		}
	}
	if next := l.p.NextWake(); next != 0 && len(l.waiting) == 0 {
		l.t.Fatalf("next wake at %v, but nobody waits", next)
	}
}

// bookkeeping gives how many a peer believes to be in flight and waiting.
func bookkeeping(p sim.Policy) (inFlight, waiting int) {
	switch p := p.(type) {
	case *None:
		return p.inFlight, 0
	case *Static:
		return p.inFlight, 0
	case *EnvoyAC:
		return p.inFlight, 0
	case *EnvoyADM:
		return p.inFlight, 0
	case *Gradient2:
		return p.inFlight, 0
	case *Dagor:
		return p.inFlight, 0
	case *Cinnamon:
		return p.inFlight, p.room.len()
	case *Failsafe:
		return p.inFlight, p.room.len()
	}
	return -1, -1
}

// drain lets everything end; nothing may be left behind.
func (l *ledger) drain() {
	for i := 0; len(l.running)+len(l.waiting) > 0; i++ {
		if i > 100_000 {
			l.t.Fatalf("%d in flight and %d waiting do not end", len(l.running), len(l.waiting))
		}
		l.now += ms
		if len(l.running) > 0 {
			l.finish()
		}
		l.p.Tick(l.now)
		l.collect()
	}
	if in, waiting := bookkeeping(l.p); in != 0 || waiting != 0 {
		l.t.Fatalf("drained: the peer counts %d in flight and %d waiting, want none", in, waiting)
	}
}
