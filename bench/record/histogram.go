package record

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Histograms hold 1 µs to an hour with three significant figures: an error of at most 0.1 %. Beyond that they hold its end.
const (
	least   = time.Microsecond
	most    = time.Hour
	figures = 3
)

// Histogram counts latencies. The zero value is empty.
type Histogram struct{ counts *hdrhistogram.Histogram }

// Add counts a latency.
func (h *Histogram) Add(latency time.Duration) { h.AddMany(latency, 1) }

// AddMany counts a latency that many times.
func (h *Histogram) AddMany(latency time.Duration, times int) {
	if h.counts == nil {
		h.counts = hdrhistogram.New(least.Microseconds(), most.Microseconds(), figures)
	}
	// In range by the line before, so there is no error.
	_ = h.counts.RecordValues(min(max(latency, least), most).Microseconds(), int64(times))
}

// Merge counts all that another has counted.
func (h *Histogram) Merge(other Histogram) {
	for _, b := range other.Buckets() {
		h.AddMany(b.Latency, b.Count)
	}
}

// Bucket is how many latencies there were of about this length.
type Bucket struct {
	Latency time.Duration
	Count   int
}

// Buckets are those that have something, from short to long.
func (h Histogram) Buckets() (all []Bucket) {
	if h.counts == nil {
		return nil
	}
	for _, bar := range h.counts.Distribution() {
		if bar.Count > 0 {
			all = append(all, Bucket{time.Duration(bar.To) * time.Microsecond, int(bar.Count)})
		}
	}
	return all
}

// Count is how many were counted.
func (h Histogram) Count() int {
	if h.counts == nil {
		return 0
	}
	return int(h.counts.TotalCount())
}

// Quantile is the latency that a share q of all does not exceed; 0 if there are none.
func (h Histogram) Quantile(q float64) time.Duration {
	if h.counts == nil {
		return 0
	}
	return time.Duration(h.counts.ValueAtQuantile(100*q)) * time.Microsecond
}

// MarshalJSON writes HdrHistogram V2, compressed, base64; "" if it is empty.
func (h Histogram) MarshalJSON() ([]byte, error) {
	if h.Count() == 0 {
		return []byte(`""`), nil
	}
	text, err := h.counts.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return nil, fmt.Errorf("encoding a histogram: %w", err)
	}
	return json.Marshal(string(text))
}

// UnmarshalJSON reads the same.
func (h *Histogram) UnmarshalJSON(text []byte) error {
	var encoded string
	if err := json.Unmarshal(text, &encoded); err != nil {
		return fmt.Errorf("a histogram: want a text: %w", err)
	}
	*h = Histogram{}
	if encoded == "" {
		return nil
	}
	counts, err := hdrhistogram.Decode([]byte(encoded))
	if err != nil {
		return fmt.Errorf("a histogram: want HdrHistogram V2, compressed, base64: %w", err)
	}
	h.counts = counts
	return nil
}
