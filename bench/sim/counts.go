package sim

import (
	"bufio"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed counts/*.csv
var countFiles embed.FS

// mostCounts bounds a file of counts.
const mostCounts = 100_000

// load reads the counts that an episode's phases name: built in, or files beside the episode's.
func (e *Episode) load(beside fs.FS) error {
	for i := range e.spec.Phases {
		r := &e.spec.Phases[i].Recorded
		if r.Counts == "" {
			continue
		}
		shape, err := readCounts(beside, r.Counts)
		if err != nil {
			return at(fmt.Errorf("recorded: counts: %w", err), "phases", strconv.Itoa(i), "recorded", "counts")
		}
		r.shape = shape
	}
	return nil
}

func readCounts(beside fs.FS, name string) ([]Piece, error) {
	text, err := countFiles.ReadFile("counts/" + name + ".csv")
	if err != nil {
		if beside == nil || !fs.ValidPath(path.Clean(name)) {
			return nil, fmt.Errorf("%q: want %s, or a file in the scenario's folder", name, builtInCounts())
		}
		text, err = fs.ReadFile(beside, path.Clean(name))
	}
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%q: there is no such file beside the scenario; want one, or what is built in: %s", name, builtInCounts())
		}
		return nil, err
	}
	shape, err := parseCounts(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return shape, nil
}

func builtInCounts() string {
	var names []string
	files, _ := fs.Glob(countFiles, "counts/*.csv")
	for _, f := range files {
		names = append(names, strings.TrimSuffix(path.Base(f), ".csv"))
	}
	return strings.Join(names, ", ")
}

// parseCounts reads lines of "time,count", with a time of the form 2006-01-02 15:04:05 (or 15:04:05, or seconds), equally far apart.
// Lines that begin with # and a heading are passed over. The mean of the counts is a factor of 1.
func parseCounts(text []byte) ([]Piece, error) {
	var times []float64
	var counts []float64
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		when, count, found := strings.Cut(line, ",")
		second, ok := clock(when)
		v, err := strconv.ParseFloat(strings.TrimSpace(count), 64)
		if len(counts) == 0 && (!ok || err != nil) && found {
			if len(times) == 0 && !strings.ContainsAny(count, "0123456789") {
				continue // a heading
			}
		}
		if !found || !ok || err != nil || !(v >= 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("line %d: %q; want a time and a count of 0 or more, such as 2026-11-27 09:00:00,120", n, line)
		}
		times, counts = append(times, second), append(counts, v)
		if len(counts) > mostCounts {
			return nil, fmt.Errorf("more than %d counts", mostCounts)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return shapeOf(times, counts)
}

// shapeOf makes pieces of counts that were taken equally far apart.
func shapeOf(times, counts []float64) ([]Piece, error) {
	if len(counts) < 2 {
		return nil, fmt.Errorf("%d counts; want two at least", len(counts))
	}
	period, sum := times[1]-times[0], 0.0
	for i := range counts {
		sum += counts[i]
		if i > 0 && (math.Abs(times[i]-times[i-1]-period) > 1e-6 || period <= 0) {
			return nil, fmt.Errorf("count %d is %v s after the one before it, the second %v s after the first; want them equally far apart", i+1, times[i]-times[i-1], period)
		}
	}
	if sum == 0 {
		return nil, errors.New("all counts are 0; want some that are not")
	}
	mean := sum / float64(len(counts))
	pieces := make([]Piece, len(counts))
	for i, c := range counts {
		pieces[i] = Piece{seconds(period), c / mean}
	}
	return pieces, nil
}

// clock reads a time in seconds.
func clock(s string) (second float64, ok bool) {
	s = strings.TrimSpace(s)
	for _, form := range []string{time.DateTime, time.RFC3339, time.TimeOnly} {
		if t, err := time.Parse(form, s); err == nil {
			return float64(t.Unix()), true
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}
