package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"triage/proxy"
	"triage/proxy/reason"
	"triage/proxy/telemetry"
)

// A line is what slog's JSON handler would write.
func TestLineIsJSONAsSlogWritesIt(t *testing.T) {
	texts := []string{"", "GET", "/a b", "quote\" and \\", "tab\t, line\n, nul\x00", "ä€😀", "broken \xff\xfe utf-8", "<script>&amp;", "\u2028\u2029", "\x7f"}
	pick := func() string { return texts[rand.IntN(len(texts))] }
	for range 2000 {
		x := proxy.Exchange{
			ID: pick(), Start: time.Unix(rand.Int64N(1<<33), rand.Int64N(1e9)).In(time.FixedZone("", 3600*rand.IntN(3))), Client: netip.AddrFrom4([4]byte{10, 0, 0, byte(rand.IntN(256))}),
			Method: pick(), Host: pick(), Path: pick(), Proto: pick(), Route: pick(), Priority: pick(), Upstream: pick(), Endpoint: pick(),
			Status: rand.IntN(600), UpstreamStatus: rand.IntN(600), Result: proxy.Result(rand.IntN(5)), Reason: reason.Reason(rand.IntN(3)), Would: reason.Reason(rand.IntN(3)),
			Queued: time.Duration(rand.Int64N(3)) * time.Millisecond, FirstByte: time.Duration(rand.Int64N(1e12)), Total: time.Duration(rand.Int64N(1e5)),
			BytesIn: rand.Int64N(1e12), BytesOut: rand.Int64N(1e12), Upgraded: rand.IntN(2) == 0,
		}
		got := telemetry.Line(&x)
		if want := slogLine(&x); !bytes.Equal(got, want) {
			t.Fatalf("%s\nwant\n%s", got, want)
		}
		if !json.Valid(got) {
			t.Fatalf("not JSON: %s", got)
		}
	}
}

func slogLine(x *proxy.Exchange) []byte {
	var out bytes.Buffer
	r := slog.NewRecord(x.Start, slog.LevelInfo, "request", 0)
	word := func(key string, r reason.Reason) slog.Attr {
		if r == reason.None {
			return slog.Attr{}
		}
		return slog.String(key, r.String())
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	fault := x.Reason.Fault()
	if x.Reason == reason.None && x.Result == proxy.Failed {
		fault = reason.FaultBackend
	}
	r.AddAttrs(slog.String("id", x.ID), slog.String("client", x.Client.String()), slog.String("method", x.Method), slog.String("host", x.Host), slog.String("path", x.Path),
		slog.String("proto", x.Proto), slog.String("route", x.Route), slog.String("priority", x.Priority), slog.String("upstream", x.Upstream), slog.String("endpoint", x.Endpoint),
		slog.Int("status", x.Status), slog.Int("upstream_status", x.UpstreamStatus), slog.String("result", x.Result.String()), word("reason", x.Reason), word("would_refuse", x.Would),
		slog.String("fault", fault.String()), slog.Float64("queued_ms", ms(x.Queued)), slog.Float64("first_byte_ms", ms(x.FirstByte)), slog.Float64("total_ms", ms(x.Total)),
		slog.Int64("bytes_in", x.BytesIn), slog.Int64("bytes_out", x.BytesOut), slog.Bool("upgraded", x.Upgraded))
	_ = slog.NewJSONHandler(&out, nil).Handle(context.Background(), r)
	return out.Bytes()
}
