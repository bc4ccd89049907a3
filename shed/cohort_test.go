package shed_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"triage/shed"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// Ten thousand invented ids from one address draw one cohort, the last place of their address' slice, and an id that was invented
// well, and has completed something, is still in that slice.
func TestInventedSessionsDrawOneCohort(t *testing.T) {
	key := shed.CohortKey{1, 2, 3}
	origin := key.Origin("203.0.113.7")
	invented := map[uint16]bool{}
	for range 10_000 {
		invented[key.Cohort(origin, "", noon)] = true
	}
	if len(invented) != 1 {
		t.Fatalf("sessions that completed nothing are in %d cohorts; want 1", len(invented))
	}
	worst := key.Cohort(origin, "", noon)
	for i := range 10_000 {
		if c := key.Cohort(origin, "sid"+strconv.Itoa(i), noon); c/shed.Slices != worst/shed.Slices || c > worst {
			t.Fatalf("session %d is in cohort %d; want the slice of %d, and no worse a place", i, c, worst)
		}
	}
}

// Users are spread evenly, addresses over the slices and sessions inside one; the same key gives the same cohorts, another other ones.
func TestCohortsAreEven(t *testing.T) {
	one, other := shed.CohortKey{1}, shed.CohortKey{2}
	const users = 64_000
	var byAddress, bySession [shed.Slices]int
	same := 0
	for i := range users {
		name := strings.Repeat("x", i%200) + strconv.Itoa(i)
		c := one.Cohort(one.Origin(name), name, noon)
		byAddress[c/shed.Slices]++
		bySession[c%shed.Slices]++
		if c != one.Cohort(one.Origin(name), name, noon) {
			t.Fatalf("%q has two cohorts at one time", name)
		}
		if c == other.Cohort(other.Origin(name), name, noon) {
			same++
		}
	}
	const mean = users / shed.Slices
	for s := range byAddress {
		if byAddress[s] < mean*3/4 || byAddress[s] > mean*5/4 || bySession[s] < mean*3/4 || bySession[s] > mean*5/4 {
			t.Errorf("slice %d has %d addresses and %d sessions; want about %d", s, byAddress[s], bySession[s], mean)
		}
	}
	if same > users/1000 {
		t.Errorf("%d of %d users have the same cohort under two keys", same, users)
	}
}

// Everybody is drawn anew once an hour, and in no minute more than a few change.
func TestCohortsRotateWithoutACliff(t *testing.T) {
	key := shed.CohortKey{1}
	const users = 6000
	moved := make([]int, 60)
	for i := range users {
		name := strconv.Itoa(i)
		origin, changes := key.Origin(name), 0
		before := key.Cohort(origin, "", noon)
		for minute := range 60 {
			now := key.Cohort(origin, "", noon.Add(time.Duration(minute+1)*time.Minute))
			if now != before {
				moved[minute]++
				changes++
			}
			before = now
		}
		if changes > 1 {
			t.Fatalf("user %d changes the slice %d times in an hour", i, changes)
		}
	}
	total := 0
	for minute, n := range moved {
		total += n
		if n > users/60*3/2 {
			t.Errorf("in minute %d %d of %d users change their slice; want about %d", minute, n, users, users/60)
		}
	}
	if total < users*97/100 {
		t.Errorf("%d of %d users have another slice after an hour; want all but one in %d", total, users, shed.Slices)
	}
}

func BenchmarkCohort(b *testing.B) {
	key := shed.CohortKey{1}
	b.ReportAllocs()
	for b.Loop() {
		key.Cohort(key.Origin("203.0.113.7"), "0123456789abcdef0123456789abcdef", noon)
	}
}
