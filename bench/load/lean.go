package load

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"triage/bench/load/wire"
)

// lean is the requests of a run sent over package wire: for each a write, and an answer that the run's own goroutine deals with, or the connection's.
type lean struct {
	g        *Generator
	clients  map[string]*wire.Client
	begun    time.Time
	ctx      context.Context
	requests *sync.WaitGroup
	flights  sync.Pool

	// loop deals with all connections in the goroutine of the run; nil: each has its own. The rest is for it.
	loop    *wire.Loop
	later   later
	pace    pace
	inOneGo int
}

// flight is a request under way.
type flight struct {
	wire.Exchange
	arrival Arrival
	late    bool
	plan    *plan
}

func newLean(g *Generator) *lean {
	l := &lean{g: g, clients: map[string]*wire.Client{}}
	l.flights.New = func() any {
		f := &flight{}
		f.Tag, f.Done = f, l.landed
		return f
	}
	for _, target := range g.settings.allTargets() {
		s := wire.Settings{Address: hostPort(target), CloseEach: g.settings.CloseEach, Keep: g.settings.Keep}
		if strings.HasPrefix(target, "https:") {
			s.TLS = g.settings.tls(target)
		}
		l.clients[target] = wire.New(s)
	}
	return l
}

// breath is how many requests may be sent in one go: then those who read the answers have their turn, where there is one core.
const breath = 32

// runLean sends everything over package wire.
func (g *Generator) runLean(ctx context.Context, begun time.Time, requests *sync.WaitGroup) {
	l := g.lean
	l.begun, l.ctx, l.requests = begun, ctx, requests
	if l.loop = wire.NewLoop(); l.loop != nil {
		l.runLooped()
		return
	}
	defer context.AfterFunc(ctx, l.close)()
	g.dispatch(ctx, begun, timers(ctx), l.start)
	// Whoever is still under way can be cut short.
	requests.Wait()
}

// raw is a request as its bytes, up to where what is its own may be added.
type raw struct {
	client *wire.Client
	head   []byte // without the empty line
	body   []byte
	whole  []byte // with the empty line, and the body if it is small
}

// smallBody is the length up to which a body is sent in one message with its header.
const smallBody = 4 << 10

func newRaw(template *http.Request, body []byte, client *wire.Client, closes bool) raw {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", template.Method, template.URL.RequestURI(), template.Host)
	if template.Header.Get("User-Agent") == "" {
		b.WriteString("User-Agent: " + userAgent + "\r\n")
	}
	// Writing into memory does not fail.
	_ = template.Header.WriteSubset(&b, map[string]bool{"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Connection": true})
	if closes {
		b.WriteString("Connection: close\r\n")
	}
	if len(body) > 0 || template.Method == http.MethodPost || template.Method == http.MethodPut || template.Method == http.MethodPatch {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	r := raw{client: client, head: bytes.Clone(b.Bytes()), body: body}
	b.WriteString("\r\n")
	if len(body) <= smallBody {
		b.Write(body)
		r.body = nil
	}
	r.whole = b.Bytes()
	return r
}

// bytes is the request of an arrival.
func (p *plan) bytes(a Arrival) []byte {
	if p.cookie == "" && p.sign == nil {
		return p.raw.whole
	}
	out := make([]byte, 0, len(p.raw.whole)+200)
	out = append(out, p.raw.head...)
	if p.cookie != "" {
		out = append(out, "Cookie: "...)
		out = append(out, p.cookie...)
		out = strconv.AppendUint(out, uint64(a.Session), 10)
		out = append(out, "\r\n"...)
	}
	if p.sign != nil {
		own := http.Header{}
		p.sign(a, own)
		b := bytes.NewBuffer(out)
		_ = own.Write(b)
		out = b.Bytes()
	}
	return append(out, p.raw.whole[len(p.raw.head):]...)
}

// safe says that the request may be sent twice (RFC 9110, section 9.2.2).
func (p *plan) safe() bool {
	switch p.template.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// start sends a user's first request.
func (l *lean) start(a Arrival) {
	l.requests.Add(1)
	l.later.begin()
	l.launch(a)
}

// launch sends a request, or counts that it could not be sent.
func (l *lean) launch(a Arrival) {
	if !l.g.board(l.begun, a) {
		l.ended(l.g.overrun(l.begun, a))
		return
	}
	f := l.flights.Get().(*flight)
	intended := l.begun.Add(a.At)
	p := l.g.plan(a)
	f.arrival, f.plan, f.late = a, p, time.Since(intended) > lateAfter
	f.Request, f.Body, f.Stream = p.bytes(a), p.raw.body, p.stream
	f.Head, f.Safe = p.template.Method == http.MethodHead, p.safe()
	f.Deadline = intended.Add(l.g.settings.Deadline)
	p.raw.client.Send(&f.Exchange)
}

// landed counts a request whose end has come.
func (l *lean) landed(x *wire.Exchange) {
	f := x.Tag.(*flight)
	now := time.Now()
	intended := l.begun.Add(f.arrival.At)
	e := Ending{Arrival: f.arrival, Late: f.late, Latency: now.Sub(intended), Ended: now.Sub(l.begun), Err: x.Err, How: Failed}
	switch {
	case x.Err == nil:
		e.How = judge(x.Answer.Status, x.Answer.ProxyStatus != "", x.Answer.Degraded != "")
		if l.g.settings.OnEnd != nil || e.How != Served {
			e.Answer = l.answerOf(x.Answer)
		}
	case x.Err == wire.ErrDeadline:
		e.How = GaveUp
	}
	e = e.settled(l.ctx, l.g.settings.Deadline)
	p := f.plan
	if !f.Stream { // a stream's connection looks at it until the body is over
		l.flights.Put(f)
	}
	p.tally.end(e)
	l.g.inFlight.Add(-1)
	l.ended(e)
}

// answerOf gives the fields that are kept the form in which they are asked for.
func (l *lean) answerOf(a wire.Answer) *http.Response {
	r := &http.Response{StatusCode: a.Status, Header: http.Header{}}
	for name, value := range map[string]string{"Proxy-Status": a.ProxyStatus, "Retry-After": a.RetryAfter, degradedHeader: a.Degraded, l.g.settings.Keep: a.Kept} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	return r
}

// ended lets the same user go on.
func (l *lean) ended(e Ending) {
	var next Arrival
	more := false
	if l.g.settings.OnEnd != nil {
		next, more = l.g.settings.OnEnd(e)
	}
	switch {
	case more && l.loop != nil:
		l.later.add(next)
		l.loop.Wake()
	case more:
		go func() {
			if SleepUntil(l.ctx, l.begun.Add(next.At)) {
				l.launch(next)
			} else {
				l.requests.Done()
			}
		}()
	default:
		l.later.done()
		l.requests.Done()
	}
}

func (l *lean) close() {
	for _, c := range l.clients {
		c.Close()
	}
	if l.loop != nil {
		l.loop.Close()
	}
}
