package verdict

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// place is where one second says that the failure is.
type place struct {
	kind    Kind
	subject string
	weight  float64
	reason  string
}

// lateFrom is the part of the time from which on this process is its own trouble.
const lateFrom = 0.15

// places says what the newest seconds point at; none while nothing is wrong.
func (i *Isolator) places(s Second) []place {
	var out []place
	if p, yes := i.proxy(); yes {
		out = append(out, p)
	}
	explained := map[string]bool{} // upstreams whose trouble is one endpoint's
	for _, p := range i.oneEndpoint() {
		out = append(out, p)
		upstream, _, _ := strings.Cut(p.subject, " ")
		explained[upstream] = true
	}
	byUpstream := i.suffering(s, explained)
	for _, upstream := range slices.Sorted(maps.Keys(byUpstream)) {
		routes := byUpstream[upstream]
		// One that has never suffered and grew like all others is only refused: that is what Triage does, and nothing that it was seen to have.
		if len(routes) > 1 || routes[0].ever || routes[0].culprit || i.grewAlone(routes[0]) {
			out = append(out, i.shared(upstream, routes))
		}
	}
	if len(out) == 0 {
		if p, yes := i.client(); yes {
			out = append(out, p)
		}
	}
	return out
}

// newest are the seconds that are compared with the base.
func (i *Isolator) newest() []Second { return i.seconds[max(0, len(i.seconds)-newest):] }

func (i *Isolator) proxy() (place, bool) {
	var late, lasted time.Duration
	internal, done := 0, 0.0
	for _, s := range i.newest() {
		late, lasted, internal = late+s.Late, lasted+s.Lasted, internal+s.Internal
	}
	for _, r := range i.routes {
		done += r.now.done()
	}
	switch {
	case late.Seconds() > lateFrom*lasted.Seconds():
		return place{Proxy, "", 1, fmt.Sprintf("this process stood still for %.0f %% of the time", 100*late.Seconds()/lasted.Seconds())}, true
	case more(float64(internal), done+float64(internal), 0.0005):
		return place{Proxy, "", 1, fmt.Sprintf("%d requests failed by a defect of this proxy", internal)}, true
	}
	return place{}, false
}

// oneEndpoint finds the endpoints that are worse than their peers.
func (i *Isolator) oneEndpoint() (out []place) {
	for _, name := range slices.Sorted(maps.Keys(i.endpoints)) {
		e := i.endpoints[name]
		var peers sums
		count, shut := 0, 0
		for _, other := range i.endpoints {
			if other == e || other.upstream != e.upstream {
				continue
			}
			count++
			peers.add(other.now)
			if other.shut {
				shut++
			}
		}
		if count == 0 {
			continue
		}
		p := place{Endpoint, name, 1, ""}
		switch {
		case more(e.now.bad, e.now.done(), share(peers.bad, peers.done())) && e.now.bad > peers.bad/2:
			p.weight = strength(e.now.bad, e.now.done(), share(peers.bad, peers.done()))
			p.reason = fmt.Sprintf("%s fails %.0f %% of its requests, its peers %.1f %%", e.short(), 100*e.now.bad/e.now.done(), 100*peers.bad/math.Max(peers.done(), 1))
		case e.shut && 2*shut < count:
			p.reason = e.short() + " is the one whose breaker is open"
		case slow(e.now, peers) && slow(e.now, e.base) && well(peers, peersBase(i, e)):
			p.reason = fmt.Sprintf("%s takes %.1f times as long as its peers", e.short(), e.now.mean()/math.Max(peers.mean(), 1e-9))
		default:
			continue
		}
		if away := sum(e.unreachable); away > 0 && away > e.now.bad/2 {
			p.kind = Network
			p.reason += "; what fails is the connection"
		}
		out = append(out, p)
	}
	return out
}

// fails and slow look at the newest second, in which a sudden trouble shows, and at the newest three, in which a small one does.
func (r *record) fails() bool { return fails(r.now, r.base) || fails(r.newest(), r.base) }
func (r *record) slow() bool  { return slow(r.now, r.base) || slow(r.newest(), r.base) }

func (r *record) newest() sums {
	if len(r.ring) == 0 {
		return sums{}
	}
	return r.ring[len(r.ring)-1]
}

// strength is 2 for what cannot be chance, 1 for what is only evident.
func strength(k, n, p float64) float64 {
	if k-n*p > 2*evident*math.Sqrt(n*p*(1-p)+1) {
		return 2
	}
	return 1
}

// short is an endpoint's name without its upstream's.
func (r *record) short() string {
	_, name, _ := strings.Cut(r.name, " ")
	return cmp.Or(name, r.name)
}

func peersBase(i *Isolator, e *record) (base sums) {
	for _, other := range i.endpoints {
		if other != e && other.upstream == e.upstream {
			base.add(other.base)
		}
	}
	return base
}

func sum(xs []float64) (total float64) {
	for _, x := range xs {
		total += x
	}
	return total
}

