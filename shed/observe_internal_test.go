package shed

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Ten slots and work of 100 ms: what is in them waits for nothing, the next ten wait until these are over, and a better class sees only
// what is before it.
func TestShadow(t *testing.T) {
	var s shadow
	const slots, work = 10, 0.1
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %v s, want %v", what, got, want)
		}
	}
	for range 10 {
		near("a slot is free", s.wait(3, slots, work), 0)
		s.enter(3, work)
	}
	for range 10 {
		s.enter(3, work)
	}
	near("behind ten that run and ten that wait", s.wait(3, slots, work), 0.1)
	near("of a better class", s.wait(0, slots, work), 0)
	s.enter(0, 1.5)
	near("of that class again", s.wait(0, slots, work), 0.05)
	near("the least important behind all", s.wait(3, slots, work), 0.25)
	s.drain(100*time.Millisecond, slots)
	near("after a tenth of a second the best has run off first", s.wait(0, slots, work), 0)
	near("and then the others", s.wait(3, slots, work), 0.15)
	s.drain(time.Hour, slots)
	near("after an hour", s.wait(3, slots, work), 0)
	near("a class that there is not", s.wait(200, slots, work), 0)
}

// A better class never waits longer, more slots never make it longer, and time never does.
func TestShadowIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s shadow
		for range rapid.IntRange(0, 50).Draw(t, "requests") {
			s.enter(rapid.Uint8Range(0, 4).Draw(t, "class"), rapid.Float64Range(0, 10).Draw(t, "work"))
		}
		slots := rapid.Float64Range(1, 100).Draw(t, "slots")
		class := rapid.Uint8Range(0, 4).Draw(t, "class of the request")
		wait := s.wait(class, slots, 0.1)
		if class > 0 && s.wait(class-1, slots, 0.1) > wait {
			t.Fatal("a better class waits longer")
		}
		if s.wait(class, slots+1, 0.1) > wait {
			t.Fatal("with one slot more it waits longer")
		}
		s.drain(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "time")), slots)
		if s.wait(class, slots, 0.1) > wait {
			t.Fatal("later it waits longer")
		}
	})
}
