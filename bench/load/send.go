package load

import (
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
}

func newPlan(target string, r Request, sign func(Arrival, http.Header), t *tally) (plan, error) {
	template, err := http.NewRequest(r.Method, strings.TrimRight(target, "/")+r.Path, nil)
	if err != nil {
		return plan{}, err
	}
	maps.Copy(template.Header, r.Header)
	if host := r.Header.Get("Host"); host != "" {
		template.Host = host
	}
	p := plan{tally: t, template: template, sign: sign}
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
	waiting, giveUp := context.WithDeadline(ctx, intended.Add(g.settings.Deadline))
	e.Answer, e.How = g.exchange(waiting, p, a)
	giveUp()
	now := time.Now()
	e.Latency, e.Ended = now.Sub(intended), now.Sub(begun)
	switch {
	case e.Latency >= g.settings.Deadline:
		e.How = GaveUp
	case ctx.Err() != nil && (e.How == Failed || e.How == GaveUp):
		e.How = Aborted
	}
	p.tally.end(e)
	return e
}

// exchange sends a request and reads the answer to its end, which also frees the connection for the next.
func (g *Generator) exchange(ctx context.Context, p *plan, a Arrival) (*http.Response, Outcome) {
	res, err := g.transport.RoundTrip(p.request(ctx, a))
	if err != nil {
		return nil, fault(err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if err != nil {
		return nil, fault(err)
	}
	return res, judge(res.StatusCode, res.Header)
}

func fault(err error) Outcome {
	if errors.Is(err, context.DeadlineExceeded) {
		return GaveUp
	}
	return Failed
}

// judge says what an answer means to the client; doc.go has the table.
func judge(status int, header http.Header) Outcome {
	switch {
	case status == http.StatusTooManyRequests:
		return Refused
	case status == http.StatusServiceUnavailable && header.Get("Proxy-Status") != "":
		return Refused
	case status < 200 || status >= 500:
		return Failed
	case header.Get("X-Triage-Degraded") != "":
		return Degraded
	}
	return Served
}
