package peer

import (
	"testing"
	"time"

	"triage/bench/sim"
)

func TestCinnamonQueue(t *testing.T) {
	s := &stream{t: t, p: NewCinnamon(Settings{Classes: 4})}
	p := s.p.(*Cinnamon)
	var running []*sim.Request
	for range tunerInitial {
		running = append(running, s.want(3, sim.Start, ""))
	}
	normal := s.want(2, sim.Wait, "")
	sheddable := s.want(3, sim.Wait, "")
	critical := s.want(0, sim.Wait, "")
	s.done(running[0], 10*ms, sim.Success)
	s.done(running[1], 0, sim.Success)
	if got := p.Woken(s.now); len(got) != 2 || got[0].Request != critical || got[1].Request != normal || !got[0].Start || !got[1].Start {
		t.Fatalf("two slots: got %+v, want the critical and then the normal request started", got)
	}
	if at := p.NextWake(); at != 250*ms {
		t.Errorf("next wake at %v, want 250 ms", at)
	}
	if got := p.Woken(249 * ms); len(got) != 0 {
		t.Errorf("before the deadline: got %+v, want nobody", got)
	}
	if got := p.Woken(250 * ms); len(got) != 1 || got[0].Request != sheddable || got[0].Start || got[0].Reason != "queue_timeout" {
		t.Errorf("at the deadline: got %+v, want the sheddable request refused by queue_timeout", got)
	}
	if p.NextWake() != 0 || p.Leave(250*ms, sheddable) {
		t.Errorf("nobody waits: next wake at %v, want never, and nobody to leave", p.NextWake())
	}
}

func TestCinnamonPushesTheWorstOut(t *testing.T) {
	s := &stream{t: t, p: NewCinnamon(Settings{Classes: 4})}
	for range tunerInitial {
		s.want(0, sim.Start, "")
	}
	for range cinnamonQueue {
		s.want(3, sim.Wait, "")
	}
	s.want(2, sim.Wait, "")
	got := s.p.Woken(s.now)
	if len(got) != 1 || got[0].Start || got[0].Request.Class != 3 || got[0].Reason != "displaced" {
		t.Fatalf("a better one in a full room: got %+v, want one of class 3 displaced", got)
	}
	for range cinnamonQueue - 1 {
		s.want(2, sim.Wait, "")
	}
	s.p.Woken(s.now)
	s.want(3, sim.Refuse, "queue_full")
	if r, v := s.arrive(2, s.p.(*Cinnamon).room.worst().request.Session); v != sim.Refuse || r.Reason != "queue_full" {
		t.Errorf("equal to the worst: got %d %q, want a refusal by queue_full: who came first stays", v, r.Reason)
	}
}

// plant is a backend that takes equally long for everything.
type plant struct {
	*stream
	latency time.Duration
	ends    []ending
	refused [2]int // by class
	offered [2]int
}

type ending struct {
	at time.Duration
	r  *sim.Request
}

// load offers a request of the given classes in turn every gap, for so long.
func (p *plant) load(classes []int, gap, long time.Duration) {
	p.refused, p.offered = [2]int{}, [2]int{}
	for i, until := 0, p.now+long; p.now < until; i++ {
		p.now += gap
		for len(p.ends) > 0 && p.ends[0].at <= p.now {
			p.p.Done(p.now, p.ends[0].r, sim.Success)
			p.ends = p.ends[1:]
			p.collect()
		}
		class := classes[i%len(classes)]
		p.offered[class]++
		switch r, v := p.arrive(class, uint64(i*7919)); v {
		case sim.Start:
			p.ends = append(p.ends, ending{p.now + p.latency, r})
		case sim.Refuse:
			p.refused[class]++
		}
		p.collect()
	}
}

func (p *plant) collect() {
	for _, w := range p.p.Woken(p.now) {
		if w.Start {
			p.ends = append(p.ends, ending{p.now + p.latency, w.Request})
		} else {
			p.refused[w.Request.Class]++
		}
	}
}

func TestCinnamonRejectsTheLeastImportant(t *testing.T) {
	// 100 slots of 100 ms carry 1,000 a second; 500 critical and 1,500 others come.
	p := &plant{stream: &stream{t: t, p: NewCinnamon(Settings{Classes: 2})}, latency: 100 * ms}
	mix := []int{0, 1, 1, 1}
	p.load(mix, ms/2, 2*cinnamonPIEvery) // the first correction of a step to twice the capacity overshoots
	p.load(mix, ms/2, 10*time.Second)
	if p.refused[0] > 0 {
		t.Errorf("in overload: %d of %d critical refused, want none", p.refused[0], p.offered[0])
	}
	if share := float64(p.refused[1]) / float64(p.offered[1]); share < 0.5 || share > 0.75 {
		t.Errorf("in overload: %.3f of the others refused, want about two thirds", share)
	}
	p.load(mix, 4*ms, 2*time.Second)
	p.load(mix, 4*ms, 10*time.Second)
	if p.refused != [2]int{} {
		t.Errorf("from two seconds after it: %v refused, want none", p.refused)
	}
}

func TestCinnamonForgetsTheSpike(t *testing.T) {
	// 100 slots of 10 ms carry 10,000 a second: beside such flows the free slots are few and would unwind the integral slowly.
	p := &plant{stream: &stream{t: t, p: NewCinnamon(Settings{Classes: 2})}, latency: 10 * ms}
	p.load([]int{0, 1, 1, 1}, ms/20, 4*time.Second)
	p.load([]int{0, 1, 1, 1}, ms/5, 2*time.Second)
	p.load([]int{0, 1, 1, 1}, ms/5, 2*time.Second)
	if p.refused != [2]int{} {
		t.Errorf("from two seconds after the spike, at half of capacity: %v of %v refused, want none", p.refused, p.offered)
	}
}
