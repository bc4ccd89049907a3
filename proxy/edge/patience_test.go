package edge_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"triage/proxy/edge"
)

func TestPatience(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	epochMs := func(in time.Duration) string { return strconv.FormatInt(now.Add(in).UnixMilli(), 10) }
	const none = time.Duration(-1 << 62)
	for _, test := range []struct {
		fields string
		want   time.Duration
	}{
		{"", none},
		{"Grpc-Timeout: 250m", 250 * time.Millisecond},
		{"Grpc-Timeout: 3S", 3 * time.Second},
		{"Grpc-Timeout: 99999999H", 24 * time.Hour},
		{"Grpc-Timeout: 99999999n", 99999999},
		{"Grpc-Timeout: 0S", none},
		{"Grpc-Timeout: -1S", none},
		{"Grpc-Timeout: 123456789m", none},
		{"Grpc-Timeout: 3s", none},
		{"Grpc-Timeout: 3", none},
		{"Grpc-Timeout: S", none},
		{"X-Envoy-Expected-Rq-Timeout-Ms: 1500", 1500 * time.Millisecond},
		{"X-Envoy-Expected-Rq-Timeout-Ms: 0", none},
		{"X-Envoy-Expected-Rq-Timeout-Ms: 1.5", none},
		{"X-Envoy-Expected-Rq-Timeout-Ms: +15", none},
		{"X-Request-Deadline: 400", 400 * time.Millisecond},
		{"X-Request-Deadline: 400ms", 400 * time.Millisecond},
		{"X-Request-Deadline: 1m30s", 90 * time.Second},
		{"X-Request-Deadline: " + epochMs(2*time.Second), 2 * time.Second},
		{"X-Request-Deadline: " + epochMs(-2*time.Second), -2 * time.Second},
		{"X-Request-Deadline: 2026-11-27T12:00:01.5Z", 1500 * time.Millisecond},
		{"X-Request-Deadline: 2026-11-27T13:00:01+01:00", time.Second},
		{"X-Request-Deadline: 2016-11-27T12:00:00Z", -24 * time.Hour},
		{"X-Request-Deadline: 9223372036854775807", 24 * time.Hour},
		{"X-Request-Deadline: 9223372036854775808", none},
		{"X-Request-Deadline: 0", none},
		{"X-Request-Deadline: -400", none},
		{"X-Request-Deadline: -1s", none},
		{"X-Request-Deadline: soon", none},
		{"X-Request-Deadline: NaN", none},
		{"X-Request-Deadline: " + strings.Repeat("1", 41), none},
		{"X-Request-Deadline: ", none},
		{"Grpc-Timeout: 3S\nX-Request-Deadline: 2s", 2 * time.Second},
		{"Grpc-Timeout: 1S\nX-Request-Deadline: 2s\nX-Envoy-Expected-Rq-Timeout-Ms: 5000", time.Second},
		{"Grpc-Timeout: nonsense\nX-Request-Deadline: 2s", 2 * time.Second},
	} {
		h := http.Header{}
		for line := range strings.SplitSeq(test.fields, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				h.Add(name, value)
			}
		}
		got, ok := edge.Patience(h, now)
		if ok != (test.want != none) || ok && (got < test.want-time.Microsecond || got > test.want+time.Microsecond) {
			t.Errorf("%q: %v, %v; want %v", test.fields, got, ok, test.want)
		}
	}
}

func FuzzPatience(f *testing.F) {
	for _, seed := range []string{"250m", "400", "2026-11-27T12:00:01Z", "1m30s", "-1", "9223372036854775807"} {
		f.Add(seed, seed, seed)
	}
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		h := http.Header{"Grpc-Timeout": {a}, "X-Envoy-Expected-Rq-Timeout-Ms": {b}, "X-Request-Deadline": {c}}
		if left, ok := edge.Patience(h, now); ok && (left > 24*time.Hour || left < -24*time.Hour) {
			t.Errorf("%q %q %q: %v", a, b, c, left)
		}
	})
}

func BenchmarkPatienceOfNobody(b *testing.B) {
	h := http.Header{"Accept": {"*/*"}, "User-Agent": {"x"}, "Cookie": {"sid=1"}}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		edge.Patience(h, now)
	}
}
