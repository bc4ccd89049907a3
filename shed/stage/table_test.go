package stage_test

import (
	"fmt"
	"math"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"triage/shed/stage"
)

const minute = time.Minute

func TestStageIsWhatWasCompleted(t *testing.T) {
	table := stage.New()
	ann, bob := table.Key("cookie", "sid", "ann"), table.Key("cookie", "sid", "bob")
	look := func(now time.Duration, k stage.Key, want uint8, wantKnown bool) {
		t.Helper()
		if got, known := table.Look(now, k); got.Stage != want || known != wantKnown {
			t.Errorf("at %v: %+v, known %v; want stage %d, %v", now, got, known, want, wantKnown)
		}
	}
	look(0, ann, 0, false)
	table.Complete(0, ann, stage.Session{Stage: 0})
	look(0, ann, 0, true)
	table.Complete(minute, ann, stage.Session{Stage: 2})
	look(minute, ann, 2, true)
	table.Complete(2*minute, ann, stage.Session{Stage: 1}) // going back a page takes nothing away
	look(2*minute, ann, 2, true)
	look(2*minute, bob, 0, false)
	look(17*minute, ann, 2, true) // and that was heard of it
	look(30*minute, ann, 2, true)
	look(46*minute, ann, 0, false)
	table.Complete(46*minute, ann, stage.Session{Stage: 1}) // what it once was is forgotten
	look(46*minute, ann, 1, true)
}

// A session keeps where it first came from, whoever shows its cookie later.
func TestOriginStays(t *testing.T) {
	table := stage.New()
	k := table.Key("cookie", "sid", "ann")
	table.Complete(0, k, stage.Session{Origin: 7})
	table.Complete(minute, k, stage.Session{Stage: 1, Origin: 8})
	if got, _ := table.Look(minute, k); got != (stage.Session{Stage: 1, Origin: 7}) {
		t.Errorf("got %+v; want stage 1 and origin 7", got)
	}
}

func TestKeysTellSessionsApart(t *testing.T) {
	table := stage.New()
	seen := map[stage.Key]string{}
	for _, k := range [][3]string{{"cookie", "sid", "a"}, {"header", "sid", "a"}, {"cookie", "sida", ""}, {"cookie", "", "sida"}, {"cookie", "si", "da"}, {"cookies", "id", "a"}, {}} {
		key := table.Key(k[0], k[1], k[2])
		if other, twice := seen[key]; twice || key == 0 {
			t.Errorf("%q has the key of %s, or none", k, other)
		}
		seen[key] = fmt.Sprintf("%q", k)
		if key != table.Key(k[0], k[1], k[2]) {
			t.Errorf("%q has two keys", k)
		}
	}
	if table.Key("cookie", "sid", "a") == stage.New().Key("cookie", "sid", "a") {
		t.Error("two tables have one seed: a client could work out which sessions share a set")
	}
}

