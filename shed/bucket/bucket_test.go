package bucket_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"triage/shed/bucket"
)

var noon = time.Date(2024, 11, 29, 12, 0, 0, 0, time.UTC)

func newBucket(t testing.TB, s bucket.Settings) *bucket.Bucket {
	t.Helper()
	b, err := bucket.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// drain takes until the first no and gives how many there were.
func drain(b *bucket.Bucket, now time.Time, key string) (taken int) {
	for {
		if ok, _ := b.Take(now, key); !ok {
			return taken
		}
		taken++
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		name string
		in   bucket.Settings
		want string
	}{
		{"no rate", bucket.Settings{}, "making bucket: rate is 0 tokens a second, must be a number over 0"},
		{"rate below 0", bucket.Settings{Rate: -1}, "rate is -1"},
		{"rate not a number", bucket.Settings{Rate: math.NaN()}, "rate is NaN"},
		{"rate without end", bucket.Settings{Rate: math.Inf(1)}, "rate is +Inf"},
		{"burst below 0", bucket.Settings{Rate: 1, Burst: -1}, "burst is -1, must be over 0"},
		{"keys below 0", bucket.Settings{Rate: 1, Keys: -1}, "keys is -1"},
		{"too many keys", bucket.Settings{Rate: 1, Keys: 1 << 25}, "keys is 33554432, must be 1 to 16777216"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := bucket.New(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("New(%+v): error %v, want %q", c.in, err, c.want)
			}
		})
	}
}

func TestBurstDefault(t *testing.T) {
	for rate, want := range map[float64]int{0.1: 1, 1: 1, 2.7: 2, 500: 500} {
		if got := drain(newBucket(t, bucket.Settings{Rate: rate}), noon, ""); got != want {
			t.Errorf("rate %v: a burst of %d, want %d", rate, got, want)
		}
	}
}

func TestCapacity(t *testing.T) {
	for keys, want := range map[int]int{0: 65536, 1: 1, 255: 255, 1000: 1000, 1001: 1002, 65536: 65536, 100000: 100032} {
		got := newBucket(t, bucket.Settings{Rate: 1, PerKey: true, Keys: keys}).Snapshot()
		if got.Capacity != want || got.Keys != 0 || got.Tokens != -1 {
			t.Errorf("keys %d: %+v, want capacity %d, no keys, tokens -1", keys, got, want)
		}
	}
}

func TestOneForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(t, bucket.Settings{Rate: 10, Burst: 5})
		for i := range 5 {
			if ok, _ := b.Take(time.Now(), fmt.Sprint(i)); !ok {
				t.Fatalf("request %d of a burst of 5 was refused", i)
			}
		}
		ok, wait := b.Take(time.Now(), "another")
		if ok || wait < 100*time.Millisecond || wait > 101*time.Millisecond {
			t.Errorf("empty: %v, retry after %v, want false, 100ms", ok, wait)
		}
		if got := b.Snapshot(); got != (bucket.Snapshot{}) {
			t.Errorf("empty: %+v, want zeros", got)
		}
		time.Sleep(300 * time.Millisecond)
		if got := b.Snapshot().Tokens; math.Abs(got-3) > 1e-9 {
			t.Errorf("300ms later: %v tokens, want 3", got)
		}
	})
}

func TestRetryAfterIsHonest(t *testing.T) {
	for _, rate := range []float64{1e-9, 0.003, 1.0 / 3, 7, 499.9, 1e6} {
		b := newBucket(t, bucket.Settings{Rate: rate, Burst: 3})
		drain(b, noon, "")
		_, wait := b.Take(noon, "")
		if ok, _ := b.Take(noon.Add(wait-3*time.Microsecond), ""); ok && wait > 5*time.Microsecond {
			t.Errorf("rate %v: passed before the %v it was told to wait", rate, wait)
		}
		if ok, again := b.Take(noon.Add(wait), ""); !ok {
			t.Errorf("rate %v: refused after the %v it was told to wait, another %v", rate, wait, again)
		}
	}
	b := newBucket(t, bucket.Settings{Rate: 1e-300})
	drain(b, noon, "")
	if _, wait := b.Take(noon, ""); wait != math.MaxInt64 {
		t.Errorf("a rate of almost nothing: retry after %v, want the longest duration", wait)
	}
}

