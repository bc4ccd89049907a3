package window_test

import (
	"math"
	"testing"
	"time"

	"triage/shed/window"
)

const tick = 100 * time.Millisecond

// feed gives a baseline samples of one value at a rate, for a time.
func feed(b *window.Baseline, now *time.Duration, lasts time.Duration, perTick int, seconds float64) {
	for end := *now + lasts; *now < end; *now += tick {
		b.Add(perTick, time.Duration(float64(perTick)*seconds*float64(time.Second)), float64(perTick)*seconds*seconds)
		b.Tick(*now)
	}
}

func TestBaselineIsLearnedInTheFirstSeconds(t *testing.T) {
	var b window.Baseline
	now := time.Duration(0)
	feed(&b, &now, time.Second, 10, 0.05)
	if b.Known() {
		t.Error("known within the first second, when only short answers have come")
	}
	feed(&b, &now, 2*time.Second, 10, 0.05)
	if got := b.Seconds(); math.Abs(got-0.05) > 1e-9 {
		t.Errorf("baseline %v; want 0.05", got)
	}
}

// Thirty minutes of something slower do not become the baseline; something faster does at once.
func TestBaselineDoesNotDrift(t *testing.T) {
	var b window.Baseline
	now := time.Duration(0)
	feed(&b, &now, 30*time.Second, 10, 0.05)
	feed(&b, &now, time.Minute, 10, 0.15)
	if got := b.Seconds(); got > 0.05*1.07 {
		t.Errorf("after a minute of 150 ms the baseline went from 50 ms to %.1f ms; want 7 %% at most", 1000*got)
	}
	feed(&b, &now, 40*time.Second, 10, 0.03)
	if got := b.Seconds(); math.Abs(got-0.03) > 0.001 {
		t.Errorf("after 40 s of 30 ms the baseline is %.1f ms; want 30", 1000*got)
	}
}

func TestSpoiledWindowsTeachNothing(t *testing.T) {
	var b window.Baseline
	now := time.Duration(0)
	for range 100 {
		feed(&b, &now, 300*time.Millisecond, 10, 5)
		b.Spoil()
	}
	if b.Known() {
		t.Errorf("learned %v from windows that were thrown away", b.Seconds())
	}
}

func TestFewSamplesTeachNothingYet(t *testing.T) {
	var b window.Baseline
	now := time.Duration(0)
	feed(&b, &now, 2500*time.Millisecond, 1, 0.05)
	if b.Known() {
		t.Error("known after 25 samples; want 30")
	}
	feed(&b, &now, 2*time.Second, 1, 0.05)
	if !b.Known() {
		t.Error("not known after 45 samples")
	}
}

func TestRecentSumsTheNewestTicks(t *testing.T) {
	var r window.Recent
	if sum, ticks := r.Newest(5); sum != (window.Tick{}) || ticks != 0 {
		t.Errorf("empty: %+v, %d ticks", sum, ticks)
	}
	for i := 1; i <= window.Span+5; i++ {
		r.Add(window.Tick{Samples: i, Completed: i, Errors: 1, Sum: time.Duration(i) * time.Second, Arrivals: 2, Peak: i % 7})
	}
	newest := window.Span + 5
	sum, ticks := r.Newest(newest + 1)
	if ticks != 2 || sum.Samples != 2*newest-1 || sum.Errors != 2 || sum.Arrivals != 4 {
		t.Errorf("newest two: %+v, %d ticks", sum, ticks)
	}
	if sum, ticks := r.Last(1000); ticks != window.Span || sum.Errors != window.Span || sum.Peak != 6 {
		t.Errorf("all: %+v, %d ticks", sum, ticks)
	}
	if mean := (window.Tick{Samples: 4, Sum: 2 * time.Second}).Mean(); mean != 500*time.Millisecond {
		t.Errorf("mean %v", mean)
	}
	if sum := r.Outcomes(newest + 1); sum.Completed != 2*newest-1 || sum.Errors != 2 {
		t.Errorf("outcomes of the newest two: %+v", sum)
	}
	if sum := r.Outcomes(1 << 20); sum.Errors != window.Span {
		t.Errorf("all outcomes: %+v", sum)
	}
	if got, ok := r.Ago(3); !ok || got.Samples != newest-3 {
		t.Errorf("three ticks ago: %+v, %v", got, ok)
	}
	if _, ok := r.Ago(window.Span); ok {
		t.Error("a tick is given that is not held")
	}
	r.Clear()
	if _, ticks := r.Last(3); ticks != 0 {
		t.Errorf("%d ticks after Clear", ticks)
	}
}

// The share of slow answers is learned from windows that were healthy, and from nothing else.
func TestTheShareOfSlowAnswersIsLearned(t *testing.T) {
	var b window.Baseline
	now := time.Duration(0)
	feed := func(windows, slow int) {
		for range windows * 20 {
			now += 100 * time.Millisecond
			b.Add(10, 10*time.Millisecond, 1e-5)
			b.AddSlow(10, slow)
			b.Tick(now)
		}
	}
	if _, known := b.Slow(); known {
		t.Error("the share is known before anything was seen")
	}
	feed(20, 2)
	if share, known := b.Slow(); !known || share < 0.15 || share > 0.25 {
		t.Errorf("share %.2f, known %v; want 0.2", share, known)
	}
	b.AddSlow(1000, 1000)
	b.Spoil()
	feed(1, 2)
	if share, _ := b.Slow(); share > 0.25 {
		t.Errorf("share %.2f after a window that was thrown away; want 0.2", share)
	}
}