// A flood of invented sessions, each with as many completed stages as the attacker can afford, drives out nobody who has come
// further, and takes no memory.
func TestInventedSessionsDriveOutNobodyWhoCameFurther(t *testing.T) {
	const honest, invented = 10_000, 1_000_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table := stage.New()
	for i := range honest {
		table.Complete(0, table.Key("cookie", "sid", "honest"+strconv.Itoa(i)), stage.Session{Stage: uint8(2 + i%2)})
	}
	for i := range invented {
		key := stage.Key(uint64(i+1) * 0x9e3779b97f4a7c15) // as good as a hash, and cheaper a million times
		table.Look(time.Second, key)
		table.Complete(time.Second, key, stage.Session{Stage: uint8(i % 2)})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 5<<19 {
		t.Errorf("%d sessions take %d bytes; want 2.5 MiB at most", honest+invented, grown)
	}
	for i := range honest {
		if got, known := table.Look(2*time.Second, table.Key("cookie", "sid", "honest"+strconv.Itoa(i))); !known || got.Stage != uint8(2+i%2) {
			t.Fatalf("honest session %d: %+v, known %v; want %d", i, got, known, 2+i%2)
		}
	}
	runtime.KeepAlive(table)
}

// Among equals the one that was heard of least lately goes: who is busy stays.
func TestAmongEqualsTheIdleGo(t *testing.T) {
	table := stage.New()
	busy := table.Key("cookie", "sid", "busy")
	table.Complete(0, busy, stage.Session{Stage: 1})
	for i := range 12 * stage.Capacity / 8 {
		now := time.Duration(i) * time.Millisecond
		table.Complete(now, table.Key("cookie", "sid", strconv.Itoa(i)), stage.Session{Stage: 1})
		if i%100 == 0 {
			if _, known := table.Look(now, busy); !known {
				t.Fatalf("after %d other sessions the busy one is forgotten", i)
			}
		}
	}
}

// Whatever happens in whatever order: a known session's stage is the furthest it completed since it was last unknown, a session is
// driven out only by one that has come as far, and odd times do no harm.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := stage.New()
		type fact struct {
			stage uint8
			seen  time.Duration
		}
		model := map[stage.Key]fact{}
		latest := time.Duration(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now := latest + time.Duration(rapid.Int64Range(-int64(minute), int64(10*minute)).Draw(t, "dt"))
			latest = max(latest, now)
			// All of one set: the low bits are those of the shard and of the set.
			key := stage.Key(rapid.Uint64Range(1, 12).Draw(t, "key")<<20 | 5)
			f, known := model[key]
			if known && now-f.seen > stage.Idle+time.Second {
				delete(model, key)
				known = false
			}
			if rapid.Bool().Draw(t, "look") {
				got, gotKnown := table.Look(now, key)
				if gotKnown && (!known || got.Stage != f.stage) {
					t.Fatalf("%+v; the model says %v %v", got, f, known)
				}
				if gotKnown {
					model[key] = fact{f.stage, max(f.seen, now)}
				}
				continue
			}
			stageOf := rapid.Uint8Range(0, 3).Draw(t, "stage")
			if known {
				_, still := table.Look(now, key)
				if still {
					stageOf = max(stageOf, f.stage)
				}
			}
			further := map[stage.Key]fact{}
			for k, f := range model {
				if _, there := table.Look(max(f.seen, 0), k); there && f.stage > stageOf && k != key {
					further[k] = f
				}
			}
			table.Complete(now, key, stage.Session{Stage: stageOf})
			model[key] = fact{stageOf, max(f.seen, now)}
			for k, f := range further {
				if _, there := table.Look(f.seen, k); !there && now-f.seen <= stage.Idle {
					t.Fatalf("a session at stage %d was driven out by one at stage %d", f.stage, stageOf)
				}
			}
		}
	})
}

func TestOddTimes(t *testing.T) {
	table := stage.New()
	k := table.Key("cookie", "sid", "a")
	for _, now := range []time.Duration{0, -time.Hour, math.MinInt64, time.Second, math.MaxInt64, 0} {
		table.Complete(now, k, stage.Session{Stage: 3})
		if got, known := table.Look(now, k); got.Stage != 3 || !known {
			t.Errorf("at %v: %+v, known %v right after it was completed; want 3", now, got, known)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	table := stage.New()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 2000 {
				k := table.Key("cookie", "sid", strconv.Itoa(i%100))
				table.Complete(time.Duration(i), k, stage.Session{Stage: uint8(i % 4)})
				table.Look(time.Duration(i), k)
			}
		})
	}
	wg.Wait()
}

func BenchmarkLook(b *testing.B) {
	table := stage.New()
	for i := range 50_000 {
		table.Complete(0, table.Key("cookie", "sid", strconv.Itoa(i)), stage.Session{Stage: 1})
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			table.Look(0, table.Key("cookie", "sid", "0123456789abcdef0123456789abcdef"))
		}
	})
}
