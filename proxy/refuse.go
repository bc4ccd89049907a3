package proxy

import (
	"fmt"
	"html"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"

	"triage/proxy/reason"
)

// refuse answers a request that the backend does not answer: the only place that turns a reason into status, fields and body.
func (p *Proxy) refuse(x *passage, w http.ResponseWriter) {
	if x.Reason == reason.ClientGone {
		x.Status = x.Reason.Status()
		return
	}
	h := w.Header()
	put(h, "Proxy-Status", x.table.statuses[x.Reason])
	put(h, "X-Request-Id", x.ID)
	p.closing(h)
	if x.timed {
		put(h, serverTiming, x.timing(time.Now()))
	}
	wait := x.retryAfter()
	if f := x.fallback(); f != nil {
		x.Result = Degraded
		x.write(w, f)
		return
	}
	if x.asking.grpc {
		x.writeGRPC(w, wait)
		return
	}
	if wait > 0 {
		put(h, "Retry-After", strconv.Itoa(int(wait/time.Second)))
	}
	if x.Reason == reason.BodyTooLarge || x.Reason == reason.BadRequest || x.Reason == reason.ClientTimeout {
		h.Set("Connection", "close")
	}
	put(h, "Cache-Control", "no-store")
	x.writeProblem(w, wait)
}

// put sets a field. Where the header has room for it from an earlier answer it allocates nothing.
func put(h http.Header, name, value string) { h[name] = append(h[name][:0], value) }

// proxyStatuses are this proxy's member of the Proxy-Status list (RFC 9209) for each reason.
func proxyStatuses(token string) []string {
	all := make([]string, len(reason.All())+1)
	for _, why := range reason.All() {
		all[why] = proxyStatus(token, why)
	}
	return all
}

func proxyStatus(token string, why reason.Reason) string {
	item := httpsfv.NewItem(httpsfv.Token(token))
	item.Params.Add("error", httpsfv.Token(why.ProxyError()))
	item.Params.Add("details", why.String())
	if why == reason.Quota {
		item.Params.Add("status-code", int64(http.StatusTooManyRequests))
	}
	text, err := httpsfv.Marshal(httpsfv.List{item})
	if err != nil {
		return ""
	}
	return text
}

// token makes a structured-field token (RFC 9651, section 3.3.4) of the proxy's name.
func token(name string) string {
	valid := func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~:/", r)) {
			return r
		}
		return '-'
	}
	name = strings.Map(valid, name)
	if name == "" || !(name[0] >= 'a' && name[0] <= 'z' || name[0] >= 'A' && name[0] <= 'Z') {
		name = "triage" + name
	}
	return name
}

// fallback is the rung of the route's ladder for this reason. A quota has none: whoever is over it would be served for ever.
func (x *passage) fallback() *Fallback {
	if x.route == nil || x.Reason == reason.Quota || !x.Reason.Shed() && x.Reason.Fault() != reason.FaultBackend {
		return nil
	}
	return x.route.settings.Fallback
}

func (x *passage) write(w http.ResponseWriter, f *Fallback) {
	h := w.Header()
	h.Set("X-Triage-Degraded", "fallback")
	h.Set("Content-Type", f.ContentType)
	h.Set("Cache-Control", "no-store")
	for name, value := range f.Headers {
		h.Set(name, value)
	}
	x.send(w, f.Status, f.Body)
}

// send writes status and body. A HEAD gets the length without the body.
func (x *passage) send(w http.ResponseWriter, status int, body []byte) {
	x.Status = status
	bodyless := status == http.StatusNoContent || status == http.StatusNotModified
	if !bodyless {
		put(w.Header(), "Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if x.Method == http.MethodHead || bodyless {
		return
	}
	n, _ := w.Write(body)
	x.BytesOut = int64(n)
}

// retryAfter is how long the client had better wait: what the refusing station estimates, plus up to half as much again so that not all come
// back at once, in whole seconds (RFC 9110, section 10.2.3); 0 if waiting would not help.
func (x *passage) retryAfter() time.Duration {
	if !x.Reason.Shed() && x.Reason.Status() != http.StatusServiceUnavailable {
		return 0
	}
	wait := max(x.retryIn, time.Second)
	wait += time.Duration(rand.Float64() * float64(wait) / 2)
	return (wait + time.Second - 1).Truncate(time.Second)
}

// writeGRPC refuses a gRPC call: HTTP 200 with the status in the only header block ("trailers-only").
func (x *passage) writeGRPC(w http.ResponseWriter, wait time.Duration) {
	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Status", strconv.Itoa(x.Reason.GRPC()))
	h.Set("Grpc-Message", "triage: "+x.Reason.String())
	if wait > 0 {
		h.Set("Grpc-Retry-Pushback-Ms", strconv.FormatInt(wait.Milliseconds(), 10))
	}
	x.Status = http.StatusOK
	w.WriteHeader(http.StatusOK)
}

func (x *passage) writeProblem(w http.ResponseWriter, wait time.Duration) {
	if prefersHTML(x.asking.fields.Values("Accept")) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		x.send(w, x.Reason.Status(), page(x.Reason, x.ID, wait))
		return
	}
	x.space = problems[x.Reason].append(x.space[:0], x.ID, int(wait/time.Second))
	put(w.Header(), "Content-Type", "application/problem+json")
	x.send(w, x.Reason.Status(), x.space)
}

// page is what a person sees.
func page(why reason.Reason, id string, wait time.Duration) []byte {
	advice := "Please try again in a moment."
	switch {
	case wait > 0:
		advice = fmt.Sprintf("Please try again in %d seconds.", int(wait/time.Second))
	case why.Fault() == reason.FaultClient:
		advice = "Please check the address."
	}
	title := html.EscapeString(why.Title())
	return fmt.Appendf(nil, `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%s</title>
<body style="font:1.1rem system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem">
<h1>%s</h1><p>%s</p><p><small>%s · %s</small></p></body></html>
`, title, title, advice, why, html.EscapeString(id))
}

// prefersHTML reports whether the Accept fields rank text/html above JSON (RFC 9110, section 12.5.1).
func prefersHTML(accept []string) bool {
	var htmlQ, jsonQ float64
	all := strings.Join(accept, ",")
	if all == "" || all == "*/*" {
		return false // as programs say
	}
	for media := range strings.SplitSeq(all, ",") {
		name, q := quality(media)
		switch name {
		case "text/html":
			htmlQ = max(htmlQ, q)
		case "application/problem+json", "application/json":
			jsonQ = max(jsonQ, q)
		}
	}
	return htmlQ > jsonQ
}

func quality(media string) (name string, q float64) {
	name, params, _ := strings.Cut(media, ";")
	q = 1
	for param := range strings.SplitSeq(params, ";") {
		if value, ok := strings.CutPrefix(strings.TrimSpace(param), "q="); ok {
			if parsed, err := strconv.ParseFloat(value, 64); err == nil && parsed >= 0 && parsed <= 1 {
				q = parsed
			}
		}
	}
	return strings.ToLower(strings.TrimSpace(name)), q
}
