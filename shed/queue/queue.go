package queue

import "slices"

// Key is the place of a waiter in the order, decided field by field from the top. Of Stage more is better, of the others less.
type Key struct {
	Class   uint8
	Stage   uint8
	Cohort  uint16
	Arrival uint64
}

// Compare orders keys: negative if k goes before o. Two waiters never have the same Arrival.
func (k Key) Compare(o Key) int {
	switch {
	case k.Class != o.Class:
		return int(k.Class) - int(o.Class)
	case k.Stage != o.Stage:
		return int(o.Stage) - int(k.Stage)
	case k.Cohort != o.Cohort:
		return int(k.Cohort) - int(o.Cohort)
	case k.Arrival < o.Arrival:
		return -1
	case k.Arrival > o.Arrival:
		return 1
	}
	return 0
}

// Rank is the key without its Arrival as a number: of two keys the one with the smaller rank goes before the other.
func (k Key) Rank() uint64 { return uint64(k.Class)<<24 | uint64(^k.Stage)<<16 | uint64(k.Cohort) }

// Queue is a waiting room of waiters of type W. The zero value is empty and ready.
type Queue[W comparable] struct {
	// entries are sorted worst first.
	entries []entry[W]
}

type entry[W comparable] struct {
	key    Key
	waiter W
}

func worseFirst[W comparable](e entry[W], k Key) int { return k.Compare(e.key) }

// Len is the number of waiters.
func (q *Queue[W]) Len() int { return len(q.entries) }

// Best is the key of the waiter that leaves next; ok is false when nobody waits.
func (q *Queue[W]) Best() (key Key, ok bool) {
	if len(q.entries) == 0 {
		return Key{}, false
	}
	return q.entries[len(q.entries)-1].key, true
}

// Ahead is how many waiters are better than one with the key would be.
func (q *Queue[W]) Ahead(key Key) int {
	at, _ := slices.BinarySearchFunc(q.entries, key, worseFirst[W])
	return len(q.entries) - at
}

// Worst is the key of the waiter that is pushed out first; ok is false when nobody waits.
func (q *Queue[W]) Worst() (key Key, ok bool) {
	if len(q.entries) == 0 {
		return Key{}, false
	}
	return q.entries[0].key, true
}

// TurnsAway reports whether a waiter with the key would not be let in.
func (q *Queue[W]) TurnsAway(key Key, room int) bool {
	return len(q.entries) >= room && (room <= 0 || q.entries[0].key.Compare(key) <= 0)
}

// Push lets the waiter in. If the room would then hold more than room waiters, the worst of all is turned away: it may
// be the arrival itself. turnedAway says who, ok whether anybody was.
func (q *Queue[W]) Push(key Key, waiter W, room int) (turnedAway W, ok bool) {
	if q.TurnsAway(key, room) {
		return waiter, true
	}
	at, _ := slices.BinarySearchFunc(q.entries, key, worseFirst[W])
	if len(q.entries) < room {
		q.entries = slices.Insert(q.entries, at, entry[W]{key, waiter})
		return turnedAway, false
	}
	turnedAway = q.entries[0].waiter
	copy(q.entries, q.entries[1:at])
	q.entries[at-1] = entry[W]{key, waiter}
	return turnedAway, true
}

// Pop takes the best out.
func (q *Queue[W]) Pop() (waiter W, ok bool) {
	if len(q.entries) == 0 {
		return waiter, false
	}
	last := len(q.entries) - 1
	waiter = q.entries[last].waiter
	q.entries[last] = entry[W]{}
	q.entries = q.entries[:last]
	return waiter, true
}

// Remove takes a waiter out, wherever it stands, and says whether it was there.
func (q *Queue[W]) Remove(key Key, waiter W) bool {
	at, found := slices.BinarySearchFunc(q.entries, key, worseFirst[W])
	if !found || q.entries[at].waiter != waiter {
		return false
	}
	q.entries = slices.Delete(q.entries, at, at+1)
	return true
}

// Drain empties the room and gives the waiters, best first.
func (q *Queue[W]) Drain() []W {
	out := make([]W, 0, len(q.entries))
	for i := len(q.entries) - 1; i >= 0; i-- {
		out = append(out, q.entries[i].waiter)
	}
	clear(q.entries)
	q.entries = q.entries[:0]
	return out
}
