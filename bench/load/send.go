package load

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// lateAfter is how far behind its intended instant a request may be sent before it counts as late.
const lateAfter = 5 * time.Millisecond

// plan is a request made ready once, so that sending it is little more than a shallow copy.
type plan struct {
	tally    *tally
	template *http.Request
	// cookie is what the session's number is appended to; "" means no session cookie.
	cookie string
	sign   func(Arrival, http.Header)
	stream bool
	raw    raw // for package wire
}

func newPlan(target string, r Request, sign func(Arrival, http.Header), t *tally) (plan, error) {
	template, err := http.NewRequest(r.Method, strings.TrimRight(target, "/")+r.Path, nil)
	if err != nil {
		return plan{}, err
	}
	maps.Copy(template.Header, r.Header)
	if len(r.Body) > 0 {
		template.ContentLength = int64(len(r.Body))
		template.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil }
	}
	if host := r.Header.Get("Host"); host != "" {
		template.Host = host
	}
	p := plan{tally: t, template: template, sign: sign, stream: r.Stream}
	if r.SessionCookie != "" {
		p.cookie = r.SessionCookie + "=s"
		if others := strings.Join(r.Header.Values("Cookie"), "; "); others != "" {
			p.cookie = others + "; " + p.cookie
		}
	}
	return p, nil
}

// request makes the request of one arrival. A header in which nothing is the arrival's own is shared: transports do not change it.
func (p plan) request(ctx context.Context, a Arrival) *http.Request {
	r := p.template.WithContext(ctx)
	if r.GetBody != nil {
		r.Body, _ = r.GetBody() // it has no error to give
	}
	if p.cookie == "" && p.sign == nil {
		return r
	}
	r.Header = maps.Clone(r.Header)
	if p.cookie != "" {
		r.Header["Cookie"] = []string{p.cookie + strconv.FormatUint(uint64(a.Session), 10)}
	}
	if p.sign != nil {
		p.sign(a, r.Header)
	}
	return r
}

// send carries one request out and tells the tally how it ended.
func (g *Generator) send(ctx context.Context, begun time.Time, a Arrival) Ending {
	intended := begun.Add(a.At)
	e := Ending{Arrival: a, Late: time.Since(intended) > lateAfter}
	p := g.plan(a)
	if p.stream {
		e.Answer, e.Err = g.open(p, a, intended.Add(g.settings.Deadline))
	} else {
		waiting, giveUp := context.WithDeadline(ctx, intended.Add(g.settings.Deadline))
		e.Answer, e.Err = g.exchange(waiting, p, a)
		giveUp()
	}
	switch {
	case e.Err == nil:
		e.How = judge(e.Answer.StatusCode, e.Answer.Header.Get("Proxy-Status") != "", e.Answer.Header.Get(degradedHeader) != "")
	case errors.Is(e.Err, context.DeadlineExceeded):
		e.How = GaveUp
	default:
		e.How = Failed
	}
	now := time.Now()
	e.Latency, e.Ended = now.Sub(intended), now.Sub(begun)
	e = e.settled(ctx, g.settings.Deadline)
	p.tally.end(e)
	return e
}

// settled sees what the clock and the end of the run make of an ending.
func (e Ending) settled(ctx context.Context, deadline time.Duration) Ending {
	switch {
	case e.Latency >= deadline:
		e.How = GaveUp
	case ctx.Err() != nil && (e.How == Failed || e.How == GaveUp):
		e.How = Aborted
	}
	return e
}

// exchange sends a request and reads the answer to its end, which also frees the connection for the next.
func (g *Generator) exchange(ctx context.Context, p *plan, a Arrival) (*http.Response, error) {
	res, err := g.transport.RoundTrip(p.request(ctx, a))
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if err != nil {
		return nil, err
	}
	return res, nil
}

// open sends a request whose header is the answer, and reads its body on beside the run.
func (g *Generator) open(p *plan, a Arrival, deadline time.Time) (*http.Response, error) {
	reading, hangUp := context.WithCancel(g.streams)
	late := time.AfterFunc(time.Until(deadline), hangUp)
	res, err := g.transport.RoundTrip(p.request(reading, a))
	if err != nil {
		hangUp()
		return nil, err
	}
	late.Stop()
	g.bodies.Go(func() {
		// How a stream ends is nobody's business here.
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		hangUp()
	})
	return res, nil
}

// degradedHeader marks an answer from the degrade ladder.
const degradedHeader = "X-Triage-Degraded"

// judge says what an answer means to the client; doc.go has the table.
func judge(status int, proxyStatus, degraded bool) Outcome {
	switch {
	case status == http.StatusTooManyRequests:
		return Refused
	case status == http.StatusServiceUnavailable && proxyStatus:
		return Refused
	case status < 200 || status >= 500:
		return Failed
	case degraded:
		return Degraded
	}
	return Served
}
