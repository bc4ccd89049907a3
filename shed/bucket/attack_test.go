package bucket_test

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"triage/shed/bucket"
)

// flood sends one request each of many keys at one instant.
func flood(b *bucket.Bucket, now time.Time, prefix string, keys int) (passed int) {
	for i := range keys {
		if ok, _ := b.Take(now, prefix+strconv.Itoa(i)); ok {
			passed++
		}
	}
	return passed
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestMemoryIsBounded holds doc.go to its 250 bytes a key, for keys that stay and for keys that replace each other.
func TestMemoryIsBounded(t *testing.T) {
	const bytesPerKey, keys = 250, 16384
	for _, c := range []struct {
		name string
		gap  time.Duration
	}{{"all at once", 0}, {"each after the last has refilled", time.Minute}} {
		t.Run(c.name, func(t *testing.T) {
			before := heap()
			b := newBucket(t, bucket.Settings{Rate: 1, Keys: keys, PerKey: true})
			for round := range 10 {
				flood(b, noon.Add(time.Duration(round)*c.gap), strconv.Itoa(round)+"-", keys)
			}
			got := heap() - before
			snap := b.Snapshot()
			if snap.Keys > snap.Capacity || snap.Keys < snap.Capacity*9/10 {
				t.Errorf("after ten times its keys the table holds %d of %d", snap.Keys, snap.Capacity)
			}
			if limit := int64(snap.Capacity * bytesPerKey); got > limit {
				t.Errorf("after ten times its keys the table takes %d bytes, want %d at most", got, limit)
			}
			t.Logf("%d bytes, %d a key", got, got/int64(snap.Keys))
		})
	}
}

func TestFloodResetsNobody(t *testing.T) {
	b := newBucket(t, bucket.Settings{Rate: 0.5, Burst: 10, Keys: 1000, PerKey: true})
	if got := drain(b, noon, "greedy"); got != 10 {
		t.Fatalf("%d passed, want 10", got)
	}
	flood(b, noon, "attacker-", 100000)
	if got := drain(b, noon.Add(time.Second), "greedy"); got != 0 {
		t.Errorf("after the flood %d passed, want 0", got)
	}
	if got := drain(b, noon.Add(2*time.Second), "greedy"); got != 1 {
		t.Errorf("two seconds later %d passed, want 1", got)
	}
}

func TestFloodIsHeldToTheTable(t *testing.T) {
	b := newBucket(t, bucket.Settings{Rate: 0.5, Burst: 10, Keys: 1000, PerKey: true})
	passed := flood(b, noon, "attacker-", 100000)
	snap := b.Snapshot()
	// One request from each key with a bucket, and the burst of each shard's overflow bucket; 1000 keys make two shards.
	if want := snap.Keys + 2*10; passed != want {
		t.Errorf("%d passed, want %d", passed, want)
	}
	if want := uint64(100000 - snap.Keys); snap.Overflow != want {
		t.Errorf("%d in overflow, want %d", snap.Overflow, want)
	}
}

func TestFloodLeavesRoomForTheHonest(t *testing.T) {
	b := newBucket(t, bucket.Settings{Rate: 0.5, Burst: 10, Keys: 1000, PerKey: true})
	flood(b, noon, "attacker-", 100000)
	// While every bucket is in use, new clients have what is left in the overflow buckets.
	shortly := noon.Add(2 * time.Second)
	flood(b, noon.Add(time.Second), "attacker-", 1000)
	if ok, _ := b.Take(shortly, "honest"); !ok {
		t.Error("a new client was refused although the overflow bucket had gained a token")
	}
	// Once the attacker's have refilled, they are given away.
	overflow := b.Snapshot().Overflow
	for i := range 500 {
		if ok, _ := b.Take(noon.Add(time.Hour), "new-"+strconv.Itoa(i)); !ok {
			t.Fatalf("new client %d was refused after the attacker's buckets had refilled", i)
		}
	}
	snap := b.Snapshot()
	if got := snap.Overflow - overflow; got != 0 || snap.Keys > snap.Capacity {
		t.Errorf("%d of 500 new clients shared, %d keys of %d, want each to have its own", got, snap.Keys, snap.Capacity)
	}
}

func TestGivenAwayBucketIsFull(t *testing.T) {
	b := newBucket(t, bucket.Settings{Rate: 1, Burst: 4, Keys: 1, PerKey: true})
	drain(b, noon, "first")
	if got := drain(b, noon.Add(3900*time.Millisecond), "second"); got != 4 || b.Snapshot().Overflow != 5 {
		t.Errorf("before the bucket refilled: %d passed, %+v, want 4 from the overflow bucket", got, b.Snapshot())
	}
	later := noon.Add(4 * time.Second)
	if got := drain(b, later, "third"); got != 4 || b.Snapshot().Overflow != 5 {
		t.Errorf("after it refilled: %d passed, %+v, want 4 from its own bucket", got, b.Snapshot())
	}
	if got := drain(b, later.Add(time.Second), "third"); got != 1 {
		t.Errorf("a second later: %d passed, want 1", got)
	}
}
