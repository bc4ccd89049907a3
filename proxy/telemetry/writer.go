package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"triage/proxy/reason"
)

const (
	// flushEvery is how old a line may get before it is written. Waking once for many lines instead of once for each
	// saves several microseconds of scheduling a request.
	flushEvery = 50 * time.Millisecond
	// summaryEvery is how often the refusals that were left out are summed up.
	summaryEvery = time.Second
	// complainEvery is the least time between two complaints about lines that were lost.
	complainEvery = time.Minute
	// flushGrace is how long the end waits for a writer that hangs.
	flushGrace = 5 * time.Second
)

// run writes until the context ends. Writing has a goroutine of its own, so that a writer that hangs can still be
// complained about and does not keep the process from ending.
func (l *accessLog) run(ctx context.Context) error {
	written := make(chan struct{})
	go func() {
		defer close(written)
		l.write(ctx)
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var c complaints
	for {
		select {
		case <-ctx.Done():
			return l.finish(written, &c)
		case now := <-tick.C:
			if now.Sub(c.last) >= complainEvery {
				c.tell(l, now)
			}
		}
	}
}

func (l *accessLog) finish(written <-chan struct{}, c *complaints) error {
	select {
	case <-written:
		c.tell(l, time.Now())
		return nil
	case <-time.After(flushGrace):
		return fmt.Errorf("flushing the access log: the writer has not taken the last lines within %v, %d more are waiting", flushGrace, l.left())
	}
}

// complaints says what was lost since the last time it did.
type complaints struct {
	last            time.Time
	dropped, failed uint64
}

func (c *complaints) tell(l *accessLog, now time.Time) {
	dropped, failed := l.dropped.Load(), l.failed.Load()
	if dropped == c.dropped && failed == c.failed {
		return
	}
	attrs := []any{slog.Uint64("buffer_full", dropped-c.dropped), slog.Uint64("write_failed", failed-c.failed)}
	if failure := l.failure.Load(); failure != nil && failed > c.failed {
		attrs = append(attrs, slog.String("error", *failure))
	}
	l.logger.Error("access log lines lost", attrs...)
	*c = complaints{last: now, dropped: dropped, failed: failed}
}

// write moves lines from the buffer to the writer until the context ends, then what is left.
func (l *accessLog) write(ctx context.Context) {
	out := newOutput(l)
	flush, summary := time.NewTicker(flushEvery), time.NewTicker(summaryEvery)
	defer flush.Stop()
	defer summary.Stop()
	for {
		select {
		case <-ctx.Done():
			out.drain()
			out.summarise()
			return
		case <-summary.C:
			out.summarise()
		case <-flush.C:
		case <-l.wake:
		}
		out.drain()
	}
}

// output turns lines into few writes.
type output struct {
	log *accessLog
	// space is for the pieces that come while others are written.
	space   [][]byte
	buf     bytes.Buffer
	handler slog.Handler
	// torn is set after a write that stopped inside a line: the next one begins a fresh line.
	torn bool
}

func newOutput(l *accessLog) *output {
	o := &output{log: l}
	o.handler = slog.NewJSONHandler(&o.buf, nil)
	return o
}

// drain writes what is waiting now; what comes meanwhile is the next turn's, so that a turn ends.
func (o *output) drain() {
	o.space = o.log.take(o.space)
	for i, lines := range o.space {
		o.write(lines)
		o.space[i] = nil
		if cap(lines) == piece {
			pieces.Put((*[piece]byte)(lines[:piece]))
		}
	}
}

// summarise writes one line about the refusals left out since the last one, if there were any.
func (o *output) summarise() {
	var total uint64
	var reasons []any
	for why := range o.log.leftOut {
		if n := o.log.leftOut[why].Swap(0); n > 0 {
			total += n
			reasons = append(reasons, slog.Uint64(reason.Reason(why).String(), n))
		}
	}
	if total == 0 {
		return
	}
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "refusals", 0)
	r.AddAttrs(slog.Uint64("left_out", total), slog.Group("reasons", reasons...))
	// A bytes.Buffer takes everything, and a line has no value that JSON cannot say: Handle has no error to give.
	_ = o.handler.Handle(context.Background(), r)
	o.write(o.buf.Bytes())
	o.buf.Reset()
}

// write hands lines over. What the writer does not take is lost and counted: to try again would hold up the lines behind it.
func (o *output) write(lines []byte) {
	if o.torn {
		if _, err := o.log.writer.Write([]byte("\n")); err != nil {
			o.lose(lines, err)
			return
		}
		o.torn = false
	}
	n, err := o.log.writer.Write(lines)
	if n < len(lines) && err == nil {
		err = io.ErrShortWrite
	}
	if err != nil {
		o.torn = n > 0 && lines[n-1] != '\n'
		o.lose(lines[n:], err)
	}
}

func (o *output) lose(rest []byte, err error) {
	failure := err.Error()
	o.log.failure.Store(&failure) // first, so that who sees the count can say why
	o.log.failed.Add(uint64(bytes.Count(rest, []byte("\n"))))
}
