package load

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	defaultDeadline    = time.Second
	defaultMaxInFlight = 20_000
	defaultSessions    = 1_000
	// maxArrivals bounds the memory of a run: 24 bytes each.
	maxArrivals = 50_000_000
	// maxIndex is how many phases, and how many requests, an Arrival can tell apart.
	maxIndex = math.MaxUint16
	// maxDeadline bounds the size of the histograms.
	maxDeadline = 10 * time.Minute
)

// Settings describes a run. Target, a request and a phase are needed.
type Settings struct {
	// Seed makes the arrivals repeatable.
	Seed uint64
	// Target is the base URL, http or https, without a path.
	Target string
	// Targets are several base URLs instead, among which sessions are spread: the n-th session goes to the n-th, round and round.
	Targets  []string
	Requests []Request
	Phases   []Phase
	// Arrivals are sent instead of what would be drawn from Seed and the phases' rates; nil means that they are drawn.
	Arrivals []Arrival
	// Begin is the instant that arrivals count from; zero means when Run is called.
	Begin time.Time
	// Deadline is when a client gives up, counted from the instant at which it wanted to send; 0 means 1s.
	Deadline time.Duration
	// Regular makes the gaps between arrivals of a route equal; the default is a Poisson process.
	Regular bool
	// OnPhase, if set, is called as each phase begins, before its first request. While it runs, nothing is sent.
	OnPhase func(i int, p Phase)
	// OnEnd, if set, is told how each request ended, by several goroutines at once. It may say what the same user sends next; that is
	// sent at its own instant, or at once if that has passed.
	OnEnd func(Ending) (next Arrival, more bool)
	// Sign, if set, adds to a request's header what is its own. It is called by several goroutines at once.
	Sign func(Arrival, http.Header)
	// Sessions is the number of users that requests are drawn for; 0 means 1,000.
	Sessions int
	// MaxInFlight bounds concurrent requests; one beyond it counts as failed, an overrun. 0 means 20,000.
	MaxInFlight int
	// Protocol is how requests are sent if there is no Transport; "" means HTTP1.
	Protocol Protocol
	// TLS is for https targets; nil means the system's authorities. It is not changed.
	TLS *tls.Config
	// CloseEach opens a connection for each request.
	CloseEach bool
	// Keep is the name of a field of answers' headers that Lean keeps besides those that it always does.
	Keep string
	// Transport carries the requests; nil means a client of the generator's own.
	Transport http.RoundTripper
}

// Protocol is how requests are sent.
type Protocol string

// The protocols.
const (
	HTTP1 Protocol = "http1" // by net/http
	Lean  Protocol = "lean"  // HTTP/1.1 by package wire, for a fraction of the processor's time
	HTTP2 Protocol = "http2" // by net/http; without TLS with prior knowledge (h2c)
)

// Phase is a stretch of time with constant rates.
type Phase struct {
	Name string
	For  time.Duration
	// Rates is requests a second by route name; a route that is not named is not asked for.
	Rates map[string]float64
	// Targets are asked in this phase instead of those of the settings; nil means those.
	Targets []string
}

// Request is what the clients of one route send.
type Request struct {
	// Route names the request in Phase.Rates; each has its own.
	Route string
	// Class is what its results are counted under.
	Class string
	// Method defaults to GET.
	Method string
	// Path begins with a slash and may have a query.
	Path string
	// Header is sent with each request; nil means none. A Host in it is the authority that is asked for.
	Header http.Header
	// Stream answers the request with its header. The body is read on until it ends or everybody else has: it counts neither for the
	// latency nor for the deadline.
	Stream bool
	// Body is sent with each request; nil means none. It is not changed.
	Body []byte
	// SessionCookie is the name of a cookie that says which session asks; "" means none.
	SessionCookie string
}

func (s Settings) withDefaults() Settings {
	if len(s.Targets) == 0 {
		s.Targets = []string{s.Target}
	}
	s.Phases = slices.Clone(s.Phases)
	for i := range s.Phases {
		if len(s.Phases[i].Targets) == 0 {
			s.Phases[i].Targets = s.Targets
		}
	}
	if s.Deadline == 0 {
		s.Deadline = defaultDeadline
	}
	if s.Sessions == 0 {
		s.Sessions = defaultSessions
	}
	if s.MaxInFlight == 0 {
		s.MaxInFlight = defaultMaxInFlight
	}
	return s
}

