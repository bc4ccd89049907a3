package config

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"

	"triage/config/near"
)

// minSessionKey is the shortest secret for session cohorts, in bytes: 128 bits, as a keyed hash wants.
const minSessionKey = 16

// check finds what no value shows alone, and fills in the defaults that depend on other values.
func (d *decoder) check(f *File) {
	if d.work < 0 {
		return
	}
	d.checkListeners(f)
	d.checkUpstreams(f)
	d.checkRoutes(f)
	d.checkShares(f)
	d.checkTracing(f.Tracing)
	if data, ok := d.files.contents[f.SessionKeyFile]; ok && len(data) < minSessionKey {
		d.wrong("session_key_file", fmt.Sprintf("the secret has %d bytes", len(data)), fmt.Sprintf("it needs at least %d", minSessionKey))
	}
	for path, file := range map[string]*string{"access_log.to": &f.AccessLog.To, "incident.file": &f.Incident.File, "incident.audit_file": &f.Incident.AuditFile, "incident.dead_letters": &f.Incident.DeadLetters, "handover": &f.Handover} {
		d.written(path, file)
	}
}

// written makes the path of a file that is written absolute.
func (d *decoder) written(path string, file *string) {
	if !strings.Contains(*file, "/") {
		return
	}
	absolute, err := d.files.absolute(*file)
	if err != nil {
		d.wrong(path, "has no absolute path: "+err.Error(), "write an absolute path")
	}
	*file = absolute
}

// wrong tells a problem at a path.
func (d *decoder) wrong(path, what, want string) {
	d.problemAt(nearestAbove(d.at, path), path, what, want)
}

// twice tells that a name is used again, and remembers it if it is not.
func (d *decoder) twice(first map[string]string, name, path string) {
	if name == "" {
		return
	}
	if other, ok := first[name]; ok {
		d.wrong(path, quote(name)+" is used again", fmt.Sprintf("it is %s in line %d", other, nearestAbove(d.at, other).line))
		return
	}
	first[name] = path
}

func (d *decoder) checkListeners(f *File) {
	addresses := map[string]string{}
	for i, l := range f.Listen {
		if !strings.HasSuffix(l.Address, ":0") {
			d.twice(addresses, l.Address, fmt.Sprintf("listen[%d].address", i))
		}
		if l.H2C && l.TLS != nil {
			d.wrong(fmt.Sprintf("listen[%d].h2c", i), "is HTTP/2 without TLS, and the listener has tls", "remove it: with TLS clients choose HTTP/2 by themselves")
		}
		d.checkTLS(l.TLS, fmt.Sprintf("listen[%d].tls", i))
		for j, text := range l.ProxyProtocol {
			if strings.HasSuffix(text, "/0") {
				d.wrong(fmt.Sprintf("listen[%d].proxy_protocol[%d]", i, j), quote(text)+" lets everybody say who they are", "write the networks of your balancers")
			}
		}
	}
	if !strings.HasSuffix(f.Admin.Address, ":0") {
		d.twice(addresses, f.Admin.Address, "admin.address")
	}
	_, tokens := d.at["admin.tokens_file"]
	if !tokens && !loopback(f.Admin.Address) {
		d.wrong("admin.address", quote(f.Admin.Address)+" is open to others without a token", "give tokens_file, or an address on loopback such as 127.0.0.1:9901")
	}
}

// loopback reports whether only this host reaches the address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

func (d *decoder) checkUpstreams(f *File) {
	for name := range f.Upstreams {
		f.upstreams = append(f.upstreams, name)
	}
	// An upstream's key stands before its value, and what stands first in the file was named first.
	slices.SortFunc(f.upstreams, func(a, b string) int {
		return d.at["upstreams."+a].compare(d.at["upstreams."+b], a, b)
	})
	for _, name := range f.upstreams {
		urls := map[string]string{}
		for i, e := range f.Upstreams[name].Endpoints {
			d.twice(urls, e.URL, fmt.Sprintf("upstreams.%s.endpoints[%d].url", name, i))
		}
		d.checkUpstreamTLS(f.Upstreams[name], "upstreams."+name+".tls")
	}
}

func (d *decoder) checkRoutes(f *File) {
	routes := map[string]string{}
	for i := range f.Routes {
		r, path := &f.Routes[i], fmt.Sprintf("routes[%d]", i)
		d.twice(routes, r.Name, path+".name")
		_, ok := f.Upstreams[r.Upstream]
		d.known(ok, r.Upstream, f.upstreams, path+".upstream", "upstream")
		d.classify(r, f.Priorities, path+".priority")
		for j := range r.RateLimit {
			if limit := &r.RateLimit[j]; limit.Burst == 0 {
				limit.Burst = max(1, int(math.Ceil(float64(limit.Rate))))
			}
			if r.RateLimit[j].Per == "client_cert" && !asksForCertificates(f) {
				d.wrong(fmt.Sprintf("%s.rate_limit[%d].per", path, j), "no listener asks clients for a certificate", "give a listener tls.client_ca_file, or count by something else")
			}
		}
		if r.Degrade != nil && r.Degrade.Fallback != nil {
			d.checkFallback(r.Degrade.Fallback, path+".degrade.fallback")
		}
	}
}

// maxHints is how many unknown references get a suggestion: each costs a look at all names.
const maxHints = 100

// known checks that a reference has something to refer to. Where there is nothing at all, that has been told.
func (d *decoder) known(ok bool, name string, all []string, path, kind string) {
	if ok || name == "" || len(all) == 0 {
		return
	}
	want := fmt.Sprintf("use one of the %d that there are", len(all))
	if len(d.problems) < maxHints {
		if word := near.Word(name, all); word != "" {
			want = "did you mean " + word + "?"
		} else {
			want = clip("there are " + strings.Join(all, ", "))
		}
	}
	d.wrong(path, "there is no "+kind+" "+quote(name), want)
}

// classify checks a route's class and fills it in. Where a class itself is wrong, that has been told.
func (d *decoder) classify(r *Route, priorities []string, path string) {
	_, given := d.at[path]
	switch {
	case slices.Contains(priorities, ""):
	case given:
		d.known(slices.Contains(priorities, r.Priority), r.Priority, priorities, path, "priority")
	case slices.Contains(priorities, "normal"):
		r.Priority = "normal"
	case len(priorities) > 0:
		d.wrong(path, "is missing", "there is no priority normal to fall back on; give one of "+strings.Join(priorities, ", "))
	}
}

func (d *decoder) checkFallback(f *Fallback, path string) {
	if f.BodyFile != "" {
		f.Body = string(d.files.contents[f.BodyFile])
	}
	// A response with one of these has no body (RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5).
	if bare := f.Status == 204 || f.Status == 205 || f.Status == 304; bare && f.Body != "" {
		d.wrong(path+".status", fmt.Sprintf("a response with status %d has no body", f.Status), "use another status or remove the body")
	}
	if _, ok := f.Headers["Content-Type"]; ok {
		d.wrong(path+".headers.Content-Type", "is given as a header field", "use content_type")
	}
}
