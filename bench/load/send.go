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
}

func newPlan(target string, r Request, t *tally) (plan, error) {
	template, err := http.NewRequest(r.Method, strings.TrimRight(target, "/")+r.Path, nil)
	if err != nil {
		return plan{}, err
	}
	maps.Copy(template.Header, r.Header)
	if host := r.Header.Get("Host"); host != "" {
		template.Host = host
	}
	p := plan{tally: t, template: template}
	if r.SessionCookie != "" {
		p.cookie = r.SessionCookie + "=s"
		if others := strings.Join(r.Header.Values("Cookie"), "; "); others != "" {
			p.cookie = others + "; " + p.cookie
		}
	}
	return p, nil
}

// request makes the request of one session. A header without a session is shared: transports do not change it.
func (p plan) request(ctx context.Context, session uint32) *http.Request {
	r := p.template.WithContext(ctx)
	if p.cookie != "" {
		r.Header = maps.Clone(r.Header)
		r.Header["Cookie"] = []string{p.cookie + strconv.FormatUint(uint64(session), 10)}
	}
	return r
}

// send carries one request out and tells the tally how it ended.
func (g *Generator) send(ctx context.Context, begun time.Time, a Arrival) {
	intended := begun.Add(a.At)
	late := time.Since(intended) > lateAfter
	p := &g.plans[a.Request]
	waiting, giveUp := context.WithDeadline(ctx, intended.Add(g.settings.Deadline))
	how := g.exchange(waiting, p, a.Session)
	giveUp()
	now := time.Now()
	latency := now.Sub(intended)
	switch {
	case latency >= g.settings.Deadline:
		how = gaveUp
	case ctx.Err() != nil && (how == failed || how == gaveUp):
		how = aborted
	}
	p.tally.end(ending{how: how, phase: int(a.Phase), latency: latency, late: late, at: now.Sub(begun)})
}

// exchange sends a request and reads the answer to its end, which also frees the connection for the next.
func (g *Generator) exchange(ctx context.Context, p *plan, session uint32) outcome {
	res, err := g.transport.RoundTrip(p.request(ctx, session))
	if err != nil {
		return fault(err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if err != nil {
		return fault(err)
	}
	return judge(res.StatusCode, res.Header)
}

func fault(err error) outcome {
	if errors.Is(err, context.DeadlineExceeded) {
		return gaveUp
	}
	return failed
}

// judge says what an answer means to the client; doc.go has the table.
func judge(status int, header http.Header) outcome {
	switch {
	case status == http.StatusTooManyRequests:
		return refused
	case status == http.StatusServiceUnavailable && header.Get("Proxy-Status") != "":
		return refused
	case status < 200 || status >= 500:
		return failed
	case header.Get("X-Triage-Degraded") != "":
		return degraded
	}
	return served
}
