package relief_test

import (
	"math"
	"testing"
	"time"

	"triage/shed/relief"
)

func reading(samples int, rate float64) relief.Reading {
	return relief.Reading{Samples: samples, Work: rate, Took: time.Second, CV: 0.5}
}

func TestEffectOfKeepingARouteBack(t *testing.T) {
	rows := []struct {
		name           string
		before, during relief.Reading
		relieves       bool
	}{
		{"twice as much done", reading(100, 10), reading(200, 20), true},
		{"as much as before", reading(100, 10), reading(100, 10), false},
		{"a tenth more is within the noise", reading(100, 10), reading(110, 11), false},
		{"less", reading(100, 10), reading(50, 5), false},
		{"half as much again, of six samples", reading(6, 10), reading(6, 15), false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			effect, se, known := relief.Effect(row.before, row.during)
			if !known {
				t.Fatal("not known")
			}
			if want := math.Log(row.during.Work / row.before.Work); math.Abs(effect-want) > 1e-9 {
				t.Errorf("effect %v; want %v", effect, want)
			}
			if got := relief.Relieves(effect, se); got != row.relieves {
				t.Errorf("relieves %v with effect %.2f ± %.2f; want %v", got, effect, se, row.relieves)
			}
		})
	}
}

func TestNothingIsKnownWithoutSamples(t *testing.T) {
	for _, r := range []relief.Reading{{}, {Samples: 5}, {Samples: 0, Work: 3, Took: time.Second}} {
		if _, _, known := relief.Effect(r, reading(100, 10)); known {
			t.Errorf("%+v before: known", r)
		}
		if _, _, known := relief.Effect(reading(100, 10), r); known {
			t.Errorf("%+v during: known", r)
		}
	}
}

func TestLooksArePooledAndFade(t *testing.T) {
	var e relief.Estimate
	if share, se := e.Mean(0); share != 0 || se != 0 || e.Looks() != 0 {
		t.Errorf("without a look: %v ± %v, %d looks", share, se, e.Looks())
	}
	e = e.Add(0, math.Log(2), 0.1)
	first, se1 := e.Mean(0)
	if math.Abs(first-1) > 1e-9 {
		t.Errorf("one look at twice as much: %v; want 1", first)
	}
	e = e.Add(time.Second, math.Log(2), 0.1)
	if _, se2 := e.Mean(time.Second); se2 >= se1 {
		t.Errorf("two looks are no surer (%v) than one (%v)", se2, se1)
	}
	_, soon := e.Mean(time.Second)
	if _, late := e.Mean(time.Hour); late < 2*soon {
		t.Errorf("an hour later the error is %v, was %v; old looks have to fade", late, soon)
	}
	// A sure look outweighs an unsure one.
	e = relief.Estimate{}.Add(0, 0, 0.05).Add(0, 1, 0.5)
	if share, _ := e.Mean(0); share > 0.05 {
		t.Errorf("share %v; want nearly 0", share)
	}
	// Time that runs backwards is no older than the newest look.
	if share, se := e.Add(time.Minute, 0, 0.1).Mean(time.Second); math.IsNaN(share) || math.IsNaN(se) || se <= 0 {
		t.Errorf("%v ± %v after time ran backwards", share, se)
	}
}
