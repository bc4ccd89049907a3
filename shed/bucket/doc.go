// Package bucket answers one question: is it within its quota?
//
// # Law
//
// A token bucket holds Burst tokens and gains Rate tokens a second; a request takes one or is refused
// (golang.org/x/time/rate, one Limiter a bucket). There is one bucket for all, or one for each key.
//
// # The table of keys
//
// Keys come from clients, so the table is bounded: at most about Keys buckets (up to 63 more by rounding), up to 250 bytes
// each, 16 MB for the default of 65,536. Memory is taken as keys come and kept. A key is stored as its 64-bit hash
// (hash/maphash) under a random seed: keys of any length cost the same, no client's address or cookie stays in memory, and
// nobody outside can aim at a shard. That any two of 65,536 keys share a bucket by chance has a probability of 1e-10. A shard has one lock and at most 1024 keys by default; hashing
// fills shards a little unevenly, so count on nine tenths of Keys having a bucket of their own at the same time.
//
// When a key's shard is full, up to 4 buckets are looked at, in turn, for one that has refilled completely. That one is as
// good as new, so forgetting whose it was costs nobody anything, and the new key gets it. If there is none, the request shares
// one overflow bucket of the same rate with all such requests of the shard, and is counted in Overflow. So a million keys
// neither grow the table, nor give anyone a fresh bucket who has emptied his, nor shut new clients out: they have the overflow
// buckets (64 of them by default), and own ones as soon as any refills.
//
// # Time
//
// The caller hands over the time. Callers read their clocks in another order than they get the lock, and a Limiter that sees
// time swing grants the swing twice, or grants nothing until a clock that was set back has caught up. So each lock has a clock
// of its own that only goes forward (clock.go).
//
// # Promised
//
// Never more than Burst + Rate·t requests of one key pass in any t seconds, a clock that jumps forward apart. A known key
// costs no allocation. The time that a refusal says to wait is the time to the next token: it may be gone by then.
//
// # Not done
//
// No limit over several processes. No fairness between the keys that share an overflow bucket.
package bucket
