package incident

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// The severities: how much users feel of it. It is computed, and only ever rises.
const (
	Sev1 = 1 // the most important class is not at its baseline
	Sev2 = 2 // the second class loses at least noticed of its requests, or people's levers hold the first
	Sev3 = 3 // something loses requests
	Sev4 = 4 // nobody has felt anything
)

// noticed is the share of a class's requests whose loss counts.
const noticed = 0.01

// severity rates what is seen: what people have done by hand, and what the classes lost since the incident began, the most important first.
func severity(s Signals, ill bool, lost []Counts) (level int, why string) {
	if ill && len(s.Unwell) > 0 {
		return Sev1, s.Unwell[0]
	}
	part := func(c Counts) float64 { return 1 - c.Share() }
	for class, c := range lost {
		switch {
		case class == 0 && part(c) >= noticed:
			return Sev1, fmt.Sprintf("%s of the most important class's requests were not served", percent(part(c)))
		case class == 1 && part(c) >= noticed:
			return Sev2, fmt.Sprintf("%s of the second class's requests were not served", percent(part(c)))
		}
	}
	if len(s.Levers) > 0 && len(s.Acting) > 0 {
		return Sev2, "it is held by hand: " + s.Levers[0]
	}
	for _, c := range lost {
		if c.Share() < 1 {
			return Sev3, "only less important classes lose requests"
		}
	}
	return Sev4, "nobody has lost a request"
}

// rateLocked writes the severity down when it has risen.
func (b *Book) rateLocked(i *Incident, now time.Time, classes map[string]int) {
	level, why := severity(b.machine.signals, b.machine.unwell >= b.settings.Rules.RelapseAfter, lostBy(classes, b.impact(0).Routes))
	if i.Severity != 0 && level >= i.Severity {
		return
	}
	from := ""
	if i.Severity != 0 {
		from = fmt.Sprintf("SEV%d", i.Severity)
	}
	b.writeLocked(i, Entry{Time: now, Kind: Rated, From: from, To: fmt.Sprintf("SEV%d", level), Reason: why, Numbers: map[string]float64{"severity": float64(level)}})
}

// lostBy sums routes up by class.
func lostBy(classes map[string]int, routes map[string]Counts) []Counts {
	if len(classes) == 0 {
		return nil
	}
	out := make([]Counts, slices.Max(slices.Collect(maps.Values(classes)))+1)
	for name, c := range routes {
		if class, known := classes[name]; known && class >= 0 {
			out[class] = out[class].plus(c)
		}
	}
	return out
}