// suffering gives the routes that suffer, or are held by a limit, by upstream, and keeps the book on who suffers and who does not.
func (i *Isolator) suffering(s Second, explained map[string]bool) map[string][]*record {
	held := map[string]bool{}
	for _, g := range s.Groups {
		for _, name := range g {
			held[name] = true
		}
	}
	evidently, anybody := map[string]bool{}, false
	for name, r := range i.routes {
		if evidently[name] = !explained[r.upstream] && (r.shut || r.fails() || r.slow()); evidently[name] {
			r.ever, anybody = true, true
			r.failed = r.failed || r.shut || r.fails()
		}
		if n := r.newest(); n.answered >= wellNeeds && r.base.answered >= baseNeeds {
			later := n.mean() - r.base.mean() - r.doubt(n)
			r.peak, r.later = max(r.peak, later/r.base.mean()), max(r.later, later)
		}
		r.crowded = r.crowded || crowded(r.now)
	}
	apart := i.apart(s.Groups)
	fade := math.Exp2(-1 / voteHalf)
	out := map[string][]*record{}
	for _, name := range slices.Sorted(maps.Keys(i.routes)) {
		r := i.routes[name]
		if i.trouble {
			r.suffered, r.held, r.fine = r.suffered*fade, r.held*fade, r.fine*fade
		}
		held := held[name] || crowded(r.now)
		switch {
		case explained[r.upstream]:
			continue
		case apart[name]:
			r.fine++
			r.apart = true
			continue
		case evidently[name]:
			r.suffered++
		case held:
			r.held++
		case well(r.now, r.base):
			if i.trouble || anybody {
				r.fine++
			}
			continue
		default:
			continue
		}
		i.why(r)
		out[r.upstream] = append(out[r.upstream], r)
	}
	return out
}

// kin is the part of the others' slowness that a member of a group has to show where most of them suffer, in bases or in seconds: who waits in
// the same queue waits as long, however short the rest is. As in package shed.
const kin = 0.4

// doubt is the error of the difference between the mean of n and the base's, in seconds: twice its deviation.
func (r *record) doubt(n sums) float64 {
	return 2 * r.base.deviation() * math.Sqrt(1/n.answered+1/r.base.answered)
}

// apart gives the members of groups that are well while the others suffer: whatever the law thinks, they share nothing with them.
func (i *Isolator) apart(groups [][]string) map[string]bool {
	out := map[string]bool{}
	for _, g := range groups {
		for _, name := range g {
			r := i.routes[name]
			if r == nil || r.base.answered < baseNeeds || r.newest().answered < wellNeeds || r.fails() {
				continue
			}
			bad, all, slower, later := 0.0, 0.0, 0.0, 0.0
			for _, other := range g {
				o := i.routes[other]
				if o == nil || o == r || o.base.answered < baseNeeds {
					continue
				}
				n := o.newest()
				all += n.answered
				if slow(n, o.base) {
					bad += n.answered
					slower += n.answered * (n.mean()/o.base.mean() - 1)
					later += n.answered * (n.mean() - o.base.mean())
				}
			}
			here := r.newest().mean() - r.base.mean() + r.doubt(r.newest())
			out[name] = bad > 0 && 2*bad >= all && here/r.base.mean() < kin*slower/bad && here < kin*later/bad
		}
	}
	return out
}

// why counts what the trouble looks like.
func (i *Isolator) why(r *record) {
	switch {
	case (r.shut || r.fails()) && !r.slow():
		i.cause["errors"]++
	case r.base.seconds > 0 && r.now.rate() > grownBy*r.base.rate():
		i.cause["load"]++
	case r.slow():
		i.cause["slow"]++
	}
}

// grownBy is the growth of a route's traffic that explains trouble.
const grownBy = 1.5

// shared says what the routes of an upstream that suffer have in common.
func (i *Isolator) shared(upstream string, routes []*record) place {
	names, slower := make([]string, len(routes)), []string{}
	for k, r := range routes {
		names[k] = r.name
		if r.fails() || r.slow() {
			slower = append(slower, r.complaint())
		}
	}
	if len(routes) == 1 {
		r := routes[0]
		return place{Route, r.name, 1, r.complaint() + ", other routes do not"}
	}
	reason := strings.Join(names, ", ") + " suffer together"
	if len(slower) > 0 {
		reason += ": " + strings.Join(slower, ", ")
	}
	return place{Resource, upstream, 1, reason}
}

// complaint says in numbers how a route suffers.
func (r *record) complaint() string {
	switch {
	case r.fails():
		return fmt.Sprintf("%s fails %.0f %% of its requests", r.name, 100*(r.now.bad+inVain(r.now, r.base))/math.Max(r.now.done()+inVain(r.now, r.base), 1))
	case r.shut:
		return r.name + "'s own breaker is open"
	case r.slow():
		return fmt.Sprintf("%s takes %.1f times as long as before", r.name, r.now.mean()/math.Max(r.base.mean(), 1e-9))
	}
	if crowded(r.now) {
		return fmt.Sprintf("%s asks for more than there is room for, and is refused %.0f %%", r.name, 100*r.now.refused/r.now.offered)
	}
	return r.name + " is held by a limit"
}

// client finds clients that are the trouble themselves: it is asked only if no backend is slow or fails.
func (i *Isolator) client() (place, bool) {
	var now, base sums
	wrong := 0
	for _, r := range i.routes {
		now.add(r.now)
		base.add(r.base)
	}
	for _, s := range i.newest() {
		wrong += s.Wrong
	}
	odd := now.left + now.wrong + float64(wrong)
	all := now.done() + odd
	if base.done() < baseNeeds || !more(odd, all, share(base.left+base.wrong, base.done()+base.left+base.wrong)) || odd < clientShare*all {
		return place{}, false
	}
	return place{Client, "", 1, fmt.Sprintf("%.0f %% of the requests were given up or sent wrongly by clients, while answers came as usual", 100*odd/all)}, true
}

// clientShare is the part of all requests from which on clients are worth a word.
const clientShare = 0.05
