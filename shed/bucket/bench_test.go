package bucket_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"triage/shed/bucket"
)

func TestKnownKeyAllocatesNothing(t *testing.T) {
	long := strings.Repeat("x", 4096)
	for _, c := range []struct {
		name     string
		settings bucket.Settings
		key      string
	}{
		{"one for all", bucket.Settings{Rate: 1e9}, ""},
		{"per key", bucket.Settings{Rate: 1e9, PerKey: true}, "192.0.2.1"},
		{"long key", bucket.Settings{Rate: 1e9, PerKey: true}, long},
		{"refused", bucket.Settings{Rate: 1e-3, PerKey: true}, "192.0.2.1"},
	} {
		b := newBucket(t, c.settings)
		b.Take(noon, c.key)
		if got := testing.AllocsPerRun(1000, func() { b.Take(noon, c.key) }); got != 0 {
			t.Errorf("%s: %v allocations, want 0", c.name, got)
		}
	}
}

func benchmark(b *testing.B, s bucket.Settings, keys int) {
	x := newBucket(b, s)
	names := make([]string, keys)
	for i := range names {
		names[i] = "192.0.2." + strconv.Itoa(i)
		x.Take(time.Now(), names[i])
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := rand.IntN(keys); pb.Next(); i = (i + 1) % keys {
			x.Take(time.Now(), names[i])
		}
	})
}

func BenchmarkTake(b *testing.B) {
	b.Run("one for all", func(b *testing.B) { benchmark(b, bucket.Settings{Rate: 1e6}, 1) })
	b.Run("1 key", func(b *testing.B) { benchmark(b, bucket.Settings{Rate: 1e6, PerKey: true}, 1) })
	b.Run("1 key refused", func(b *testing.B) { benchmark(b, bucket.Settings{Rate: 1e-6, PerKey: true}, 1) })
	b.Run("100000 keys", func(b *testing.B) { benchmark(b, bucket.Settings{Rate: 1e6, Keys: 200000, PerKey: true}, 100000) })
	b.Run("100000 keys, half overflow", func(b *testing.B) {
		benchmark(b, bucket.Settings{Rate: 1e-6, Keys: 50000, PerKey: true}, 100000)
	})
}

func BenchmarkTakeAlone(b *testing.B) {
	x := newBucket(b, bucket.Settings{Rate: 1e6, PerKey: true})
	b.ReportAllocs()
	for b.Loop() {
		x.Take(time.Now(), "192.0.2.1")
	}
}