// check lists everything that is wrong, not only the first.
func (s Settings) check() error {
	problems := append(s.checkRequests(), s.checkPhases()...)
	fail := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, target := range s.allTargets() {
		if err := checkTarget(target); err != nil {
			fail("target is %q: %w", target, err)
		}
	}
	if err := s.checkArrivals(); err != nil {
		fail("%w", err)
	}
	if s.Deadline < 0 || s.Deadline > maxDeadline {
		fail("deadline is %v: want more than 0, at most %v", s.Deadline, maxDeadline)
	}
	if s.Sessions < 0 || s.Sessions > math.MaxInt32 {
		fail("sessions is %d: want 1 to %d", s.Sessions, math.MaxInt32)
	}
	if s.Protocol != "" && s.Protocol != HTTP1 && s.Protocol != Lean && s.Protocol != HTTP2 {
		fail("protocol is %q: want %s, %s or %s", s.Protocol, HTTP1, Lean, HTTP2)
	}
	if s.CloseEach && s.Protocol == HTTP2 {
		fail("protocol %s with a connection for each request: want one of the two", HTTP2)
	}
	if s.MaxInFlight < 0 {
		fail("max in flight is %d: want at least 1", s.MaxInFlight)
	}
	return errors.Join(problems...)
}

// allTargets is every target once.
func (s Settings) allTargets() []string {
	all := slices.Clone(s.Targets)
	for _, p := range s.Phases {
		for _, target := range p.Targets {
			if !slices.Contains(all, target) {
				all = append(all, target)
			}
		}
	}
	return all
}

// checkArrivals looks at arrivals that were given: the generator sends them as they stand.
func (s Settings) checkArrivals() error {
	if len(s.Arrivals) > maxArrivals {
		return fmt.Errorf("%d arrivals: want at most %d", len(s.Arrivals), maxArrivals)
	}
	for i, a := range s.Arrivals {
		switch {
		case int(a.Phase) >= len(s.Phases) || int(a.Request) >= len(s.Requests):
			return fmt.Errorf("arrival %d: phase %d, request %d: there are %d and %d", i, a.Phase, a.Request, len(s.Phases), len(s.Requests))
		case i > 0 && (a.At < s.Arrivals[i-1].At || a.Phase < s.Arrivals[i-1].Phase):
			return fmt.Errorf("arrival %d comes before the one that stands before it; want them in the order of time", i)
		}
	}
	return nil
}

func checkTarget(target string) error {
	u, err := url.Parse(target)
	switch {
	case err != nil:
		return err
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return errors.New("want http://host:port")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		return errors.New("want no path or query; these belong to the requests")
	}
	return nil
}

func (s Settings) checkRequests() []error {
	var problems []error
	if n := len(s.Requests); n == 0 || n > maxIndex {
		problems = append(problems, fmt.Errorf("%d requests: want 1 to %d", n, maxIndex))
	}
	names := map[string]bool{}
	for i, r := range s.Requests {
		if err := r.check(); err != nil {
			problems = append(problems, fmt.Errorf("request %d (%q): %w", i, r.Route, err))
		}
		if names[r.Route] {
			problems = append(problems, fmt.Errorf("request %d: the route %q is taken", i, r.Route))
		}
		names[r.Route] = true
	}
	return problems
}

func (r Request) check() error {
	switch {
	case r.Route == "":
		return errors.New("no route")
	case r.Class == "":
		return errors.New("no class")
	case !strings.HasPrefix(r.Path, "/"):
		return fmt.Errorf("path is %q: want one that begins with a slash", r.Path)
	}
	if r.SessionCookie != "" {
		if err := (&http.Cookie{Name: r.SessionCookie, Value: "1"}).Valid(); err != nil {
			return fmt.Errorf("session cookie: %w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name == "" || strings.ContainsAny(name, " \t\r\n\x00:") || strings.ContainsAny(strings.Join(r.Header[name], ""), "\r\n\x00") {
			return fmt.Errorf("header %q: not a valid name and value", name)
		}
	}
	_, err := http.NewRequest(r.Method, "http://target"+r.Path, nil)
	return err
}

func (s Settings) checkPhases() []error {
	var problems []error
	if n := len(s.Phases); n == 0 || n > maxIndex {
		problems = append(problems, fmt.Errorf("%d phases: want 1 to %d", n, maxIndex))
	}
	var arrivals float64
	for i, p := range s.Phases {
		if err := p.check(s.Requests); err != nil {
			problems = append(problems, fmt.Errorf("phase %d (%q): %w", i, p.Name, err))
			continue
		}
		for _, rate := range p.Rates {
			arrivals += rate * p.For.Seconds()
		}
	}
	if arrivals > maxArrivals {
		problems = append(problems, fmt.Errorf("about %.0f requests in all: want at most %d", arrivals, maxArrivals))
	}
	return problems
}

func (p Phase) check(requests []Request) error {
	if p.For <= 0 {
		return fmt.Errorf("it lasts %v: want more than 0", p.For)
	}
	for _, route := range slices.Sorted(maps.Keys(p.Rates)) {
		if !slices.ContainsFunc(requests, func(r Request) bool { return r.Route == route }) {
			return fmt.Errorf("there is no request for route %q", route)
		}
		if rate := p.Rates[route]; !(rate >= 0) || math.IsInf(rate, 1) {
			return fmt.Errorf("rate of route %q is %v: want 0 or more a second", route, rate)
		}
	}
	return nil
}
