package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"triage/proxy"
	"triage/proxy/incident/verdict"
	"triage/shed"
)

// Eyes turn what the proxy shows into an Observation. They remember the last look; one goroutine uses them.
type Eyes struct {
	Counter *Counter
	before  counted
	window  []protectedSeen // of the newest ten seconds
	base    float64         // share of errors of the protected routes while quiet
}

// protectedSeen is what became of requests of protected routes.
type protectedSeen struct{ ended, bad int }

const (
	// protectedWindow is the number of looks over which protected routes are judged.
	protectedWindow = 10
	// unwellErrors is by how much the share of what goes wrong may be above its baseline.
	unwellErrors = 0.01
	// unwellLatency is the multiple of the baseline from which on a protected route is slow.
	unwellLatency = 1.5
	// lateFrom is what a look may come late by.
	lateFrom = 500 * time.Millisecond
)

// Look looks. every is the time between two looks; levers are what people have set by hand.
func (e *Eyes) Look(at, every time.Duration, s proxy.Snapshot, events []shed.Entry, levers []string, changes []verdict.ChangeSeen) Observation {
	now := e.Counter.read(at)
	o := Observation{Events: events, Totals: map[string]Counts{}, Sessions: now.sessions, Classes: map[string]int{}}
	for _, r := range s.Routes {
		o.Classes[r.Name] = slices.Index(s.Priorities, r.Priority)
	}
	for name, r := range now.routes {
		if name != "" {
			o.Totals[name] = r.results
		}
	}
	o.Second = e.second(now, s, events, every)
	o.Second.Changes = changes
	o.Signals.Levers = levers
	acting(s, &o.Signals)
	e.protected(now, s, &o.Signals)
	if len(o.Signals.Acting) == 0 && len(o.Signals.Unwell) == 0 && len(e.window) > 0 {
		last := e.window[len(e.window)-1]
		if last.ended > 0 {
			e.base += (float64(last.bad)/float64(last.ended) - e.base) / 120
		}
	}
	e.before = now
	return o
}

// second is what the isolator is shown.
func (e *Eyes) second(now counted, s proxy.Snapshot, events []shed.Entry, every time.Duration) verdict.Second {
	out := verdict.Second{At: now.at, Lasted: max(now.at-e.before.at, time.Millisecond)}
	if late := out.Lasted - every; e.before.at > 0 && late > lateFrom {
		out.Late = late
	}
	upstreams := map[string]map[string]tallied{}
	for i := range s.Routes {
		r := &s.Routes[i]
		a, b := now.routes[r.Name], e.before.routes[r.Name]
		seen := a.seen(b, r.Name, r.Upstream)
		seen.Shut = r.Breaker != "closed"
		out.Routes = append(out.Routes, seen)
		out.Internal += max(a.internal-b.internal, 0)
		if upstreams[r.Upstream] == nil {
			upstreams[r.Upstream] = map[string]tallied{}
		}
		for url, t := range a.endpoints {
			upstreams[r.Upstream][url] = upstreams[r.Upstream][url].plus(t.minus(b.endpoints[url]))
		}
	}
	out.Wrong = max(now.routes[""].wrong-e.before.routes[""].wrong, 0)
	for _, u := range s.Upstreams {
		for _, p := range u.Endpoints {
			t := upstreams[u.Name][p.URL]
			out.Endpoints = append(out.Endpoints, verdict.EndpointSeen{Upstream: u.Name, Name: p.URL, Answered: t.answered, Failed: t.failed, TimedOut: t.timedOut + t.left,
				Unreachable: t.unreachable, Took: t.took, Squares: t.squares, Shut: p.Breaker != "closed"})
		}
		for _, g := range u.Groups {
			if g.ShedFrom >= 0 || slices.ContainsFunc(out.Routes, func(r verdict.RouteSeen) bool { return r.Refused > 0 && slices.Contains(g.Routes, r.Name) }) {
				out.Groups = append(out.Groups, g.Routes)
			}
		}
	}
	for _, x := range events {
		if f, yes := verdict.Heard(x.Kind, x.Subject, x.Reason); yes {
			out.Found = append(out.Found, f)
		}
	}
	return out
}

