package verdict

import "strings"

// Kind is where a failure is: one member of a closed set.
type Kind string

// The kinds.
const (
	None     Kind = "none"     // nothing is wrong, or nothing was seen yet
	Unknown  Kind = "unknown"  // something is wrong, and the evidence does not say where
	Client   Kind = "client"   // clients leave, or send what nobody can answer
	Proxy    Kind = "proxy"    // this process is late, or has a defect
	Network  Kind = "network"  // the way to one endpoint
	Endpoint Kind = "endpoint" // one endpoint of several
	Route    Kind = "route"    // one route's code, or what it alone uses
	Resource Kind = "resource" // something that several routes share
	Upstream Kind = "upstream" // everything behind an upstream
	Change   Kind = "change"   // what went live just before
)

// Kinds gives every kind, in order.
func Kinds() []Kind {
	return []Kind{None, Unknown, Client, Proxy, Network, Endpoint, Route, Resource, Upstream, Change}
}

// Verdict says where the failure is, why that is thought, and how surely.
type Verdict struct {
	Kind Kind `json:"kind"`
	// Subject names it: the route, the endpoint, the upstream, the change; "" where the kind says all.
	Subject string `json:"subject,omitempty"`
	// Routes are those that suffer from it, sorted. Of a resource they are what tells it from others.
	Routes []string `json:"routes,omitempty"`
	// Cause is load, slow, errors or "".
	Cause string `json:"cause,omitempty"`
	// Confidence is 0 to 1.
	Confidence float64 `json:"confidence"`
	// For and Against are sentences with the numbers.
	For     []string `json:"evidence_for,omitempty"`
	Against []string `json:"evidence_against,omitempty"`
	// Others are what else it might be, most likely first, at most two.
	Others []Alternative `json:"others,omitempty"`
}

// Alternative is another place where the failure might be.
type Alternative struct {
	Kind       Kind    `json:"kind"`
	Subject    string  `json:"subject,omitempty"`
	Confidence float64 `json:"confidence"`
}

// IsolatedAt is the confidence from which on a verdict may be told to others as the cause.
const IsolatedAt = 0.8

// Isolated reports whether the verdict is sure enough to be told to others as the cause.
func (v Verdict) Isolated() bool {
	return v.Kind != None && v.Kind != Unknown && v.Confidence >= IsolatedAt
}

// Same reports whether two verdicts name the same place.
func (v Verdict) Same(w Verdict) bool {
	if v.Kind != w.Kind || v.Subject != w.Subject || len(v.Routes) != len(w.Routes) {
		return false
	}
	for i := range v.Routes {
		if v.Routes[i] != w.Routes[i] {
			return false
		}
	}
	return true
}

// Replaces reports whether a record that holds an old verdict takes this one instead: what it was stays true when all is well again, and who was sure
// does not become unsure because the evidence fades.
func (v Verdict) Replaces(old Verdict) bool {
	return v.Kind != None && (v.Kind != Unknown || !old.Isolated())
}

// Sentence says it in words.
func (v Verdict) Sentence() string {
	routes := strings.Join(v.Routes, ", ")
	switch v.Kind {
	case "", None:
		return "nothing found"
	case Unknown:
		return "not known yet"
	case Client:
		return "clients: they leave early or send what cannot be answered"
	case Proxy:
		return "this proxy itself"
	case Network:
		return "the network on the way to " + v.Subject
	case Endpoint:
		return "the endpoint " + v.Subject
	case Route:
		return v.Subject + " alone: " + routeCauses[v.Cause]
	case Resource:
		return "something that " + routes + " share" + causes[v.Cause]
	case Upstream:
		return "the whole upstream " + v.Subject + causes[v.Cause]
	}
	return "a change: " + v.Subject
}

var (
	causes      = map[string]string{"load": ": more is asked of it than it can do", "slow": ": it has become slow", "errors": ": it fails"}
	routeCauses = map[string]string{"load": "more is asked of it than there is room for", "slow": "it has become slow", "errors": "its own code fails", "": "others are well"}
)
