package shortage

import (
	"math"
	"os"
	"path/filepath"
	"runtime/metrics"
	"testing"
	"time"
)

func TestScale(t *testing.T) {
	for _, c := range []struct {
		short              float64
		limit, floor, want time.Duration
	}{
		{0, time.Minute, time.Second, time.Minute},
		{0.5, time.Minute, time.Second, 33 * time.Second},
		{1, time.Minute, time.Second, 6 * time.Second},
		{1, time.Minute, 10 * time.Second, 10 * time.Second},
		{1, time.Millisecond, time.Second, time.Millisecond},
	} {
		w := &Watch{}
		w.Set(Snapshot{Scheduler: c.short})
		if got := w.Scale(c.limit, c.floor).Round(time.Millisecond); got != c.want {
			t.Errorf("shortage %v, %v, not below %v: %v; want %v", c.short, c.limit, c.floor, got, c.want)
		}
	}
	var none *Watch
	if none.Scale(time.Minute, time.Second) != time.Minute || none.Snapshot() != (Snapshot{}) {
		t.Error("nil is short of something")
	}
}

// The worst counts, whichever it is.
func TestWorst(t *testing.T) {
	w := &Watch{}
	for _, s := range []Snapshot{{0.7, 0, 0.1}, {0, 0.7, 0}, {0.1, 0.2, 0.7}} {
		if w.Set(s); w.Worst() != 0.7 || w.Snapshot() != s {
			t.Errorf("%+v: worst %v, want 0.7", s, w.Worst())
		}
	}
}

// Only what is new counts.
func TestMedian(t *testing.T) {
	h := &metrics.Float64Histogram{Counts: []uint64{5, 100, 3, 9}, Buckets: []float64{math.Inf(-1), 0, 0.01, 0.1, math.Inf(1)}}
	for _, c := range []struct {
		before []uint64
		want   float64
	}{
		{nil, 0}, {[]uint64{5, 100, 0, 0}, 0.1}, {[]uint64{5, 100, 3, 9}, 0}, {[]uint64{5, 100, 0, 9}, 0.01}, {[]uint64{0, 100, 3, 9}, 0},
	} {
		if got := median(h, c.before); got != c.want {
			t.Errorf("since %v: %v, want %v", c.before, got, c.want)
		}
	}
}

// The real process is short of nothing, and all that is asked for is there.
func TestMeasure(t *testing.T) {
	m := newMeter()
	m.measure()
	for _, s := range m.samples {
		if s.Value.Kind() == metrics.KindBad {
			t.Errorf("the runtime has no %s", s.Name)
		}
	}
	if got := descriptors(); got <= 0 || got > 0.5 {
		t.Errorf("descriptors: %v of them in use; want some, and not many", got)
	}
}

func TestGroupLimit(t *testing.T) {
	root := t.TempDir()
	put := func(group, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(root, group), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, group, "memory.max"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("", "max\n")
	put("pods", "1000000\n")
	put("pods/shop", "2000000\n")
	member := filepath.Join(root, "member")
	for text, want := range map[string]int64{
		"0::/pods/shop\n": 1_000_000, "12:memory:/x\n0::/pods\n": 1_000_000, "0::/\n": 0, "1:memory:/pods\n": 0, "": 0, "0::/../../pods/shop\n": 1_000_000, "0::/gone/away\n": 0,
	} {
		if err := os.WriteFile(member, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := groupLimit(root, member); got != want {
			t.Errorf("membership %q: limit %d, want %d", text, got, want)
		}
	}
	if got := groupLimit(root, filepath.Join(root, "nothing")); got != 0 {
		t.Errorf("without a membership: %d, want 0", got)
	}
}