func TestKeysHaveTheirOwn(t *testing.T) {
	b := newBucket(t, bucket.Settings{Rate: 1, Burst: 3, PerKey: true})
	long := strings.Repeat("x", 1<<20)
	for _, key := range []string{"", "a", "b", long, long + "1", long + "2"} {
		if got := drain(b, noon, key); got != 3 {
			t.Errorf("key of %d bytes: %d passed, want 3", len(key), got)
		}
	}
	if got := b.Snapshot(); got.Keys != 6 || got.Overflow != 0 {
		t.Errorf("%+v, want 6 keys and no overflow", got)
	}
}

func TestClockThatSwings(t *testing.T) {
	for _, perKey := range []bool{false, true} {
		b := newBucket(t, bucket.Settings{Rate: 1000, Burst: 1, PerKey: perKey})
		passed := 0
		for range 10000 {
			for _, now := range []time.Time{noon.Add(5 * time.Millisecond), noon} {
				if ok, _ := b.Take(now, "a"); ok {
					passed++
				}
			}
		}
		if passed > 6 {
			t.Errorf("per key %v: %d passed within 5 ms, want 6 at most", perKey, passed)
		}
	}
}

func TestClockThatIsSetBack(t *testing.T) {
	b := newBucket(t, bucket.Settings{Rate: 10, Burst: 2, PerKey: true})
	drain(b, noon, "a")
	back := noon.Add(-24 * time.Hour)
	if ok, _ := b.Take(back, "a"); ok {
		t.Error("setting the clock back filled the bucket")
	}
	if got := drain(b, back.Add(time.Second), "a"); got != 2 {
		t.Errorf("a second later %d passed, want 2", got)
	}
	for _, wild := range []time.Time{{}, time.Unix(math.MaxInt32<<20, 0), time.Unix(-1<<50, 0), noon} {
		if got := drain(b, wild, "a"); got > 2 {
			t.Errorf("at %v %d passed, want 2 at most", wild, got)
		}
	}
}

// TestNeverMoreThanTheQuota: Burst + Rate·t, whatever the order of times within the skew of clocks and whatever other keys do.
func TestNeverMoreThanTheQuota(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0.1, 1000).Draw(t, "rate")
		burst := rapid.IntRange(1, 20).Draw(t, "burst")
		keys := rapid.IntRange(1, 5).Draw(t, "keys")
		b, err := bucket.New(bucket.Settings{Rate: rate, Burst: burst, Keys: keys, PerKey: true})
		if err != nil {
			t.Fatal(err)
		}
		now, passed := noon, map[string]int{}
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(100*time.Millisecond)).Draw(t, "gap")))
			skew := time.Duration(rapid.Int64Range(0, int64(900*time.Millisecond)).Draw(t, "skew"))
			key := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h"}).Draw(t, "key")
			// The first time sets the clock, so it may not be late.
			if len(passed) == 0 {
				skew = 0
			}
			if ok, _ := b.Take(now.Add(-skew), key); ok {
				passed[key]++
			}
		}
		// A key may have had the overflow bucket as well as its own.
		limit := 2 * (float64(burst) + rate*now.Sub(noon).Seconds())
		if b.Snapshot().Overflow == 0 {
			limit /= 2
		}
		for key, n := range passed {
			if float64(n) > limit+1e-6 {
				t.Fatalf("key %s: %d passed, want %.2f at most", key, n, limit)
			}
		}
	})
}

func TestManyCallers(t *testing.T) {
	for _, perKey := range []bool{false, true} {
		b := newBucket(t, bucket.Settings{Rate: 1, Burst: 100, PerKey: perKey})
		var passed atomic.Int64
		var callers sync.WaitGroup
		for i := range 8 {
			callers.Go(func() {
				for j := range 500 {
					b.Snapshot()
					if ok, _ := b.Take(noon.Add(-time.Duration(i*j)), "a"); ok {
						passed.Add(1)
					}
				}
			})
		}
		callers.Wait()
		if got := passed.Load(); got != 100 {
			t.Errorf("per key %v: %d of 4000 passed, want 100", perKey, got)
		}
	}
}
