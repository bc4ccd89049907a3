package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"triage/proxy"
	"triage/proxy/reason"
	"triage/proxy/telemetry"
)

// sink is a writer that tests may look into, and break.
type sink struct {
	mu  sync.Mutex
	buf bytes.Buffer
	// write, if set, is asked instead.
	write func(p []byte) (int, error)
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.write != nil {
		n, err := s.write(p)
		s.buf.Write(p[:n])
		return n, err
	}
	return s.buf.Write(p)
}

func (s *sink) lines(t *testing.T) []map[string]any {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []map[string]any
	for line := range strings.Lines(s.buf.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		all = append(all, fields)
	}
	return all
}

// running calls test in a bubble while the log is being written, then ends it and gives what Run said.
func running(t *testing.T, s telemetry.Settings, test func(t *testing.T, tel *telemetry.Telemetry, stop func() error)) {
	synctest.Test(t, func(t *testing.T) {
		tel := newTelemetry(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- tel.Run(ctx) }()
		stop := sync.OnceValue(func() error { cancel(); return <-done })
		test(t, tel, stop)
		stop()
	})
}

func TestLine(t *testing.T) {
	var out sink
	running(t, telemetry.Settings{Log: telemetry.LogSettings{Writer: &out}}, func(t *testing.T, tel *telemetry.Telemetry, stop func() error) {
		rec := tel.Route("checkout", "critical", "shop")
		x := typical()
		x.Queued, x.Start = 1500*time.Microsecond, x.Start.UTC()
		rec.Record(x)
		*x = proxy.Exchange{Status: 404, Result: proxy.Void, Reason: reason.NoRoute, Start: x.Start}
		rec.Record(x)
		*x = proxy.Exchange{Status: 500, UpstreamStatus: 500, Result: proxy.Failed, Start: x.Start}
		rec.Record(x)
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	const empty = `"id":"","client":"","method":"","host":"","path":"","proto":"","route":"","priority":"","upstream":"","endpoint":"",`
	const nothing = `"queued_ms":0,"first_byte_ms":0,"total_ms":0,"bytes_in":0,"bytes_out":0,"upgraded":false}` + "\n"
	want := `{"time":"2023-11-14T22:13:20Z","level":"INFO","msg":"request","id":"0192f3a4-5b6c-7d8e-9f00-112233445566","client":"192.0.2.7",` +
		`"method":"POST","host":"shop.example","path":"/checkout/payment","proto":"HTTP/1.1","route":"checkout","priority":"critical",` +
		`"upstream":"shop","endpoint":"http://127.0.0.1:9000","status":200,"upstream_status":200,"result":"served","fault":"none",` +
		`"queued_ms":1.5,"first_byte_ms":12,"total_ms":13,"bytes_in":512,"bytes_out":2048,"upgraded":false}` + "\n" +
		`{"time":"2023-11-14T22:13:20Z","level":"INFO","msg":"request",` + empty + `"status":404,"upstream_status":0,"result":"void","reason":"no_route","fault":"client",` + nothing +
		`{"time":"2023-11-14T22:13:20Z","level":"INFO","msg":"request",` + empty + `"status":500,"upstream_status":500,"result":"failed","fault":"backend",` + nothing
	if got := out.buf.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLineTellsNothingSecretAndForgesNothing(t *testing.T) {
	var out sink
	running(t, telemetry.Settings{Log: telemetry.LogSettings{Writer: &out}}, func(t *testing.T, tel *telemetry.Telemetry, stop func() error) {
		tel.Route("r", "p", "u").Record(&proxy.Exchange{
			ID: strings.Repeat("i", 1000), Method: strings.Repeat("M", 1000), Host: "evil\"\n{\"msg\":\"request\"}\x1b[31m\xff",
			Path: "/" + strings.Repeat("p", 1000) + "?token=secret", Proto: strings.Repeat("H", 1000),
		})
		tel.Route("r", "p", "u").Record(&proxy.Exchange{Path: "/pay?card=4111"})
	})
	lines := out.lines(t)
	if len(lines) != 2 {
		t.Fatalf("got %d lines, want 2: %s", len(lines), out.buf.String())
	}
	for field, want := range map[string]int{"id": 256, "path": 256, "method": 32, "proto": 32} {
		if got := len(lines[0][field].(string)); got != want {
			t.Errorf("%s has %d bytes, want %d", field, got, want)
		}
	}
	if got := lines[1]["path"]; got != "/pay" {
		t.Errorf("path with a query: got %q, want /pay", got)
	}
	if raw := out.buf.String(); strings.ContainsRune(raw, '\x1b') || !utf8.ValidString(raw) || strings.Contains(raw, "secret") {
		t.Errorf("control bytes or the query in the log: %q", raw)
	}
}

func TestRefusalsAreSampledAndSummedUp(t *testing.T) {
	for name, c := range map[string]struct {
		rate           float64
		logged, summed int
	}{
		"default": {0, 10, 90}, "three": {3, 3, 97}, "slow": {0.5, 1, 99}, "none": {-1, 0, 100}, "all": {math.Inf(1), 100, 0}, "very fast": {1e30, 100, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var out sink
			running(t, telemetry.Settings{Log: telemetry.LogSettings{Writer: &out, Refusals: c.rate}}, func(t *testing.T, tel *telemetry.Telemetry, stop func() error) {
				rec := tel.Route("r", "p", "u")
				for i := range 100 {
					x := proxy.Exchange{Result: proxy.Refused, Reason: reason.Quota}
					if i%2 == 1 {
						x = proxy.Exchange{Result: proxy.Degraded, Reason: reason.Limit, Status: 200}
					}
					rec.Record(&x)
				}
				rec.Record(&proxy.Exchange{Status: 200})
				rec.Record(&proxy.Exchange{Status: 200, Result: proxy.Degraded, Reason: reason.UpstreamReset})
				time.Sleep(1100 * time.Millisecond)
				wantLines(t, scrape(t, tel, ""), fmt.Sprintf("triage_log_sampled_out_total %d", c.summed))
			})
			requests, left := 0, 0.0
			for _, line := range out.lines(t) {
				if line["msg"] == "request" {
					requests++
					continue
				}
				reasons := line["reasons"].(map[string]any)
				left += line["left_out"].(float64)
				if sum := reasons["quota"].(float64) + reasons["limit"].(float64); sum != left {
					t.Errorf("reasons %v add up to %v, want %v", reasons, sum, left)
				}
			}
			if requests != c.logged+2 || int(left) != c.summed {
				t.Errorf("got %d lines and %v left out, want %d and %d", requests, left, c.logged+2, c.summed)
			}
		})
	}
}

func TestSampleRateHolds(t *testing.T) {
	var out sink
	running(t, telemetry.Settings{Log: telemetry.LogSettings{Writer: &out, Refusals: 5}}, func(t *testing.T, tel *telemetry.Telemetry, stop func() error) {
		rec := tel.Route("r", "p", "u")
		for range 1000 {
			rec.Record(&proxy.Exchange{Result: proxy.Refused, Reason: reason.Limit})
			time.Sleep(10 * time.Millisecond)
		}
	})
	var requests, summaries int
	for _, line := range out.lines(t) {
		if line["msg"] == "request" {
			requests++
		} else {
			summaries++
		}
	}
	// Ten seconds at five a second, and five at once in the beginning.
	if requests < 50 || requests > 55 || summaries < 10 || summaries > 11 {
		t.Errorf("in 10 s got %d lines and %d summaries, want 50 to 55 and 10 or 11", requests, summaries)
	}
}

func TestDisabled(t *testing.T) {
	var out sink
	running(t, telemetry.Settings{Log: telemetry.LogSettings{Writer: &out, Disabled: true}}, func(t *testing.T, tel *telemetry.Telemetry, stop func() error) {
		tel.Route("r", "p", "u").Record(&proxy.Exchange{Status: 200})
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	if out.buf.Len() > 0 {
		t.Errorf("got %q, want nothing", out.buf.String())
	}
}

// FuzzLine: whatever a client sends makes one line of valid JSON.
func FuzzLine(f *testing.F) {
	f.Add("id", "GET", "shop.example", "/a%2fb", "HTTP/1.1")
	f.Add("\x00", "\r\n", "\xff\xfe", "/?a=b", "")
	f.Fuzz(func(t *testing.T, id, method, host, path, proto string) {
		var out sink
		tel := newTelemetry(t, telemetry.Settings{Log: telemetry.LogSettings{Writer: &out}})
		tel.Route("r", "p", "u").Record(&proxy.Exchange{ID: id, Method: method, Host: host, Path: path, Proto: proto})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := tel.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if got := out.lines(t); len(got) != 1 {
			t.Errorf("got %d lines, want 1: %q", len(got), out.buf.String())
		}
	})
}
