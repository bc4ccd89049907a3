package without

import (
	"slices"

	"triage/proxy/incident/verdict"
)

// join adds the routes that the queue is found to have: who was refused for want of room, and whoever is held with them.
func (q *queue) join(upstream string, s verdict.Second) {
	for _, r := range s.Routes {
		if r.Upstream != upstream {
			continue
		}
		held := r.Refused > 0 || slices.ContainsFunc(s.Groups, func(g []string) bool { return slices.Contains(g, r.Name) })
		if held && q.members == nil {
			q.members = map[string]bool{}
		}
		if held {
			q.members[r.Name] = true
		}
	}
}

// step moves the queue by a second, and says which share of what arrived in it would have been served, and whether that is known.
func (q *queue) step(e *Estimator, upstream string, s verdict.Second) (served Range, known bool) {
	arrived, done, service, refused, known := q.second(e, upstream, s)
	if len(q.members) == 0 || !known {
		return Range{0, 1}, known
	}
	seconds := max(s.Lasted.Seconds(), 1e-3)
	rate := done / seconds
	if refused > 0 {
		q.capacity = rate
	} else {
		q.capacity = max(q.capacity, rate)
	}
	if q.capacity <= 0 {
		return Range{}, true // nothing was done at all
	}
	patience := e.Patience[upstream]
	if patience == 0 {
		patience = usualPatience
	}
	room := max(patience.Seconds()-service, 0)
	before := q.work
	more := arrived - q.capacity*seconds
	q.work.Low = max(before.Low+more, 0)
	q.work.High = min(max(before.High+more, 0), q.capacity*patience.Seconds())
	served.Low = within(before.Low/q.capacity, q.work.Low/q.capacity, room)
	served.High = max(within(before.High/q.capacity, q.work.High/q.capacity, room), min(q.capacity*seconds/max(arrived, 1e-9), 1))
	served.High = max(served.High, served.Low)
	return served, true
}

// second sums a second up: work that arrived and was done, in seconds of service; the mean service of a request; what was refused for room.
func (q *queue) second(e *Estimator, upstream string, s verdict.Second) (arrived, done, service float64, refused int, known bool) {
	known = true
	offered := 0.0
	for _, r := range s.Routes {
		if r.Upstream != upstream || !q.members[r.Name] {
			continue
		}
		m := e.base[r.Name]
		if m.n < enough {
			known = known && r.Offered == 0
			continue
		}
		took := m.sum / m.n
		arrived += float64(r.Offered) * took
		done += float64(r.Answered) * took
		offered += float64(r.Offered)
		refused += r.Refused
	}
	return arrived, done, arrived / max(offered, 1), refused, known
}

// within is the part of a second, in which the wait goes evenly from one length to another, that it is at most room.
func within(from, to, room float64) float64 {
	low, high := min(from, to), max(from, to)
	switch {
	case high <= room:
		return 1
	case low >= room:
		return 0
	}
	return (room - low) / (high - low)
}
