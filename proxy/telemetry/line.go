package telemetry

import (
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"triage/proxy"
	"triage/proxy/reason"
)

// Longest texts of a line, in bytes; what clients send may be as long as a header may be.
const (
	maxText  = 256
	maxShort = 32
)

// line is what the access log keeps of an exchange, which nobody may keep.
type line struct {
	start                               time.Time
	client                              netip.Addr
	id, method, host, path, proto       string
	route, priority, upstream, endpoint string
	status, upstreamStatus              int
	result                              proxy.Result
	reason, would                       reason.Reason
	queued, firstByte, total            time.Duration
	bytesIn, bytesOut                   int64
	upgraded                            bool
}

// lineOf copies what clients sent into one string of its own, so that a waiting line keeps no request's buffer alive.
func lineOf(x *proxy.Exchange) line {
	// An escaped path has no question mark; if one is there, a query slipped in.
	path, _, _ := strings.Cut(x.Path, "?")
	id, method, host := cut(x.ID, maxText), cut(x.Method, maxShort), cut(x.Host, maxText)
	path, proto := cut(path, maxText), cut(x.Proto, maxShort)
	text := id + method + host + path + proto
	take := func(n int) (s string) {
		s, text = text[:n], text[n:]
		return s
	}
	return line{
		start: x.Start, client: x.Client,
		id: take(len(id)), method: take(len(method)), host: take(len(host)), path: take(len(path)), proto: take(len(proto)),
		route: x.Route, priority: x.Priority, upstream: x.Upstream, endpoint: x.Endpoint,
		status: x.Status, upstreamStatus: x.UpstreamStatus, result: x.Result, reason: x.Reason, would: x.Would,
		queued: x.Queued, firstByte: x.FirstByte, total: x.Total,
		bytesIn: x.BytesIn, bytesOut: x.BytesOut, upgraded: x.Upgraded,
	}
}

func cut(s string, most int) string { return s[:min(len(s), most)] }

// record is the line as slog writes it.
func (l *line) record() slog.Record {
	r := slog.NewRecord(l.start, slog.LevelInfo, "request", 0)
	attrs := [...]slog.Attr{
		slog.String("id", l.id),
		slog.String("client", address(l.client)),
		slog.String("method", l.method),
		slog.String("host", l.host),
		slog.String("path", l.path),
		slog.String("proto", l.proto),
		slog.String("route", l.route),
		slog.String("priority", l.priority),
		slog.String("upstream", l.upstream),
		slog.String("endpoint", l.endpoint),
		slog.Int("status", l.status),
		slog.Int("upstream_status", l.upstreamStatus),
		slog.String("result", l.result.String()),
		word("reason", l.reason),
		word("would_refuse", l.would),
		slog.String("fault", l.fault().String()),
		slog.Float64("queued_ms", milliseconds(l.queued)),
		slog.Float64("first_byte_ms", milliseconds(l.firstByte)),
		slog.Float64("total_ms", milliseconds(l.total)),
		slog.Int64("bytes_in", l.bytesIn),
		slog.Int64("bytes_out", l.bytesOut),
		slog.Bool("upgraded", l.upgraded),
	}
	r.AddAttrs(attrs[:]...)
	return r
}

// word is a reason, or the empty Attr, which slog leaves out.
func word(key string, r reason.Reason) slog.Attr {
	if r == reason.None {
		return slog.Attr{}
	}
	return slog.String(key, r.String())
}

// fault is the reason's; without one a failure is the backend's own server error.
func (l *line) fault() reason.Fault {
	if l.reason == reason.None && l.result == proxy.Failed {
		return reason.FaultBackend
	}
	return l.reason.Fault()
}

func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// milliseconds keeps microseconds.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
