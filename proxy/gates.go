package proxy

import (
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unsafe"

	"triage/proxy/reason"
	"triage/proxy/route"
	"triage/shed"
	"triage/shed/bucket"
)

// cover finds the route on the canonical path, which is also the path that is forwarded.
func (x *passage) cover() reason.Reason {
	if x.asking.malformed {
		return reason.BadRequest
	}
	if looped(x.asking.fields.Values("Via"), x.table.name) {
		return reason.Loop
	}
	index, ok := x.table.rules.Find(&route.Request{Method: x.Method, Host: x.Host, Path: x.asking.path, Fields: x.asking.fields})
	if ok {
		x.route = x.table.routes[index]
		x.up = x.route.up
		x.Route, x.Priority, x.Upstream = x.route.settings.Rule.Name, x.route.priority, x.up.settings.Name
	}
	check := x.isHealthCheck()
	x.HealthCheck = check && x.table.healthTokens.take(x.Start, x.Client)
	switch {
	case x.up != nil:
		return reason.None
	case !check || len(x.table.upstreams) != 1:
		x.HealthCheck = false
		return reason.NoRoute
	case !x.HealthCheck:
		return reason.Quota
	}
	for _, up := range x.table.upstreams {
		x.up, x.Upstream = up, up.settings.Name
	}
	return reason.None
}

// maxPasses is how often a request may have passed a proxy of this name. Several in a row are a common chain, all with the default
// name; more are a loop.
const maxPasses = 8

// looped reads the Via fields (RFC 9110, section 7.6.3): protocol, pseudonym, comment, separated by spaces; members by commas.
func looped(via []string, name string) bool {
	passes := 0
	for _, field := range via {
		for member := range strings.SplitSeq(field, ",") {
			if parts := strings.Fields(member); len(parts) >= 2 && strings.EqualFold(parts[1], name) {
				passes++
			}
		}
	}
	return passes > maxPasses
}

// isHealthCheck reports whether the request may pass every gate. One with a body may not: no gate would limit it.
func (x *passage) isHealthCheck() bool {
	_, ok := x.table.health[x.asking.path]
	return ok && x.asking.bodyless && (x.Method == http.MethodGet || x.Method == http.MethodHead)
}

// healthTokens bound the rate of health checks, or a flood that calls itself one would pass every gate as well. Each client has a
// bucket of its own, so that it does not take the load balancer's. Beyond them a health check is a request like any other.
type healthTokens struct{ each, all *bucket.Bucket }

func newHealthTokens() (h healthTokens, err error) {
	if h.each, err = bucket.New(bucket.Settings{Rate: healthRate, Burst: healthRate, PerKey: true, Keys: 4096}); err != nil {
		return h, err
	}
	h.all, err = bucket.New(bucket.Settings{Rate: healthRateAll, Burst: healthRateAll})
	return h, err
}

func (h healthTokens) take(now time.Time, client netip.Addr) bool {
	if ok, _ := h.each.Take(now, household(client)); !ok {
		return false
	}
	ok, _ := h.all.Take(now, "")
	return ok
}

// takeTokens takes one token of each of the route's buckets.
func (x *passage) takeTokens() reason.Reason {
	if x.HealthCheck {
		return reason.None
	}
	for _, limit := range x.route.limits {
		if ok, retryIn := limit.bucket.Take(x.Start, limit.key(x)); !ok {
			x.retryIn = retryIn
			return reason.Quota
		}
	}
	return reason.None
}

// key is what the limit is counted by. A request that lacks the header or cookie, or has it twice, is counted by its client's
// address: leaving it out must not be a way round the limit, nor must a second one that only the backend reads. The text is good until the
// next call.
func (l *limitState) key(x *passage) string {
	kind, name, _ := strings.Cut(l.settings.Per, ":")
	value := ""
	switch kind {
	case "route", "":
		return ""
	case "header":
		if all := x.asking.fields.Values(name); len(all) == 1 {
			value = all[0]
		}
	case "cookie":
		value = x.cookie(name)
	case "client_cert":
		value = x.client.Certificate
	}
	if value == "" {
		return x.household()
	}
	x.space = append(append(x.space[:0], "id "...), value...)
	return unsafe.String(unsafe.SliceData(x.space), len(x.space))
}

const byAddress = "ip "

// household is what stands for the client as a key of its address. Nobody may keep it.
func (x *passage) household() string {
	if x.home == "" {
		x.homeSpace = appendHousehold(append(x.homeSpace[:0], byAddress...), x.Client)
		x.home = unsafe.String(unsafe.SliceData(x.homeSpace), len(x.homeSpace))
	}
	return x.home
}

// household is the address that stands for a client: an IPv6 host has a network of 64 bits to choose its address from (RFC 4291,
// section 2.5.1), and would have as many buckets.
func household(client netip.Addr) string {
	return string(appendHousehold(nil, client))
}

func appendHousehold(b []byte, client netip.Addr) []byte {
	if client.Is6() {
		network, _ := client.Prefix(64) // every address of IPv6 has one
		return network.AppendTo(b)
	}
	return client.AppendTo(b)
}

// observed reports whether nothing is refused of the request's upstream.
func (x *passage) observed() bool { return x.up != nil && x.up.settings.Observe }

// enforce gives the refusal, or notes it if the upstream is only observed.
func (x *passage) enforce(why reason.Reason) reason.Reason {
	if why != reason.None && x.observed() {
		x.note(why)
		x.retryIn = 0
		return reason.None
	}
	return why
}

// note remembers the first reason for which the request would have been refused: it would not have come to a second.
func (x *passage) note(would reason.Reason) {
	if x.Would == reason.None {
		x.Would = would
	}
}

// wouldReason translates package shed's word for a refusal that did not take place.
func wouldReason(r shed.Reason) reason.Reason {
	if r == shed.Admitted {
		return reason.None
	}
	return shedReason(r)
}

// shedReason translates package shed's words.
func shedReason(r shed.Reason) reason.Reason {
	switch r {
	case shed.Displaced:
		return reason.Displaced
	case shed.QueueTimeout:
		return reason.QueueTimeout
	case shed.Headroom:
		return reason.Headroom
	case shed.Errors:
		return reason.Errors
	case shed.Infeasible:
		return reason.Infeasible
	}
	return reason.Limit
}
