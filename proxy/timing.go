package proxy

import (
	"net/netip"
	"strconv"
	"time"

	"triage/proxy/edge"
)

const (
	// askTiming is the field with which a client asks for the time in each stage, serverTiming the one that says it (W3C Server Timing).
	askTiming    = "X-Triage-Timing"
	serverTiming = "Server-Timing"
)

// timedFor reports whether the client asks for the time in each stage and may see it: how long others wait, and whether a connection had
// to be made, is nobody else's business. Who may is told by the client's address, which no client can choose.
func (t *table) timedFor(client netip.Addr, fields edge.Fields) bool {
	if len(t.timing) == 0 {
		return false
	}
	for _, network := range t.timing {
		if network.Contains(client) {
			return len(fields.Values(askTiming)) > 0
		}
	}
	return false
}

// sent notes when the request goes out, if somebody wants to know before its outcome tells.
func (x *passage) sent() {
	if x.timed {
		x.sentAt = time.Now()
	}
}

// Connected is told how long a connection took.
func (x *passage) Connected(took time.Duration) { x.Connect += took }

// arrived works out how long it took until the request was sent: before what is waited for in the course of it counts as queued.
func (x *passage) arrived() {
	if !x.outcome.Began.IsZero() {
		x.Edge = x.outcome.Began.Sub(x.Start) - x.Queued
	}
}

// stages works out what is left of the stages when the exchange has ended.
func (x *passage) stages() {
	began := x.outcome.Began
	switch {
	case began.IsZero():
		x.Edge = x.Total - x.Queued
	case x.UpstreamStatus != 0 && !x.Upgraded:
		x.Body = max(x.Total-began.Sub(x.Start)-x.FirstByte, 0)
	}
}

// timing says the time in each stage so far, in milliseconds.
func (x *passage) timing(now time.Time) string {
	before := x.sentAt
	if before.IsZero() {
		before = now
	}
	b := duration(nil, "edge", before.Sub(x.Start)-x.Queued)
	b = duration(append(b, ", "...), "queue", x.Queued)
	if !x.sentAt.IsZero() {
		b = duration(append(b, ", "...), "connect", x.Connect)
		b = duration(append(b, ", "...), "backend", now.Sub(x.sentAt)-x.Connect)
	}
	return string(b)
}

func duration(b []byte, stage string, d time.Duration) []byte {
	b = append(append(b, stage...), ";dur="...)
	return strconv.AppendFloat(b, float64(d.Microseconds())/1000, 'f', -1, 64)
}
