package incident

import (
	"fmt"
	"math"
	"time"
)

// Rules are the numbers of the machine. The zero value of each is its default.
type Rules struct {
	// ResolveAfter is how long all has to be well. 0: 10 min.
	ResolveAfter time.Duration
	// Hold is how long the protected routes have to be well before an incident counts as mitigated. 0: 10 s.
	Hold time.Duration
	// RelapseAfter is how long they have to be unwell again. 0: 3 s.
	RelapseAfter time.Duration
	// ReopenWithin is how long after its end trouble is still the same incident. 0: 30 min.
	ReopenWithin time.Duration
}

func (r Rules) withDefaults() Rules {
	for value, usual := range map[*time.Duration]time.Duration{&r.ResolveAfter: 10 * time.Minute, &r.Hold: 10 * time.Second, &r.RelapseAfter: 3 * time.Second, &r.ReopenWithin: 30 * time.Minute} {
		if *value == 0 {
			*value = usual
		}
	}
	return r
}

// Signals are what the machine goes by.
type Signals struct {
	// Title names the first trouble in a few words that stay true when it is over; "" leaves that to Acting and Unwell.
	Title string
	// Acting is what protection gives up at the moment, a sentence each.
	Acting []string
	// Unwell is what is not at its baseline of the protected routes, a sentence each.
	Unwell []string
	// Traffic is that of the protected routes, in requests a second.
	Traffic float64
	// Levers are what people have set by hand and not taken back.
	Levers []string
}

const (
	// longestStep is what a gap between two looks counts for at most.
	longestStep = 2 * time.Second
	// trafficNeeded is the part of the baseline's traffic that proves something. Traffic scatters, so it is not the whole.
	trafficNeeded = 0.9
	// trafficOver is the time over which traffic is averaged.
	trafficOver = 10 * time.Second
	// usualOver is the time over which the traffic of a quiet time is averaged.
	usualOver = 2 * time.Minute
)

// machine decides in which state an incident is. It is a value: next gives the one that follows.
type machine struct {
	state State
	began bool
	last  time.Duration
	since time.Duration // of the state

	well, quiet, unwell time.Duration // for how long the protected routes have been well, and nothing given up; or they have been unwell
	watched             time.Duration // the time that counts for the end
	traffic, usual      float64       // requests a second: smoothed, and of quiet times
	baseline            float64       // usual, when it began
	signals             Signals
}

// next takes in what is seen at an instant. why is "" while the state stays.
func (m machine) next(now time.Duration, s Signals, r Rules) (_ machine, why string) {
	step := min(max(now-m.last, 0), longestStep)
	if !m.began {
		m.began, step, m.traffic, m.usual = true, 0, s.Traffic, s.Traffic
		if m.state == "" {
			m.state = Quiet
		}
	}
	m.last, m.signals = now, s
	m.traffic = smooth(m.traffic, s.Traffic, step, trafficOver)
	m.count(step)
	if m.state == Quiet && len(s.Acting) == 0 && len(s.Unwell) == 0 {
		m.usual = smooth(m.usual, s.Traffic, step, usualOver)
	}
	to, why := m.judge(now, r)
	if to == m.state {
		return m, ""
	}
	return m.enter(now, to), why
}

func smooth(old, x float64, step, over time.Duration) float64 {
	w := min(step.Seconds()/over.Seconds(), 1)
	return old + w*(x-old)
}

// count adds the step to what it belongs to.
func (m *machine) count(step time.Duration) {
	if len(m.signals.Unwell) > 0 {
		m.unwell, m.well, m.quiet = m.unwell+step, 0, 0
	} else {
		m.unwell, m.well = 0, m.well+step
		m.quiet += step
	}
	if len(m.signals.Acting) > 0 {
		m.quiet = 0
	}
	if m.state == Watching && m.quiet > 0 && m.enoughTraffic() {
		m.watched += step
	}
}

func (m machine) enoughTraffic() bool { return m.traffic >= trafficNeeded*m.baseline }

// judge says which state it should be, and why.
func (m machine) judge(now time.Duration, r Rules) (to State, why string) {
	acts, ill := len(m.signals.Acting) > 0, m.unwell >= r.RelapseAfter
	switch m.state {
	case Quiet:
		if acts || ill {
			return Open, first(m.signals.Acting, m.signals.Unwell)
		}
	case Resolved:
		switch {
		case now-m.since > r.ReopenWithin:
			return Quiet, ""
		case acts || ill:
			return Open, "it came back: " + first(m.signals.Acting, m.signals.Unwell)
		}
	case Open:
		switch {
		case m.quiet >= r.Hold:
			return Watching, "the protected routes are at their baseline and nothing is given up"
		case m.well >= r.Hold && acts:
			return Mitigated, "the protected routes are at their baseline, while " + first(m.signals.Acting)
		}
	case Mitigated, Watching:
		switch {
		case ill:
			return Open, "it relapsed: " + first(m.signals.Unwell)
		case m.state == Mitigated && m.quiet >= r.Hold:
			return Watching, "nothing is given up any more"
		case m.state == Watching && acts:
			return Mitigated, first(m.signals.Acting)
		case len(m.missing(r)) == 0:
			return Resolved, fmt.Sprintf("at its baseline for %v, with the usual traffic and nothing set by hand", r.ResolveAfter)
		}
	}
	return m.state, ""
}

func first(lists ...[]string) string {
	for _, l := range lists {
		if len(l) > 0 {
			return l[0]
		}
	}
	return ""
}

// enter moves to a state.
func (m machine) enter(now time.Duration, to State) machine {
	if to == Open {
		m.watched, m.well, m.quiet = 0, 0, 0
		if m.state == Quiet {
			m.baseline = m.usual
		}
	}
	if to == Mitigated {
		m.watched = 0
	}
	m.state, m.since = to, now
	return m
}

// spoken is a duration as one says it: 40 s, 9 min 40 s, 10 min.
func spoken(d time.Duration) string {
	s := int(math.Ceil(d.Seconds()))
	switch {
	case s < 100:
		return fmt.Sprintf("%d s", s)
	case s%60 == 0:
		return fmt.Sprintf("%d min", s/60)
	}
	return fmt.Sprintf("%d min %d s", s/60, s%60)
}

// missing says what is missing for the end; nothing while there is no incident.
func (m machine) missing(r Rules) (missing []string) {
	if m.state == Quiet || m.state == Resolved {
		return nil
	}
	missing = append(missing, m.signals.Unwell...)
	missing = append(missing, m.signals.Acting...)
	for _, l := range m.signals.Levers {
		missing = append(missing, "set by hand and not taken back: "+l)
	}
	if left := r.ResolveAfter - m.watched; left > 0 {
		line := spoken(left) + " more at the baseline with nothing given up"
		if !m.enoughTraffic() {
			line += fmt.Sprintf(", and %.3g requests a second of protected routes at least (now %.3g)", trafficNeeded*m.baseline, m.traffic)
		}
		missing = append(missing, line)
	}
	return missing
}
