package verdict

import (
	"math"
	"slices"
	"time"
)

const (
	// newest is how many seconds are compared with the base.
	newest = 3
	// baseHalf and voteHalf are the half-lives, in seconds.
	baseHalf = 120.0
	voteHalf = 30.0
	// calmEnds is how many seconds without trouble end what votes were for.
	calmEnds = 5
	// changeWithin is how long before the trouble a change may have gone live to be accused.
	changeWithin = time.Minute
	// changesKept bounds the ledger.
	changesKept = 32
)

// Isolator finds out where a failure is. The zero value is ready; it is not safe for concurrent use.
type Isolator struct {
	routes    map[string]*record
	endpoints map[string]*record
	seconds   []Second // the newest, and one more
	changes   []ChangeSeen

	trouble bool
	onset   time.Duration
	calm    int
	votes   map[string]*vote
	// found are the newest sentences about each finding and route.
	found map[Found]string
	cause map[string]float64
}

// record is what is known of a route or of an endpoint.
type record struct {
	name, upstream string
	base, now      sums
	ring           []sums
	// suffered, held and fine count seconds of the present trouble, fading like votes; ever is set once it has suffered,
	// apart once it was well, or nearly, while its group suffered.
	suffered, held, fine float64
	ever, apart          bool
	// peak is by what part of its base it was slower in its worst second, at least, and later by how many seconds; failed is set once it
	// failed, crowded once it was refused for want of room.
	peak, later       float64
	failed, crowded   bool
	innocent, culprit bool
	// since is what happened since the trouble began.
	since       sums
	unreachable []float64
	shut        bool
	seen        time.Duration
}

// vote is the weight of one place.
type vote struct {
	kind    Kind
	subject string
	weight  float64
	reason  string
}

// Look takes one second in.
func (i *Isolator) Look(s Second) {
	if i.routes == nil {
		i.routes, i.endpoints, i.votes = map[string]*record{}, map[string]*record{}, map[string]*vote{}
		i.found, i.cause = map[Found]string{}, map[string]float64{}
	}
	i.changes = append(i.changes, s.Changes...)
	i.changes = i.changes[max(0, len(i.changes)-changesKept):]
	i.seconds = append(i.seconds, s)
	i.seconds = i.seconds[max(0, len(i.seconds)-newest-1):]
	for _, r := range s.Routes {
		i.take(i.routes, r.Name, r.Upstream, r.sums(s.Lasted), s.At).shut = r.Shut
	}
	for _, e := range s.Endpoints {
		rec := i.take(i.endpoints, e.Upstream+" "+e.Name, e.Upstream, e.sums(s.Lasted), s.At)
		rec.shut = e.Shut
		rec.unreachable = append(rec.unreachable, float64(e.Unreachable))
		rec.unreachable = rec.unreachable[max(0, len(rec.unreachable)-newest):]
	}
	i.forget(s.At)
	i.judge(s)
}

// take files one second of a route or an endpoint.
func (i *Isolator) take(table map[string]*record, name, upstream string, s sums, at time.Duration) *record {
	r := table[name]
	if r == nil {
		r = &record{name: name}
		table[name] = r
	}
	r.upstream, r.seen = upstream, at
	r.ring = append(r.ring, s)
	if len(r.ring) > newest {
		// Who has no base yet learns it in the calm seconds of a trouble that comes and goes.
		if !i.trouble || r.base.answered < baseNeeds && quiet(i.seconds[0]) {
			r.base.fade(math.Exp2(-1 / baseHalf))
			r.base.add(r.ring[0])
		}
		r.ring = slices.Delete(r.ring, 0, 1)
	}
	if i.trouble {
		r.since.add(s)
	}
	r.now = sums{}
	for _, one := range r.ring {
		r.now.add(one)
	}
	return r
}

// quiet reports whether a second had nothing that Triage kept out.
func quiet(s Second) bool {
	return len(s.Groups) == 0 && !slices.ContainsFunc(s.Routes, func(r RouteSeen) bool { return r.Refused > 0 || r.Shut })
}

// forget drops who has not been told of for an hour: a reload took it away.
func (i *Isolator) forget(now time.Duration) {
	for _, table := range []map[string]*record{i.routes, i.endpoints} {
		for name, r := range table {
			if now-r.seen > time.Hour {
				delete(table, name)
			}
		}
	}
}

// judge casts the second's votes.
func (i *Isolator) judge(s Second) {
	places := i.places(s)
	for _, f := range s.Found {
		i.hear(f)
	}
	if len(places) == 0 {
		if i.calm++; i.trouble && i.calm >= calmEnds {
			i.clear()
		}
		return
	}
	if i.calm = 0; !i.trouble {
		i.trouble, i.onset = true, s.At-s.Lasted
		for _, r := range i.routes {
			r.since = r.newest()
		}
	}
	fade := math.Exp2(-1 / voteHalf)
	for _, v := range i.votes {
		v.weight *= fade
	}
	for c := range i.cause {
		i.cause[c] *= fade
	}
	for _, p := range places {
		key := string(p.kind) + " " + p.subject
		if i.votes[key] == nil {
			i.votes[key] = &vote{kind: p.kind, subject: p.subject}
		}
		i.votes[key].weight += p.weight
		i.votes[key].reason = p.reason
	}
}

// clear ends what votes were for. What was learned of calm times stays.
func (i *Isolator) clear() {
	i.trouble = false
	clear(i.votes)
	clear(i.found)
	clear(i.cause)
	for _, r := range i.routes {
		r.suffered, r.held, r.fine, r.innocent, r.culprit = 0, 0, 0, false, false
		r.ever, r.apart, r.failed, r.crowded, r.peak, r.later = false, false, false, false, 0, 0
	}
}

// Trouble reports whether something is wrong at the moment, and since when.
func (i *Isolator) Trouble() (since time.Duration, is bool) { return i.onset, i.trouble }

// findingsKept bounds what is remembered of interventions in one trouble.
const findingsKept = 64

// hear takes in what an intervention has shown.
func (i *Isolator) hear(f Found) {
	key := Found{What: f.What, Route: f.Route}
	if _, known := i.found[key]; known || len(i.found) < findingsKept {
		i.found[key] = f.Text
	}
	r := i.routes[f.Route]
	if r == nil {
		return
	}
	switch f.What {
	case Innocent:
		r.innocent = true
	case Shares:
		r.innocent = false
	case Culprit:
		r.culprit, r.innocent = true, false
	case NoCulprit:
		r.culprit = false
	}
}

// Went tells of a change outside a Second.
func (i *Isolator) Went(at time.Duration, what string, routes []string) {
	i.changes = append(i.changes, ChangeSeen{at, what, slices.Clone(routes)})
	i.changes = i.changes[max(0, len(i.changes)-changesKept):]
}