// acting says what protection gives up at the moment.
func acting(s proxy.Snapshot, out *Signals) {
	add := func(title, format string, args ...any) {
		out.Acting = append(out.Acting, fmt.Sprintf(format, args...))
		out.Title = cmp.Or(out.Title, title)
	}
	for _, u := range s.Upstreams {
		if u.Broken != "" {
			add("Death of the control law of "+u.Name, "the control law of %s has died and protects nothing: %s", u.Name, u.Broken)
		}
		if u.Panic {
			add("Failure of every endpoint of "+u.Name, "every endpoint of %s is out, so all are used", u.Name)
		}
		for _, g := range u.Groups {
			if g.ShedFrom >= 0 && g.ShedFrom < len(s.Priorities) {
				routes := strings.Join(g.Routes, ", ")
				are := map[bool]string{true: "are", false: "is"}[len(g.Routes) > 1]
				add("Overload of "+routes, "%s %s overloaded: %s and below are refused", routes, are, s.Priorities[g.ShedFrom])
			}
		}
		for _, p := range u.Endpoints {
			if p.Breaker != "closed" {
				add("Failure of the endpoint "+p.URL, "the breaker of the endpoint %s is %s", p.URL, p.Breaker)
			}
		}
	}
	for _, r := range s.Routes {
		actingOn(r, add)
	}
}

// actingOn says what is given up of one route.
func actingOn(r proxy.RouteSnapshot, add func(title, format string, args ...any)) {
	if r.Breaker != "closed" {
		add("Failure of "+r.Name, "the breaker of %s is %s", r.Name, r.Breaker)
	}
	if r.Shed.Refusing != "" && r.Shed.Group == "" {
		add("Refusals of "+r.Name, "requests of %s are refused: %s", r.Name, r.Shed.Refusing)
	}
	if r.Hand.Shed > 0 {
		add("Refusals of "+r.Name+" by hand", "%.0f %% of %s is refused by hand", 100*r.Hand.Shed, r.Name)
	}
	if r.Hand.Breaker == "open" {
		add("Refusals of "+r.Name+" by hand", "%s is refused by hand", r.Name)
	}
}

// protected judges the routes of the most important class.
func (e *Eyes) protected(now counted, s proxy.Snapshot, out *Signals) {
	var seen protectedSeen
	offered := 0
	for _, r := range s.Routes {
		if !slices.Contains(s.Priorities[:min(1, len(s.Priorities))], r.Priority) {
			continue
		}
		a, b := now.routes[r.Name], e.before.routes[r.Name]
		c := a.results.minus(b.results)
		seen.ended += int(c.Ended())
		seen.bad += int(c.Refused + c.Failed + c.Degraded)
		offered += max(a.offered-b.offered, 0)
		if r.Shed.Latency > unwellLatency && r.Shed.Demand > 0 && a.answered-b.answered > 0 {
			out.Unwell = append(out.Unwell, fmt.Sprintf("%s takes %.1f times its baseline", r.Name, r.Shed.Latency))
			out.Title = cmp.Or(out.Title, "Slow answers of "+r.Name)
		}
	}
	out.Traffic = float64(offered) / max((now.at-e.before.at).Seconds(), 1e-3)
	e.window = append(e.window, seen)
	e.window = e.window[max(0, len(e.window)-protectedWindow):]
	var all protectedSeen
	for _, w := range e.window {
		all.ended, all.bad = all.ended+w.ended, all.bad+w.bad
	}
	if share := float64(all.bad) / float64(max(all.ended, 1)); all.bad >= 3 && share > e.base+unwellErrors {
		out.Title = cmp.Or(out.Title, "Failing requests of the most important class")
		out.Unwell = append(out.Unwell, fmt.Sprintf("%.1f %% of the protected requests go wrong (usually %.2g %%)", 100*share, 100*e.base))
	}
}
