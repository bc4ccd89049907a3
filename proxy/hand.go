package proxy

import (
	"fmt"
	"maps"
	"slices"

	"triage/proxy/reason"
	"triage/shed"
)

// Hand is what people have set by hand over the configuration. It is put in force as a configuration is, so it costs a request nothing but a look at
// its route's settings, it survives a reload, and taking it back leaves nothing behind. Names that the configuration does not know
// change nothing. The zero value sets nothing.
type Hand struct {
	// Classes are routes' classes, by number.
	Classes map[string]int
	// Shed is the part of a route's requests that is refused, 0 to 1: always the same users, as in everything that is shed.
	Shed map[string]float64
	// Limits are how many requests of a route may be under way at once, answers included.
	Limits map[string]int
	// Breakers of routes: open refuses everything, closed lets everything pass.
	Breakers map[string]string
	// Drained are URLs of endpoints that get no new requests.
	Drained map[string]bool
	// Frozen are upstreams that only observe.
	Frozen map[string]bool
	// Off makes all upstreams only observe, and lifts whatever else is set by hand but for drained endpoints.
	Off bool
}

// HandSettings are what is set by hand of one route.
type HandSettings struct {
	Class   bool    `json:"class,omitempty"` // the class is not the configuration's
	Shed    float64 `json:"shed,omitempty"`
	Limit   int     `json:"limit,omitempty"`
	Breaker string  `json:"breaker,omitempty"`
}

// ByHand puts in force what is set by hand, over the latest settings. On an error everything stays as it is.
func (p *Proxy) ByHand(h Hand) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.hand
	p.hand = h
	if err := p.applyLocked(p.latest); err != nil {
		p.hand = before
		return err
	}
	return nil
}

// over lays what is set by hand over the settings, which stay as they are.
func (h Hand) over(s Settings) (Settings, error) {
	s.Routes, s.Upstreams = slices.Clone(s.Routes), slices.Clone(s.Upstreams)
	for i := range s.Upstreams {
		u := &s.Upstreams[i]
		u.Observe = u.Observe || h.Off || h.Frozen[u.Name]
		if err := h.drain(u); err != nil {
			return s, err
		}
	}
	if h.Off {
		return s, nil
	}
	for i := range s.Routes {
		h.overRoute(&s.Routes[i], len(s.Priorities))
	}
	return s, nil
}

func (h Hand) overRoute(r *RouteSettings, classes int) {
	name := r.Rule.Name
	if class, set := h.Classes[name]; set && class >= 0 && class < classes {
		r.Class, r.Hand.Class = class, true
	}
	r.Hand.Shed = min(max(h.Shed[name], 0), 1)
	r.Hand.Limit = max(h.Limits[name], 0)
	switch r.Hand.Breaker = h.Breakers[name]; r.Hand.Breaker {
	case "closed":
		r.Breaker.Disabled = true
	case "open":
	default:
		r.Hand.Breaker = ""
	}
}

func (h Hand) drain(u *UpstreamSettings) error {
	if len(h.Drained) == 0 {
		return nil
	}
	u.Endpoints = slices.Clone(u.Endpoints)
	left := 0
	for i := range u.Endpoints {
		if u.Endpoints[i].Drained = h.Drained[u.Endpoints[i].URL.String()]; !u.Endpoints[i].Drained {
			left++
		}
	}
	if left == 0 && len(u.Endpoints) > 0 {
		return fmt.Errorf("upstream %s would have no endpoint left; drain another one, or shed its routes", u.Name)
	}
	return nil
}

// Clone copies it, so that it can be changed.
func (h Hand) Clone() Hand {
	h.Classes, h.Shed, h.Limits, h.Breakers = maps.Clone(h.Classes), maps.Clone(h.Shed), maps.Clone(h.Limits), maps.Clone(h.Breakers)
	h.Drained, h.Frozen = maps.Clone(h.Drained), maps.Clone(h.Frozen)
	return h
}

// byHand refuses what is to be refused by hand, and counts the request in where its route has a limit by hand.
func (x *passage) byHand() reason.Reason {
	h := &x.route.settings.Hand
	switch {
	case h.Breaker == "open":
		return reason.ByHand
	case h.Shed > 0 && float64(x.asked.Cohort) >= (1-h.Shed)*shed.Cohorts:
		return reason.ByHand
	case h.Limit == 0:
		return reason.None
	}
	if x.route.underWay.Add(1) > int64(h.Limit) {
		x.route.underWay.Add(-1)
		return reason.ByHand
	}
	x.handed = true
	return reason.None
}

// handBack counts the request out again.
func (x *passage) handBack() {
	if x.handed {
		x.route.underWay.Add(-1)
	}
}
