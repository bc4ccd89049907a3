package upstream

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Settings describe one upstream.
type Settings struct {
	Name      string
	Endpoints []EndpointSettings
}

// EndpointSettings describe one endpoint.
type EndpointSettings struct {
	// URL is http or https and a host; it has no path, query or user.
	URL           *url.URL
	Zone, Version string
	// HTTP2 is set if the endpoint is spoken to by HTTP/2, without TLS by prior knowledge.
	HTTP2 bool
	// Weight is 1 to 1000; 0 means 1.
	Weight int
	// Drained endpoints get no new requests.
	Drained bool
}

// maxWeight keeps products of weight and requests in flight far from overflow, and shares readable.
const maxWeight = 1000

// Pool is the endpoints of one upstream. It never changes, except for the counters; see Update.
type Pool struct {
	name      string
	endpoints []*Endpoint
	// upTo[i] is the sum of the weights of the endpoints 0 to i.
	upTo []uint64
}

// New makes a pool. No endpoints at all are allowed.
func New(s Settings) (*Pool, error) {
	p := &Pool{name: s.Name, endpoints: make([]*Endpoint, 0, len(s.Endpoints))}
	seen := map[string]bool{}
	total := uint64(0)
	for i, es := range s.Endpoints {
		if err := es.check(); err != nil {
			return nil, fmt.Errorf("upstream %q: endpoint %d: %w", s.Name, i, err)
		}
		key := key(es.URL)
		if seen[key] {
			return nil, fmt.Errorf("upstream %q: endpoint %d: %s stands twice; give the one a higher weight instead", s.Name, i, es.URL)
		}
		seen[key] = true
		es.Weight = max(es.Weight, 1)
		p.endpoints = append(p.endpoints, newEndpoint(i, es))
		if !es.Drained {
			total += uint64(es.Weight)
		}
		p.upTo = append(p.upTo, total)
	}
	return p, nil
}

// Update makes the pool that is to follow. Endpoints whose URL stays share their counter with the old pool's.
func (p *Pool) Update(s Settings) (*Pool, error) {
	next, err := New(s)
	if err != nil {
		return nil, err
	}
	counters := map[string]*counter{}
	for _, e := range p.endpoints {
		counters[key(e.settings.URL)] = e.load
	}
	for _, e := range next.endpoints {
		if c := counters[key(e.settings.URL)]; c != nil {
			e.load = c
		}
	}
	return next, nil
}

// Name is the upstream's name.
func (p *Pool) Name() string { return p.name }

// Endpoints gives the endpoints in the order of the settings.
func (p *Pool) Endpoints() []*Endpoint { return slices.Clone(p.endpoints) }

func (es EndpointSettings) check() error {
	u := es.URL
	switch {
	case u == nil:
		return fmt.Errorf("there is no URL; want one like http://10.0.0.7:8080")
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%q has the scheme %q; want http or https", u.Redacted(), u.Scheme)
	case u.Hostname() == "":
		return fmt.Errorf("%q has no host; want one like http://10.0.0.7:8080", u.Redacted())
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Opaque != "":
		return fmt.Errorf("%q has more than a host; want no path, query, fragment or user", u.Redacted())
	case es.Weight < 0 || es.Weight > maxWeight:
		return fmt.Errorf("%q has the weight %d; want 1 to %d", u.Redacted(), es.Weight, maxWeight)
	}
	return nil
}

// key is the same for URLs that mean the same endpoint.
func key(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + " " + strings.ToLower(u.Hostname()) + " " + port
}
