package http1

import (
	"fmt"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// poller tells those who wait for connections that they can go on, or that their time is over. It is to this package what the runtime's
// own poller is to package net, and waits by it; but a connection here costs nothing while it is idle, no goroutine, no timer and no call
// to be asked for again, and deadlines are looked at all together, so that moving one costs a store.
type poller struct {
	// next is when deadlines are looked at.
	next atomic.Int64
	// chunks are all slots; the list is made anew when it grows.
	chunks atomic.Pointer[[]*chunk]
	// space is for the one goroutine that takes events.
	space [256]event

	mu      sync.Mutex
	started bool
	events  int
	file    *os.File
	raw     syscall.RawConn
	free    []*slot
}

// chunk is some slots that stay where they are.
type chunk [256]slot

// shared is the process's poller: one, as of the runtime.
var shared poller

const (
	// often is how often deadlines are looked at at most; so it is also how late one may be. seldom is how often at least.
	often  = 10 * time.Millisecond
	seldom = time.Second
)

// add begins to look after a socket.
func (p *poller) add(fd int, owner Sleeper) (*slot, error) {
	p.mu.Lock()
	if err := p.startLocked(); err != nil {
		p.mu.Unlock()
		return nil, err
	}
	if len(p.free) == 0 {
		p.growLocked()
	}
	last := len(p.free) - 1
	s := p.free[last]
	p.free = p.free[:last]
	p.mu.Unlock()

	s.owner = owner
	s.read.reset()
	s.write.reset()
	if err := watch(p.events, fd, s.index); err != nil {
		p.remove(s)
		return nil, err
	}
	return s, nil
}

// remove forgets a slot. The socket is closed, or not looked after any more; an event that was on its way finds whoever has the slot next.
func (p *poller) remove(s *slot) {
	s.owner = nil
	s.read.reset()
	s.write.reset()
	p.mu.Lock()
	p.free = append(p.free, s)
	p.mu.Unlock()
}

func (p *poller) growLocked() {
	var all []*chunk
	if old := p.chunks.Load(); old != nil {
		all = append(all, *old...)
	}
	more := new(chunk)
	for i := range more {
		more[i].index = int32(len(all)*len(more) + i)
		p.free = append(p.free, &more[len(more)-1-i])
	}
	all = append(all, more)
	p.chunks.Store(&all)
}

// startLocked starts the poller, if it does not run.
func (p *poller) startLocked() error {
	if p.started {
		return nil
	}
	events, file, err := newEvents()
	if err != nil {
		return fmt.Errorf("starting to wait for connections: %w", err)
	}
	raw, err := file.SyscallConn()
	if err == nil {
		err = file.SetReadDeadline(time.Now().Add(seldom))
	}
	if err != nil {
		_ = file.Close()
		return fmt.Errorf("starting to wait for connections: %w", err)
	}
	p.events, p.file, p.raw, p.started = events, file, raw, true
	go p.run()
	return nil
}

// run waits for events and deadlines, as long as the process lives.
func (p *poller) run() {
	drain := p.drain
	for {
		// An error is the deadline: the file is never closed.
		_ = p.raw.Read(drain)
		p.tick()
	}
}

// drain tells of what has happened. False: nothing is to be done until something happens.
func (p *poller) drain(uintptr) (due bool) {
	for {
		n := takeEvents(p.events, p.space[:])
		for i := range n {
			e := &p.space[i]
			s := p.slot(e.Fd)
			if e.Events&toRead != 0 {
				s.fire(&s.read)
			}
			if e.Events&toWrite != 0 {
				s.fire(&s.write)
			}
		}
		if n < len(p.space) {
			return int64(Now()) >= p.next.Load()
		}
	}
}

func (p *poller) slot(index int32) *slot {
	return &(*p.chunks.Load())[int(index)/len(chunk{})][int(index)%len(chunk{})]
}

// tick ends waiting that has lasted long enough.
func (p *poller) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Who begins to wait from now on waits for the lock, and is then too early for the next time or says so.
	p.next.Store(math.MaxInt64)
	now := Now()
	next := now + seldom
	if all := p.chunks.Load(); all != nil {
		for _, c := range *all {
			for i := range c {
				s := &c[i]
				next = min(next, s.end(&s.read, now), s.end(&s.write, now))
			}
		}
	}
	p.atLocked(max(next, now+often))
}

// end tells who waits if the time is over, and gives it otherwise.
func (s *slot) end(d *side, now time.Duration) time.Duration {
	switch d.state.Load() {
	case parked, asleep:
	default:
		return math.MaxInt64
	}
	switch until := time.Duration(d.until.Load()); {
	case until == 0:
	case until > now:
		return until
	default:
		s.fire(d)
	}
	return math.MaxInt64
}

// by sees to it that deadlines are looked at soon after an instant.
func (p *poller) by(until int64) {
	if until == 0 || until >= p.next.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if until < p.next.Load() {
		p.atLocked(max(time.Duration(until), Now()))
	}
}

func (p *poller) atLocked(next time.Duration) {
	p.next.Store(int64(next))
	_ = p.file.SetReadDeadline(epoch.Add(next))
}
