package queue_test

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"triage/shed/queue"
)

func TestBestLeavesFirst(t *testing.T) {
	var q queue.Queue[string]
	for i, w := range []struct {
		name         string
		class, stage uint8
		cohort       uint16
	}{
		{"normal", 2, 9, 0}, {"critical late cohort", 0, 0, 9}, {"sheddable", 3, 0, 0}, {"critical early cohort", 0, 0, 3},
		{"critical early cohort, later", 0, 0, 3}, {"critical further", 0, 1, 300}, {"critical furthest", 0, 2, 200},
	} {
		q.Push(queue.Key{Class: w.class, Stage: w.stage, Cohort: w.cohort, Arrival: uint64(i)}, w.name, 10)
	}
	want := []string{"critical furthest", "critical further", "critical early cohort", "critical early cohort, later", "critical late cohort", "normal", "sheddable"}
	if got := q.Drain(); !slices.Equal(got, want) {
		t.Errorf("order\n got %q\nwant %q", got, want)
	}
}

func TestFullRoomTurnsTheWorstAway(t *testing.T) {
	var q queue.Queue[string]
	q.Push(queue.Key{Class: 1, Arrival: 1}, "important", 2)
	q.Push(queue.Key{Class: 3, Arrival: 2}, "sheddable", 2)

	if got, ok := q.Push(queue.Key{Class: 3, Arrival: 3}, "sheddable too", 2); !ok || got != "sheddable too" {
		t.Errorf("an arrival that is no better: turned away %q, %v; want itself", got, ok)
	}
	if got, ok := q.Push(queue.Key{Class: 0, Arrival: 4}, "critical", 2); !ok || got != "sheddable" {
		t.Errorf("a better arrival: turned away %q, %v; want the sheddable one", got, ok)
	}
	if got, ok := q.Push(queue.Key{Class: 0, Arrival: 5}, "critical too", 0); !ok || got != "critical too" {
		t.Errorf("no room at all: turned away %q, %v; want itself", got, ok)
	}
}

// The waiting room against the plainest model: a sorted list.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue.Queue[uint64]
		var model []queue.Key
		order := func(a, b queue.Key) int {
			return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(b.Stage, a.Stage), cmp.Compare(a.Cohort, b.Cohort), cmp.Compare(a.Arrival, b.Arrival))
		}
		for arrival := uint64(1); arrival < 60; arrival++ {
			switch rapid.IntRange(0, 3).Draw(t, "op") {
			case 0, 1:
				key := queue.Key{Class: rapid.Uint8Range(0, 3).Draw(t, "class"), Stage: rapid.Uint8Range(0, 1).Draw(t, "stage"), Cohort: rapid.Uint16Range(0, 3).Draw(t, "cohort"), Arrival: arrival}
				room := rapid.IntRange(0, 8).Draw(t, "room")
				over := len(model) >= room
				better := 0
				for _, k := range model {
					if order(k, key) < 0 {
						better++
					}
				}
				if got := q.Ahead(key); got != better {
					t.Fatalf("%d are ahead of %+v; want %d", got, key, better)
				}
				model = append(model, key)
				slices.SortFunc(model, order)
				away, ok := q.Push(key, arrival, room)
				if ok != over {
					t.Fatalf("push into %d of %d: turned away %v", len(model)-1, room, ok)
				}
				if ok {
					want := model[len(model)-1]
					if room <= 0 {
						want = key
					}
					if away != want.Arrival {
						t.Fatalf("turned away %d, want %d", away, want.Arrival)
					}
					model = slices.DeleteFunc(model, func(k queue.Key) bool { return k == want })
				}
			case 2:
				got, ok := q.Pop()
				if ok != (len(model) > 0) || ok && got != model[0].Arrival {
					t.Fatalf("pop: got %d %v, model %v", got, ok, model)
				}
				if ok {
					model = model[1:]
				}
			case 3:
				if len(model) > 0 {
					i := rapid.IntRange(0, len(model)-1).Draw(t, "remove")
					if !q.Remove(model[i], model[i].Arrival) || q.Remove(model[i], model[i].Arrival) {
						t.Fatal("remove: want true once, then false")
					}
					model = slices.Delete(model, i, i+1)
				}
			}
			if q.Len() != len(model) {
				t.Fatalf("length %d, model %d", q.Len(), len(model))
			}
		}
	})
}

func BenchmarkPushPop(b *testing.B) {
	var q queue.Queue[int]
	for i := range 200 {
		q.Push(queue.Key{Class: uint8(i % 4), Cohort: uint16(i), Arrival: uint64(i)}, i, 256)
	}
	b.ReportAllocs()
	i := uint64(1000)
	for b.Loop() {
		i++
		q.Push(queue.Key{Class: uint8(i % 4), Cohort: uint16(i % 128), Arrival: i}, int(i), 256)
		q.Pop()
	}
}
