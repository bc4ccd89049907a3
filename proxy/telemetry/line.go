package telemetry

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"triage/proxy"
	"triage/proxy/reason"
)

// Longest texts of a line, in bytes; what clients send may be as long as a header may be.
const (
	maxText  = 256
	maxShort = 32
)

// line is one line of the access log, as JSON. It is written where the request is served, since an exchange may not be kept, and its memory
// is used again.
type line []byte

var spareLines = sync.Pool{New: func() any { l := make(line, 0, 1<<10); return &l }}

// lineOf writes the line of an exchange. Texts that clients sent are cut.
func lineOf(x *proxy.Exchange) *line {
	l := spareLines.Get().(*line)
	// An escaped path has no question mark; if one is there, a query slipped in.
	path, _, _ := strings.Cut(x.Path, "?")
	b := append((*l)[:0], `{"time":"`...)
	b = instant(b, x.Start)
	b = append(b, `","level":"INFO","msg":"request"`...)
	b = text(b, "id", cut(x.ID, maxText))
	if x.Trace != nil {
		b = append(hex.AppendEncode(append(b, `,"trace_id":"`...), x.Trace.ID[:]), '"')
	}
	b = address(append(b, `,"client":"`...), x.Client)
	b = text(append(b, '"'), "method", cut(x.Method, maxShort))
	b = text(b, "host", cut(x.Host, maxText))
	b = text(b, "path", cut(path, maxText))
	b = text(b, "proto", cut(x.Proto, maxShort))
	b = text(b, "route", x.Route)
	b = text(b, "priority", x.Priority)
	b = text(b, "upstream", x.Upstream)
	b = text(b, "endpoint", x.Endpoint)
	b = number(b, "status", int64(x.Status))
	b = number(b, "upstream_status", int64(x.UpstreamStatus))
	b = text(b, "result", x.Result.String())
	b = word(b, "reason", x.Reason)
	b = word(b, "would_refuse", x.Would)
	b = text(b, "fault", fault(x).String())
	b = milliseconds(b, "edge_ms", x.Edge)
	b = milliseconds(b, "queued_ms", x.Queued)
	b = milliseconds(b, "connect_ms", x.Connect)
	b = milliseconds(b, "first_byte_ms", x.FirstByte)
	b = milliseconds(b, "body_ms", x.Body)
	b = milliseconds(b, "total_ms", x.Total)
	b = number(b, "bytes_in", x.BytesIn)
	b = number(b, "bytes_out", x.BytesOut)
	b = strconv.AppendBool(key(b, "upgraded"), x.Upgraded)
	*l = append(b, "}\n"...)
	return l
}

// stamp is the text of a second: what comes before its fraction, and after.
type stamp struct {
	second        int64
	zone          *time.Location
	before, after string
}

var lastStamp atomic.Pointer[stamp]

// instant writes a time as RFC 3339 does, with its fraction. The text of the second is made once.
func instant(b []byte, at time.Time) []byte {
	s := lastStamp.Load()
	if s == nil || s.second != at.Unix() || s.zone != at.Location() {
		s = &stamp{at.Unix(), at.Location(), at.Format("2006-01-02T15:04:05"), at.Format("Z07:00")}
		lastStamp.Store(s)
	}
	b = append(b, s.before...)
	if ns := at.Nanosecond(); ns > 0 {
		b = append(b, '.')
		for place := 100_000_000; ns > 0; place /= 10 {
			b = append(b, byte('0'+ns/place))
			ns %= place
		}
	}
	return append(b, s.after...)
}

func cut(s string, most int) string { return s[:min(len(s), most)] }

func key(b []byte, name string) []byte {
	b = append(append(b, `,"`...), name...)
	return append(b, `":`...)
}

// text writes a text. One with nothing to escape, as nearly all, is copied.
func text(b []byte, name, value string) []byte {
	b = key(b, name)
	for i := range len(value) {
		if c := value[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return escaped(b, value)
		}
	}
	return append(append(append(b, '"'), value...), '"')
}

func escaped(b []byte, value string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	// A string has nothing that JSON cannot say.
	_ = e.Encode(value)
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}

func number(b []byte, name string, value int64) []byte {
	return strconv.AppendInt(key(b, name), value, 10)
}

// word is a reason; none is left out.
func word(b []byte, name string, r reason.Reason) []byte {
	if r == reason.None {
		return b
	}
	return text(b, name, r.String())
}

// fault is the reason's; without one a failure is the backend's own server error.
func fault(x *proxy.Exchange) reason.Fault {
	if x.Reason == reason.None && x.Result == proxy.Failed {
		return reason.FaultBackend
	}
	return x.Reason.Fault()
}

func address(b []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return b
	}
	return a.AppendTo(b)
}

// milliseconds keeps microseconds.
func milliseconds(b []byte, name string, d time.Duration) []byte {
	us := d.Microseconds()
	b = key(b, name)
	if us < 0 {
		b, us = append(b, '-'), -us
	}
	b = strconv.AppendInt(b, us/1000, 10)
	rest := us % 1000
	if rest == 0 {
		return b
	}
	b = append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	return bytes.TrimRight(b, "0")
}
