package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"sync"
	"sync/atomic"

	"triage/proxy"
	"triage/proxy/reason"
)

// LogSettings say what is logged of requests, and where.
type LogSettings struct {
	// Writer gets whole lines, many in one write; nil is standard output.
	Writer io.Writer
	// Refusals is how many refusals are logged a second; 0 is 10, negative is none, infinite is all.
	Refusals float64
	// Buffer is how many lines may wait for the writer; 0 is 8192.
	Buffer int
	// Disabled turns the access log off.
	Disabled bool
}

const (
	defaultRefusals = 10
	defaultBuffer   = 8192
)

// accessLog takes lines from requests and gives them to a writer that may be slow, broken or stuck.
type accessLog struct {
	writer io.Writer
	logger *slog.Logger

	mu sync.Mutex
	// full are pieces of lines that wait for the writer, filling is the last one; count is how many lines are in them, most how many may be.
	full        [][]byte
	filling     []byte
	count, most int
	// wake has the writing goroutine take them before its time.
	wake    chan struct{}
	sampler sampler
	// leftOut counts, by reason, the refusals left out since the last summary.
	leftOut []atomic.Uint64

	// Totals since the start. dropped: no room in the buffer. failed: the writer did not take the line.
	sampledOut, dropped, failed atomic.Uint64
	// failure is what the writer said last.
	failure atomic.Pointer[string]
}

func newAccessLog(s LogSettings, logger *slog.Logger) (*accessLog, error) {
	if s.Buffer < 0 {
		return nil, fmt.Errorf("log buffer is %d lines, want 0 for the default of %d or more", s.Buffer, defaultBuffer)
	}
	if math.IsNaN(s.Refusals) {
		return nil, fmt.Errorf("rate of logged refusals is not a number, want lines a second")
	}
	if s.Disabled {
		return nil, nil
	}
	if s.Writer == nil {
		s.Writer = os.Stdout
	}
	if s.Buffer == 0 {
		s.Buffer = defaultBuffer
	}
	if s.Refusals == 0 {
		s.Refusals = defaultRefusals
	}
	l := &accessLog{
		writer:  s.Writer,
		logger:  logger,
		most:    s.Buffer,
		wake:    make(chan struct{}, 1),
		leftOut: make([]atomic.Uint64, len(reason.All())+1),
	}
	l.sampler.setRate(s.Refusals)
	return l, nil
}

// offer takes the exchange's line if there is room and, for a refusal, if it is its turn. A nil log takes nothing.
func (l *accessLog) offer(x *proxy.Exchange) {
	if l == nil {
		return
	}
	if refusal(x) && !l.sampler.take() {
		l.leftOut[x.Reason].Add(1)
		l.sampledOut.Add(1)
		return
	}
	next := lineOf(x)
	kept, due := l.keep(*next)
	spareLines.Put(next)
	if !kept {
		l.dropped.Add(1)
	}
	if due {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// keep adds a line to those that wait if there is room for it. due is set when there is a piece to be written, or half of the room is used.
func (l *accessLog) keep(next []byte) (kept, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count >= l.most {
		return false, true
	}
	if len(l.filling)+len(next) > cap(l.filling) {
		l.turnLocked()
		l.filling = pieces.Get().(*[piece]byte)[:0]
	}
	l.filling = append(l.filling, next...)
	l.count++
	return true, len(l.full) > 0 || l.count > l.most/2
}

func (l *accessLog) turnLocked() {
	if len(l.filling) > 0 {
		l.full = append(l.full, l.filling)
	}
	l.filling = nil
}

// take gives the pieces that wait, and keeps those that come from now on in space.
func (l *accessLog) take(space [][]byte) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turnLocked()
	waiting := l.full
	l.full, l.count = space[:0], 0
	return waiting
}

// piece is how many bytes of lines are written at once. They stay in the processor's cache meanwhile.
const piece = 32 << 10

// pieces are used again.
var pieces = sync.Pool{New: func() any { return new([piece]byte) }}

// left is how many lines wait.
func (l *accessLog) left() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// refusal reports whether Triage said no, even if a fallback softened it.
func refusal(x *proxy.Exchange) bool {
	return x.Result == proxy.Refused || x.Result == proxy.Degraded && x.Reason.Shed()
}
