package bucket

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// looks is how many buckets of a full shard are looked at for one that has refilled.
const looks = 4

// digest stands for a key.
type digest uint64

// quota is what every bucket of a table has in common.
type quota struct {
	rate  rate.Limit
	burst int
}

func (q quota) bucket() *rate.Limiter { return rate.NewLimiter(q.rate, q.burst) }

// take takes a token, or says how long until there is one.
func (q quota) take(l *rate.Limiter, now time.Time) (bool, time.Duration) {
	if l.AllowN(now, 1) {
		return true, 0
	}
	wait := (1 - l.TokensAt(now)) / float64(q.rate) * float64(time.Second)
	// One microsecond more than computed, so that rounding cannot send anyone back too early.
	if wait = max(0, wait) + float64(time.Microsecond); wait < math.MaxInt64 {
		return false, time.Duration(wait)
	}
	return false, math.MaxInt64
}

// slot is a bucket and whose it is.
type slot struct {
	owner   digest
	limiter *rate.Limiter
}

// shard is a part of the table of keys, or the one bucket of a limit that is not per key.
type shard struct {
	quota quota
	// capacity is how many slots there may be.
	capacity int

	mu    sync.Mutex
	clock clock
	// index gives a key's place in slots.
	index map[digest]int
	slots []slot
	// hand is the slot to look at next.
	hand int
	// shared is the overflow bucket; for a limit that is not per key, the bucket.
	shared   *rate.Limiter
	overflow uint64
}

// takeShared takes from the one bucket.
func (s *shard) takeShared(now time.Time) (bool, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.next(now)
	return s.quota.take(s.shared, s.clock.runs)
}

// takeOwn takes from the key's bucket.
func (s *shard) takeOwn(now time.Time, key digest) (bool, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.next(now)
	return s.quota.take(s.findLocked(key), s.clock.runs)
}

// findLocked gives the key's bucket, makes or frees one, or gives the shared one.
func (s *shard) findLocked(key digest) *rate.Limiter {
	if i, known := s.index[key]; known {
		return s.slots[i].limiter
	}
	if len(s.slots) < s.capacity {
		s.index[key] = len(s.slots)
		s.slots = append(s.slots, slot{key, s.quota.bucket()})
		return s.slots[len(s.slots)-1].limiter
	}
	i, found := s.refilledLocked()
	if !found {
		s.overflow++
		return s.shared
	}
	delete(s.index, s.slots[i].owner)
	s.index[key] = i
	s.slots[i].owner = key
	return s.slots[i].limiter
}

// refilledLocked looks for a bucket that is as good as new.
func (s *shard) refilledLocked() (int, bool) {
	for range min(looks, len(s.slots)) {
		i := s.hand
		s.hand = (s.hand + 1) % len(s.slots)
		if s.slots[i].limiter.TokensAt(s.clock.runs) >= float64(s.quota.burst) {
			return i, true
		}
	}
	return 0, false
}
