package telemetry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"triage/proxy"
	"triage/proxy/telemetry"
)

func TestHalfFullBufferIsWrittenAtOnce(t *testing.T) {
	var out sink
	running(t, telemetry.Settings{Log: telemetry.LogSettings{Writer: &out, Buffer: 8}}, func(t *testing.T, tel *telemetry.Telemetry, stop func() error) {
		rec, start := tel.Route("r", "p", "u"), time.Now()
		for range 50 {
			rec.Record(&proxy.Exchange{Status: 200})
			if len(out.lines(t)) == 0 {
				synctest.Wait()
			}
		}
		if got := len(out.lines(t)); got == 0 || time.Since(start) > 0 {
			t.Errorf("before any time passed got %d lines", got)
		}
	})
}

// TestNoLineIsInTwoWrites: lines longer than a piece are possible, if somebody names a route so.
func TestNoLineIsInTwoWrites(t *testing.T) {
	var writes []int
	out := sink{write: func(p []byte) (int, error) {
		if p[len(p)-1] != '\n' {
			t.Errorf("a write of %d bytes ends inside a line", len(p))
		}
		writes = append(writes, len(p))
		return len(p), nil
	}}
	running(t, telemetry.Settings{Log: telemetry.LogSettings{Writer: &out}}, func(t *testing.T, tel *telemetry.Telemetry, stop func() error) {
		rec, long := tel.Route("r", "p", "u"), strings.Repeat("long", 10_000)
		for i := range 1000 {
			x := proxy.Exchange{Status: 200, Path: fmt.Sprint("/", i)}
			if i%400 == 0 {
				x.Route = long
			}
			rec.Record(&x)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		lines := out.lines(t)
		for i, line := range lines {
			if line["path"] != fmt.Sprint("/", i) {
				t.Fatalf("line %d is of %v", i, line["path"])
			}
		}
		if len(lines) != 1000 || len(writes) < 10 || slices.Max(writes) > 2*len(long) {
			t.Errorf("got %d lines in writes of %v bytes", len(lines), writes)
		}
	})
}

func TestHangingWriterSlowsNothing(t *testing.T) {
	var reports sink
	var hang chan struct{}
	out := sink{write: func(p []byte) (int, error) { <-hang; return len(p), nil }}
	settings := telemetry.Settings{
		Log:    telemetry.LogSettings{Writer: &out, Buffer: 4},
		Logger: slog.New(slog.NewJSONHandler(&reports, nil)),
	}
	running(t, settings, func(t *testing.T, tel *telemetry.Telemetry, stop func() error) {
		hang = make(chan struct{})
		rec := tel.Route("r", "p", "u")
		rec.Record(&proxy.Exchange{Status: 200})
		time.Sleep(1500 * time.Millisecond) // between two reports, or one comes in the middle of the burst
		before := time.Now()
		for range 100 {
			rec.Record(&proxy.Exchange{Status: 200})
		}
		if waited := time.Since(before); waited > 0 {
			t.Errorf("recording waited %v for the writer", waited)
		}
		wantLines(t, scrape(t, tel, ""), `triage_log_dropped_total{cause="buffer_full"} 96`)
		time.Sleep(2 * time.Second)
		if got := reports.lines(t); len(got) != 1 || got[0]["buffer_full"] != 96.0 {
			t.Errorf("reports: got %v, want one of 96 lines", got)
		}
		if err := stop(); err == nil || !strings.Contains(err.Error(), "4 more are waiting") {
			t.Errorf("Run with a writer that hangs: got %v, want an error that names the 4 lines", err)
		}
		if took := time.Since(before); took > 10*time.Second {
			t.Errorf("Run ended %v after the writer hung, want seconds", took)
		}
		close(hang)
	})
}

func TestFailingWriterIsReportedOnceAMinute(t *testing.T) {
	var reports sink
	out := sink{write: func([]byte) (int, error) { return 0, errors.New("no space left on device") }}
	settings := telemetry.Settings{
		Log:    telemetry.LogSettings{Writer: &out},
		Logger: slog.New(slog.NewJSONHandler(&reports, nil)),
	}
	running(t, settings, func(t *testing.T, tel *telemetry.Telemetry, stop func() error) {
		rec := tel.Route("r", "p", "u")
		for range 1800 {
			rec.Record(&proxy.Exchange{Status: 200})
			time.Sleep(100 * time.Millisecond)
		}
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		wantLines(t, scrape(t, tel, ""), `triage_log_dropped_total{cause="write_failed"} 1800`)
	})
	got := reports.lines(t)
	total := 0.0
	for _, r := range got {
		total += r["write_failed"].(float64)
		if r["error"] != "no space left on device" {
			t.Errorf("report %v does not say what went wrong", r)
		}
	}
	// At 1 s, 61 s, 121 s and at the end.
	if len(got) != 4 || total != 1800 {
		t.Errorf("in three minutes got %d reports of %v lines, want 4 of 1800: %v", len(got), total, got)
	}
}

// TestTornWriteDoesNotGarbleTheNextLine: a disk that fills up takes half a line and is then cleaned up.
func TestTornWriteDoesNotGarbleTheNextLine(t *testing.T) {
	writes := 0
	out := sink{write: func(p []byte) (int, error) {
		if writes++; writes == 1 {
			return len(p) - 20, nil
		}
		return len(p), nil
	}}
	running(t, telemetry.Settings{Log: telemetry.LogSettings{Writer: &out}}, func(t *testing.T, tel *telemetry.Telemetry, stop func() error) {
		rec := tel.Route("r", "p", "u")
		for i := range 4 {
			rec.Record(&proxy.Exchange{Status: 200 + i})
			if i == 1 {
				time.Sleep(time.Second)
			}
		}
		stop()
		wantLines(t, scrape(t, tel, ""), `triage_log_dropped_total{cause="write_failed"} 1`)
	})
	valid := 0
	for line := range strings.Lines(out.buf.String()) {
		if json.Valid([]byte(line)) {
			valid++
		}
	}
	if valid != 3 {
		t.Errorf("got %d whole lines, want 3:\n%s", valid, out.buf.String())
	}
}
