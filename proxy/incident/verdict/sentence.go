package verdict

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
	"time"
)

// notLoadOdds is what it is worth that shedding did not move a route's errors.
const notLoadOdds = 10

// doubt is how many seconds of trouble are worth as much as not knowing. Windows of three seconds overlap, so one odd second makes three votes.
const doubt = 2.5

// unknownBelow is the confidence that a verdict needs.
const unknownBelow = 0.6

// Verdict weighs the votes.
func (i *Isolator) Verdict() Verdict {
	if !i.trouble || len(i.votes) == 0 {
		return Verdict{Kind: None}
	}
	ranked, total := i.ranked()
	best := ranked[0]
	v := Verdict{Kind: best.kind, Subject: best.subject, Cause: i.mainCause(), For: []string{best.reason}}
	v.Confidence = best.weight / (total + doubt)
	for _, other := range ranked[1:min(3, len(ranked))] {
		v.Others = append(v.Others, Alternative{other.kind, other.subject, round(other.weight / (total + doubt))})
		v.Against = append(v.Against, other.reason)
	}
	i.name(&v, ranked[1:], total)
	if v.Kind == Route && len(v.Routes) == 0 {
		v.Routes = []string{v.Subject}
	}
	v.For = append(v.For, i.contrast(v.Routes)...)
	if _, name, ok := strings.Cut(v.Subject, " "); ok && (v.Kind == Endpoint || v.Kind == Network) {
		v.Subject = name
	}
	for _, f := range slices.SortedFunc(maps.Keys(i.found), func(a, b Found) int { return strings.Compare(string(a.What)+a.Route, string(b.What)+b.Route) }) {
		v.For = append(v.For, i.found[f])
	}
	i.accuse(&v)
	v.Confidence = round(v.Confidence)
	if v.Confidence <= unknownBelow || v.Kind == Resource && len(v.Routes) == 0 {
		v.Others = append([]Alternative{{v.Kind, v.Subject, v.Confidence}}, v.Others[:min(1, len(v.Others))]...)
		v.Kind, v.Subject, v.Routes, v.Confidence = Unknown, "", nil, round(1-v.Confidence)
	}
	return v
}

// name says which routes it is, and adds up what is the same trouble: what was laid to one route of those that share something was seen in its
// first or last seconds, or when protection had cured the others.
func (i *Isolator) name(v *Verdict, others []vote, total float64) {
	if r := i.routes[v.Subject]; v.Kind == Route && v.Confidence <= unknownBelow && r != nil && i.votes[string(Resource)+" "+r.upstream] != nil {
		both := *v
		both.Kind, both.Subject = Resource, r.upstream
		both.Confidence = i.votes[string(Resource)+" "+r.upstream].weight / (total + doubt)
		if i.nameRoutes(&both); slices.Contains(both.Routes, v.Subject) {
			both.Confidence += v.Confidence
			*v = both
		}
		return
	}
	if v.Kind != Resource {
		return
	}
	i.nameRoutes(v)
	for _, other := range others {
		if (v.Kind == Resource || v.Kind == Upstream) && other.kind == Route && slices.Contains(v.Routes, other.subject) {
			v.Confidence += other.weight / (total + doubt)
		}
	}
}

