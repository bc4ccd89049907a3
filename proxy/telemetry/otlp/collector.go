package otlp

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"triage/proxy"
)

// Collector is one place where traces go, with what waits for it.
type Collector struct {
	settings Settings
	client   *http.Client
	maker    maker
	queue    chan *proxy.Exchange
	// half wakes the sender before its time when the queue is half full.
	half chan struct{}
	// retired is closed when another one is in force.
	retired chan struct{}
}

const (
	// batch is how many exchanges go with one post: some 400 kB.
	batch = 256
	// firstPause is before a batch is tried again; each one after it is twice as long.
	firstPause = 500 * time.Millisecond
	// longest is how much of a text that a client sent is kept, as in the access log; longestState is what of a tracestate has to be passed on (W3C Trace
	// Context, section 3.3.1.5).
	longest, longestState = 256, 512
)

// NewCollector reads what it needs and starts nothing.
func NewCollector(s Settings) (*Collector, error) {
	s, err := s.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	transport, err := s.transport()
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	return &Collector{
		settings: s, maker: newMaker(s), queue: make(chan *proxy.Exchange, s.Queue), half: make(chan struct{}, 1), retired: make(chan struct{}),
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// copied copies what is good only while the exchange is served. Texts that clients sent are cut.
func copied(x *proxy.Exchange) *proxy.Exchange {
	c, t := *x, *x.Trace
	c.ID, c.Method, c.Host, c.Proto = clone(x.ID, longest), clone(x.Method, longest), clone(x.Host, longest), clone(x.Proto, longest)
	// An escaped path has no question mark; if one is there, a query slipped in.
	path, _, _ := strings.Cut(x.Path, "?")
	c.Path, c.Trace, t.State = clone(path, longest), &t, stateOf(t.State)
	return &c
}

// stateOf gives a copy of a tracestate, unless it is none: a part of one would be a lie.
func stateOf(s string) string {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' {
			return ""
		}
	}
	if len(s) > longestState {
		return ""
	}
	return strings.Clone(s)
}

func clone(s string, most int) string { return strings.Clone(s[:min(len(s), most)]) }

// run sends what is queued until the context ends or another collector is in force, then what is left, as long as that may take.
func (c *Collector) run(ctx context.Context, e *Exporter) {
	defer c.client.CloseIdleConnections()
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	end := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-c.retired:
		}
		close(end)
		select {
		case <-time.After(min(c.settings.Timeout, longestFlush)):
			stop()
		case <-sending.Done():
		}
	}()
	tick := time.NewTicker(c.settings.Every)
	defer tick.Stop()
	for ending := false; !ending; {
		select {
		case <-end:
			ending = true
		case <-tick.C:
		case <-c.half:
		}
		for next := c.take(); len(next) > 0; next = c.take() {
			e.sent(c, len(next), c.send(sending, end, next))
		}
	}
}

// take takes what is waiting, up to a batch.
func (c *Collector) take() (all []*proxy.Exchange) {
	for len(all) < batch {
		select {
		case x := <-c.queue:
			all = append(all, x)
		default:
			return all
		}
	}
	return all
}

// send tries to deliver a batch until its time is over; when the end has come it is tried once.
func (c *Collector) send(ctx context.Context, end <-chan struct{}, all []*proxy.Exchange) error {
	body, err := c.write(all)
	if err != nil {
		return fmt.Errorf("writing spans: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.settings.Timeout)
	defer cancel()
	for wait := firstPause; ; wait *= 2 {
		again, err := c.post(ctx, body)
		if err == nil || again == never {
			return err
		}
		pause := time.NewTimer(max(wait, again))
		select {
		case <-ctx.Done():
			pause.Stop()
			return err
		case <-end:
			pause.Stop()
			return err
		case <-pause.C:
		}
	}
}

// write makes the body of a post. A defect here must not end the proxy.
func (c *Collector) write(all []*proxy.Exchange) (body []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a defect: %v", p)
		}
	}()
	return proto.Marshal(c.maker.traces(all))
}
