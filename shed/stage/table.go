package stage

import (
	"hash/maphash"
	"math"
	"sync"
	"time"
)

const (
	shards = 64
	ways   = 8
	// setsPerShard makes 131,072 places: a quarter of an hour of 145 new sessions a second, in 2 MiB.
	setsPerShard = 256

	// Capacity is how many sessions a Table knows at most.
	Capacity = shards * setsPerShard * ways
	// Idle is how long a session is known after it was heard of last.
	Idle = 15 * time.Minute
)

// Key stands for a session. It is never 0.
type Key uint64

// Table knows sessions and their stages.
type Table struct {
	seed   maphash.Seed
	shards [shards]shard
}

type shard struct {
	mu   sync.Mutex
	sets [setsPerShard]set
}

// set is where a session may be: one of its places.
type set [ways]place

// place is a session's. The zero value is free.
type place struct {
	key  Key
	seen uint32 // seconds on the caller's clock
	Session
}

// Session is what is known of one.
type Session struct {
	// Stage is how far it has come; 0 is that it has completed something.
	Stage uint8
	// Origin is what it was said to come from when it first completed something.
	Origin uint16
}

// New makes a table with a seed of its own.
func New() *Table { return &Table{seed: maphash.MakeSeed()} }

// Key is the key of a session: what it is told apart by, such as a cookie of a name, and the value of that.
func (t *Table) Key(kind, name, value string) Key {
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, part := range [...]string{kind, name, value} {
		h.WriteString(part)
		h.WriteByte(0) // none of them has one
	}
	return max(Key(h.Sum64()), 1)
}

// Look gives what is known of a session, and whether it is known at all. Asking counts as having heard of it. now is the time since
// any fixed instant; an earlier one than before counts as no time at all.
func (t *Table) Look(now time.Duration, k Key) (session Session, known bool) {
	s, places := t.find(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := places.of(k)
	if p == nil || p.free(at(now)) {
		return Session{}, false
	}
	p.seen = max(p.seen, at(now))
	return p.Session, true
}

// Complete notes how far a session has come. Of a session that is known already the origin stays, and the stage does not fall.
func (t *Table) Complete(now time.Duration, k Key, done Session) {
	s, places := t.find(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := places.of(k); p != nil && !p.free(at(now)) {
		p.Stage, p.seen = max(p.Stage, done.Stage), max(p.seen, at(now))
		return
	}
	if p := places.roomFor(at(now), k, done.Stage); p != nil {
		*p = place{key: k, seen: at(now), Session: done}
	}
}

// find gives the shard and the set of a key, by bits of their own.
func (t *Table) find(k Key) (*shard, *set) {
	s := &t.shards[k%shards]
	return s, &s.sets[k/shards%setsPerShard]
}

// at is a time as places keep it: whole seconds, from 1 on.
func at(now time.Duration) uint32 {
	return uint32(min(max(now, 0)/time.Second, math.MaxUint32-1)) + 1
}

// of gives the place that has the key, nil if there is none.
func (s *set) of(k Key) *place {
	for i := range s {
		if s[i].key == k {
			return &s[i]
		}
	}
	return nil
}

// roomFor gives the place that a newcomer may have, nil if everybody here has come further.
func (s *set) roomFor(now uint32, k Key, stage uint8) *place {
	worst := &s[0]
	for i := range s {
		p := &s[i]
		if p.key == k || p.free(now) {
			return p
		}
		if p.Stage < worst.Stage || p.Stage == worst.Stage && p.seen < worst.seen {
			worst = p
		}
	}
	if worst.Stage > stage {
		return nil
	}
	return worst
}

// free reports whether the place is nobody's, or of a session that was not heard of for too long.
func (p *place) free(now uint32) bool {
	return p.key == 0 || now > p.seen && now-p.seen > uint32(Idle/time.Second)
}