// contrast says what tells those that are named from before and from others: how much more is asked of them, and who is well meanwhile.
func (i *Isolator) contrast(named []string) (out []string) {
	var grown, fine []string
	upstreams := map[string]bool{}
	for _, name := range named {
		r := i.routes[name]
		if r == nil {
			continue
		}
		upstreams[r.upstream] = true
		if r.base.seconds > 0 && r.now.rate() > grownBy*r.base.rate() && r.base.rate() > 0 {
			grown = append(grown, fmt.Sprintf("%.1f times as much of %s", r.now.rate()/r.base.rate(), name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(i.routes)) {
		if r := i.routes[name]; upstreams[r.upstream] && !slices.Contains(named, name) && r.fine > r.suffered+r.held && well(r.now, r.base) {
			fine = append(fine, name)
		}
	}
	if len(grown) > 0 {
		out = append(out, "more is asked for than before: "+strings.Join(grown, ", "))
	}
	if len(fine) > 0 {
		out = append(out, fmt.Sprintf("%s on the same upstream: as well as ever", strings.Join(fine, ", ")))
	}
	return out
}

// ranked gives the votes, the heaviest first, after interventions have spoken.
func (i *Isolator) ranked() (ranked []vote, total float64) {
	for _, key := range slices.Sorted(maps.Keys(i.votes)) {
		v := *i.votes[key]
		if v.kind == Route {
			if _, not := i.found[Found{What: NotLoad, Route: v.subject}]; not {
				v.weight *= notLoadOdds
			}
		}
		ranked = append(ranked, v)
		total += v.weight
	}
	sort.SliceStable(ranked, func(a, b int) bool { return ranked[a].weight > ranked[b].weight })
	return ranked, total
}

func (i *Isolator) mainCause() (cause string) {
	most := 0.0
	for _, c := range slices.Sorted(maps.Keys(i.cause)) {
		if i.cause[c] > most {
			cause, most = c, i.cause[c]
		}
	}
	return cause
}

// namedFrom is the part of the seconds of trouble that a route has to have had its part in to be named.
const namedFrom = 0.25

// wild is the deviation, in means, from which on a mean says little.
const wild = 1.5

// nameRoutes says which routes share the resource, and whether that is the whole upstream.
func (i *Isolator) nameRoutes(v *Verdict) {
	whole, traffic, named, weight := true, 0.0, 0.0, i.votes[string(Resource)+" "+v.Subject].weight
	sufferers, worst, latest := i.worst(v.Subject, weight)
	for _, name := range slices.Sorted(maps.Keys(i.routes)) {
		r := i.routes[name]
		if r.upstream != v.Subject {
			continue
		}
		traffic += r.now.offered
		switch {
		case r.innocent, !r.ever && (r.apart || sufferers >= 2), !r.failed && r.peak < kin*worst && r.later < kin*latest && !r.culprit, r.apart && r.suffered < 0.5*weight, r.fine > r.suffered+r.held && !r.culprit:
			whole = false
		case r.base.answered < baseNeeds:
			whole = false // nobody knows how it was
		case sufferers == 0 && !r.grown():
			whole = false // nobody has suffered, and it is only said to be in the same boat
		case !r.ever && r.base.deviation() > wild*r.base.mean():
			whole = false // its times scatter so much that its mean says nothing
		case r.culprit, r.suffered+r.held > namedFrom*weight:
			v.Routes = append(v.Routes, name)
			named += r.now.offered
		}
	}
	switch {
	case len(v.Routes) == 1:
		v.Kind, v.Subject = Route, v.Routes[0]
	case whole && named > 0.9*traffic && len(v.Routes) > 1:
		v.Kind = Upstream
	default:
		v.Subject = ""
	}
}

// worst counts the routes of an upstream that were seen to suffer, and gives the median of how much slower those were at their worst that have
// had their part in the trouble, in bases and in seconds; 0 with less than three, or if that was not evidently slower: then it tells nobody apart.
func (i *Isolator) worst(upstream string, weight float64) (sufferers int, median, latest float64) {
	var peaks, seconds []float64
	for _, r := range i.routes {
		if r.upstream != upstream {
			continue
		}
		if r.ever {
			sufferers++
		}
		if !r.failed && r.suffered+r.held > namedFrom*weight {
			peaks, seconds = append(peaks, r.peak), append(seconds, r.later)
		}
	}
	if len(peaks) < 3 {
		return sufferers, 0, 0
	}
	slices.Sort(peaks)
	slices.Sort(seconds)
	if median = peaks[len(peaks)/2]; median < slowFrom-1 {
		return sufferers, 0, 0
	}
	return sufferers, median, seconds[len(seconds)/2]
}

// grewAlone reports whether evidently more is asked of a route than before, and not of all others too.
func (i *Isolator) grewAlone(r *record) bool {
	asked, expected := 0.0, 0.0
	for _, other := range i.routes {
		if other != r && other.upstream == r.upstream && other.base.seconds > 0 {
			asked, expected = asked+other.now.offered, expected+other.base.rate()*other.now.seconds
		}
	}
	return r.grown() && (expected == 0 || r.now.rate()/r.base.rate() > grownBy*asked/expected)
}

// grown reports whether evidently more is asked of a route than before, by half at least.
func (r *record) grown() bool {
	for _, s := range []sums{r.now, r.since} {
		if r.base.seconds > 0 && s.offered-r.base.rate()*s.seconds*grownBy > evident*math.Sqrt(s.offered+1) {
			return true
		}
	}
	return false
}

// accuse looks for a change that went live just before.
func (i *Isolator) accuse(v *Verdict) {
	if v.Kind == Client || v.Kind == Proxy || v.Kind == None || i.grown(v.Routes) {
		return
	}
	for _, c := range slices.Backward(i.changes) {
		before := i.onset - c.At
		if before < -time.Second || before > changeWithin || !overlaps(c.Routes, v.Routes) {
			continue
		}
		what := v.Kind
		v.For = append(v.For, fmt.Sprintf("%s went live %.0f s before the trouble began, and concerns it (%s)", c.What, math.Max(before.Seconds(), 0), what))
		v.Kind, v.Subject = Change, c.What
		v.Confidence *= math.Exp2(-math.Max(before.Seconds(), 0) / (4 * changeWithin.Seconds()))
		return
	}
}

// grown reports whether the load of the upstreams that the routes belong to explains the trouble: some route's grew by half since all was well, or
// nobody knows what it was.
func (i *Isolator) grown(routes []string) bool {
	upstreams := map[string]bool{}
	for _, name := range routes {
		if r := i.routes[name]; r != nil {
			upstreams[r.upstream] = true
		}
	}
	for _, r := range i.routes {
		if len(upstreams) > 0 && !upstreams[r.upstream] {
			continue
		}
		if r.base.seconds == 0 || r.grown() {
			return true
		}
	}
	return false
}

// overlaps reports whether a change of these routes concerns those that suffer. None stands for all.
func overlaps(changed, suffering []string) bool {
	if len(changed) == 0 || len(suffering) == 0 {
		return true
	}
	return slices.ContainsFunc(suffering, func(r string) bool { return slices.Contains(changed, r) })
}

func round(x float64) float64 { return math.Round(x*100) / 100 }
