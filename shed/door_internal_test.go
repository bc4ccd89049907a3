package shed

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// What requests write without the lock does not share a cache line with what the controller writes, nor with another route.
func TestCacheLines(t *testing.T) {
	const line = 64
	var r Route
	for name, size := range map[string]uintptr{
		"notice": unsafe.Sizeof(r.notice), "door": unsafe.Sizeof(r.door), "cell": unsafe.Sizeof(r.own), "tally": unsafe.Sizeof(tally{}) / stripes,
	} {
		if size != line {
			t.Errorf("%s has %d bytes, want %d", name, size, line)
		}
	}
	made := newRoute(RouteSettings{}, 0)
	for name, at := range map[string]unsafe.Pointer{
		"notice": unsafe.Pointer(&made.notice), "door": unsafe.Pointer(&made.door), "cell": unsafe.Pointer(&made.own), "what follows": unsafe.Pointer(&made.open),
	} {
		if uintptr(at)%line != 0 {
			t.Errorf("%s begins at %p", name, at)
		}
	}
}

// However many push at a door at once, no more are inside than there may be.
func TestDoorLetsNoMoreIn(t *testing.T) {
	const most = 1 // as many as run at once, less one, where there are two processors
	var d door
	var starts, inside atomic.Int64
	d.open(most, 0)
	var pushers sync.WaitGroup
	for range 8 {
		pushers.Go(func() {
			for range 200_000 {
				if !d.in(&starts, time.Second) {
					continue
				}
				if n := inside.Add(1); n > most {
					t.Errorf("%d are inside, want %d at most", n, most)
				}
				inside.Add(-1)
				if !d.out() {
					t.Error("whoever is in cannot get out of an open door")
				}
				starts.Add(-int64(time.Second))
			}
		})
	}
	pushers.Wait()
	if n := d.shut(); n != 0 || starts.Load() != 0 {
		t.Errorf("%d are inside and the starts sum up to %d after all have left", n, starts.Load())
	}
	if d.in(&starts, 0) || d.out() {
		t.Error("a door that is shut lets somebody through")
	}
}

// The largest numbers do not run into each other, and the count of changes does not run over.
func TestDoorKeepsItsNumbersApart(t *testing.T) {
	var d door
	var starts atomic.Int64
	d.word.Store(math.MaxUint64 - flightMost<<flightBits - flightMost) // the change before the count begins anew
	d.open(flightMost, flightMost-1)
	if !d.in(&starts, 0) || d.in(&starts, 0) {
		t.Fatal("exactly one more should get in")
	}
	if word := d.word.Load(); flights(word) != flightMost || allowed(word) != flightMost {
		t.Errorf("%d of %d are in, want %d of as many", flights(word), allowed(word), flightMost)
	}
	d.resize(1)
	if !d.out() || d.shut() != flightMost-1 {
		t.Error("the door has lost count")
	}
}
