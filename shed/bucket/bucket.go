package bucket

import (
	"fmt"
	"hash/maphash"
	"math"
	"math/bits"
	"time"

	"golang.org/x/time/rate"
)

const (
	defaultKeys = 65536
	// maxKeys is 4 GB of buckets; more is a slip of the keyboard.
	maxKeys = 1 << 24
	// maxShards is what two dozen cores need to seldom meet at a lock.
	maxShards = 64
	// minShardKeys keeps shards large enough that random hashing fills them evenly.
	minShardKeys = 256
)

// Settings is the input of New.
type Settings struct {
	// Rate is in tokens a second, over 0. It has no default.
	Rate float64
	// Burst is how many requests may come at once. 0: as many as Rate gives in a second, at least 1.
	Burst int
	// Keys is the capacity of the table of keys, up to 16,777,216. 0: 65,536. Without PerKey it means nothing.
	Keys int
	// PerKey gives each key a bucket of its own; otherwise there is one for all.
	PerKey bool
}

// Bucket is one limit. Its methods may be called by any number of goroutines.
type Bucket struct {
	perKey bool
	seed   maphash.Seed
	// shards are a power of two; one if not per key.
	shards []shard
}

// Snapshot is the state of a limit.
type Snapshot struct {
	// Keys is how many keys the table holds, Capacity how many it can.
	Keys, Capacity int
	// Tokens is what is left in the one bucket, -1 if there is one for each key.
	Tokens float64
	// Overflow counts requests that shared an overflow bucket because the table was full of buckets in use.
	Overflow uint64
}

// New gives a limit with full buckets, or an error if a setting makes no sense.
func New(s Settings) (*Bucket, error) {
	s, err := s.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("making bucket: %w", err)
	}
	b := &Bucket{perKey: s.PerKey, seed: maphash.MakeSeed()}
	if !s.PerKey {
		s.Keys = 0
	}
	count := 1 << (bits.Len(uint(min(maxShards, max(1, s.Keys/minShardKeys)))) - 1)
	b.shards = make([]shard, count)
	q := quota{rate.Limit(s.Rate), s.Burst}
	for i := range b.shards {
		b.shards[i] = shard{quota: q, capacity: (s.Keys + count - 1) / count, index: map[digest]int{}, shared: q.bucket()}
	}
	return b, nil
}

func (s Settings) withDefaults() (Settings, error) {
	if !(s.Rate > 0) || math.IsInf(s.Rate, 0) {
		return s, fmt.Errorf("rate is %v tokens a second, must be a number over 0", s.Rate)
	}
	if s.Burst == 0 {
		s.Burst = int(min(max(1, s.Rate), math.MaxInt32))
	}
	if s.Burst < 0 {
		return s, fmt.Errorf("burst is %d, must be over 0, or 0 for the tokens of one second", s.Burst)
	}
	if s.Keys == 0 {
		s.Keys = defaultKeys
	}
	if s.Keys < 0 || s.Keys > maxKeys {
		return s, fmt.Errorf("keys is %d, must be 1 to %d, or 0 for %d", s.Keys, maxKeys, defaultKeys)
	}
	return s, nil
}

// Take takes a token from the key's bucket. If there is none, it says how long until there is. The key is ignored unless the
// limit is per key.
func (b *Bucket) Take(now time.Time, key string) (ok bool, retryAfter time.Duration) {
	if !b.perKey {
		return b.shards[0].takeShared(now)
	}
	d := digest(maphash.String(b.seed, key))
	return b.shards[d%digest(len(b.shards))].takeOwn(now, d)
}

// Snapshot gives the state now, going by the clock of this process.
func (b *Bucket) Snapshot() Snapshot {
	snap := Snapshot{Tokens: -1}
	for i := range b.shards {
		b.shards[i].addTo(&snap)
	}
	if !b.perKey {
		snap.Tokens = b.shards[0].tokens(time.Now())
	}
	return snap
}

func (s *shard) addTo(snap *Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap.Keys += len(s.slots)
	snap.Capacity += s.capacity
	snap.Overflow += s.overflow
}

// tokens looks at the one bucket without moving its clock.
func (s *shard) tokens(now time.Time) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shared.TokensAt(s.clock.next(now).runs)
}
