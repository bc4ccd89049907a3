package proxy

import (
	"net/http"
	"net/url"
	"time"

	"triage/proxy/edge"
	"triage/proxy/forward"
	"triage/proxy/http1"
)

// fastLane is our own wire's way in and out. It stays with the edge.Fast that its first request came by, and is used for one request after the
// other; texts of the record are windows on the connection's buffer, which is why nobody may keep them.
type fastLane struct {
	passage
	p       *Proxy
	f       *edge.Fast
	to      forward.FastTarget
	carrier forward.Carrier
	// extra are the fields that a proxy adds, id the place of the request's.
	extra []byte
	id    [32]byte
}

// ServeFast takes a request of the fast lane along the same way.
func (p *Proxy) ServeFast(f *edge.Fast) bool {
	t := p.table.Load()
	if t.secure {
		return false
	}
	l, ok := f.Kept.(*fastLane)
	if !ok {
		l = new(fastLane)
		f.Kept = l
	}
	l.p, l.f = p, f
	l.open(t)
	defer l.close()
	p.serve(&l.passage, l)
	return true
}

// open opens the record: who asks?
func (l *fastLane) open(t *table) {
	f, x := l.f, &l.passage
	*x = passage{table: t, client: f.Client, homeSpace: x.homeSpace, space: x.space}
	x.Start = time.Now()
	x.Client, x.Method, x.Host, x.Proto = f.Client.Addr, f.Method, f.Host, "HTTP/1.1"
	x.ID = requestID(&f.Fields, f.Client.Trusted, &l.id)
	x.timed = t.timedFor(x.Client, &f.Fields)
	clean := f.Sanitize(t.decisive)
	x.asking = asking{ctx: &f.Call, fields: &f.Fields, bodyless: f.Framing.Empty(), header: f.HeadBytes}
	x.Path = f.Path
	canonical, ok := t.canonical(f.Path)
	if ok = ok && clean; ok {
		x.Path = canonical
		var err error
		x.asking.path, err = url.PathUnescape(canonical)
		ok = err == nil
	}
	x.asking.malformed = !ok
	if t.tracer != nil {
		t.tracer.begin(x)
	}
}

// close tells everybody who learns from it how the exchange ended.
func (l *fastLane) close() {
	panicked := recover()
	if panicked != nil {
		l.f.Kept = nil // whatever it left half done, nobody gets it
	}
	abort := l.p.finish(&l.passage, l, panicked)
	l.f.FlushAnswer()
	if abort {
		l.f.Cut = true
	}
	l.p, l.f, l.passage = nil, nil, passage{homeSpace: l.homeSpace, space: l.space}
}

func (l *fastLane) answer() http.ResponseWriter { return l.f.Answer() }

func (l *fastLane) carry(_ *Proxy, x *passage) forward.Outcome {
	l.extra = l.f.Forwarded(l.extra[:0], x.table.name)
	l.f.Fields.DropNamed("X-Request-Id")
	l.extra = http1.AppendField(l.extra, "X-Request-Id", x.ID)
	if x.table.tracer != nil {
		l.extra = l.propagate(l.extra)
	}
	if x.hints() {
		l.extra = append(l.extra, "X-Triage-Degrade: optional\r\n"...)
	}
	l.to = forward.FastTarget{
		URL: x.endpoint.URL(), Timeout: x.timeout(), BodyLimit: x.bodyLimit(), ResponseLimit: x.responseLimit(), Path: x.Path, Query: l.f.Query, Extra: l.extra, Hooks: l,
	}
	return l.carrier.Carry(x.up.forwarder, &l.f.Call, &l.to)
}

// Look has a last look at the response header.
func (l *fastLane) Look(h *http1.Fields) (last bool) {
	l.respond(h)
	if l.timed {
		l.to.Timing = http1.AppendField(l.to.Timing[:0], serverTiming, l.timing(time.Now()))
	}
	return l.p.draining.Load()
}
