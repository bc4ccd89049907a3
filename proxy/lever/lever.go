package lever

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"triage/proxy"
)

// Kind is one of a closed set.
type Kind string

// The kinds; see the package comment.
const (
	Class   Kind = "class"
	Shed    Kind = "shed"
	Limit   Kind = "limit"
	Breaker Kind = "breaker"
	Drain   Kind = "drain"
	Freeze  Kind = "freeze"
	Kill    Kind = "kill"
)

// Kinds gives every kind.
func Kinds() []Kind { return []Kind{Class, Shed, Limit, Breaker, Drain, Freeze, Kill} }

// Lever is one thing that is set by hand.
type Lever struct {
	ID     uint64 `json:"id"`
	Kind   Kind   `json:"kind"`
	Target string `json:"target,omitempty"`
	Value  string `json:"value,omitempty"`
	// Who pulled it, and why.
	Who string `json:"who"`
	Why string `json:"why"`
	// Since and Until are on the wall's clock.
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

// String says it in a few words.
func (l Lever) String() string {
	s := string(l.Kind)
	if l.Target != "" {
		s += " " + l.Target
	}
	if l.Value != "" {
		s += "=" + l.Value
	}
	return s
}

const (
	usualFor   = time.Hour
	shortestIn = time.Second
	longestFor = 72 * time.Hour
	// longestText bounds what a person writes, in bytes.
	longestText = 1024
)

// check says what is wrong with a lever, by what the proxy has. critical reports whether it gives up a route of the most important class.
func (l Lever) check(s proxy.Snapshot) (critical bool, err error) {
	if strings.TrimSpace(l.Why) == "" || len(l.Why) > longestText {
		return false, fmt.Errorf("the reason is empty or longer than %d bytes; want a few words", longestText)
	}
	switch l.Kind {
	case Kill:
		return true, l.alone()
	case Freeze:
		known := slices.ContainsFunc(s.Upstreams, func(u proxy.UpstreamSnapshot) bool { return u.Name == l.Target })
		return false, wanted(known, "upstream", l.Target)
	case Drain:
		known := slices.ContainsFunc(s.Upstreams, func(u proxy.UpstreamSnapshot) bool {
			return slices.ContainsFunc(u.Endpoints, func(e proxy.EndpointSnapshot) bool { return e.URL == l.Target })
		})
		return false, wanted(known, "endpoint", l.Target)
	case Class, Shed, Limit, Breaker:
		return l.checkRoute(s)
	}
	return false, fmt.Errorf("%q is no lever; want %s", l.Kind, list(Kinds()))
}

func (l Lever) alone() error {
	if l.Target != "" || l.Value != "" {
		return fmt.Errorf("%s has no target and no value", l.Kind)
	}
	return nil
}

func wanted(known bool, what, name string) error {
	if !known {
		return fmt.Errorf("there is no %s %q", what, name)
	}
	return nil
}

func list(kinds []Kind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
	}
	return strings.Join(words, ", ")
}

func (l Lever) checkRoute(s proxy.Snapshot) (critical bool, err error) {
	at := slices.IndexFunc(s.Routes, func(r proxy.RouteSnapshot) bool { return r.Name == l.Target })
	if at < 0 {
		return false, wanted(false, "route", l.Target)
	}
	most := s.Routes[at].Priority == s.Priorities[0]
	switch l.Kind {
	case Class:
		class := slices.Index(s.Priorities, l.Value)
		if class < 0 {
			return false, fmt.Errorf("there is no class %q; want %s", l.Value, strings.Join(s.Priorities, ", "))
		}
		return most && class > 0, nil
	case Shed:
		_, err := share(l.Value)
		return most, err
	case Limit:
		if n, err := strconv.Atoi(l.Value); err != nil || n < 1 || n > 1<<20 {
			return false, fmt.Errorf("limit %q; want a number of requests from 1 to %d", l.Value, 1<<20)
		}
		return most, nil
	}
	if l.Value != "open" && l.Value != "closed" {
		return false, fmt.Errorf("breaker %q; want open or closed", l.Value)
	}
	return most && l.Value == "open", nil
}

// share reads 60% or 0.6.
func share(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	x, err := strconv.ParseFloat(number, 64)
	if percent {
		x /= 100
	}
	if err != nil || !(x > 0 && x <= 1) {
		return 0, fmt.Errorf("share %q; want more than 0%% and at most 100%%", text)
	}
	return x, nil
}

// lay lays the lever over what is set by hand. It was checked when it was pulled.
func (l Lever) lay(h *proxy.Hand, priorities []string) {
	switch l.Kind {
	case Class:
		h.Classes[l.Target] = slices.Index(priorities, l.Value)
	case Shed:
		h.Shed[l.Target], _ = share(l.Value)
	case Limit:
		h.Limits[l.Target], _ = strconv.Atoi(l.Value)
	case Breaker:
		h.Breakers[l.Target] = l.Value
	case Drain:
		h.Drained[l.Target] = true
	case Freeze:
		h.Frozen[l.Target] = true
	case Kill:
		h.Off = true
	}
}

// handOf works out what all levers together set.
func handOf(levers []Lever, priorities []string) proxy.Hand {
	h := proxy.Hand{Classes: map[string]int{}, Shed: map[string]float64{}, Limits: map[string]int{}, Breakers: map[string]string{}, Drained: map[string]bool{}, Frozen: map[string]bool{}}
	for _, l := range levers {
		l.lay(&h, priorities)
	}
	return h
}
