package main

import "triage/proxy/incident"

// compare says what protection was for: what the record estimates, beside the twin.
func (d *incidentDemo) compare(i incident.Incident) {
	var offered, served uint64
	for _, c := range d.alone.Snapshot().Classes {
		if c.Class != "critical" {
			continue
		}
		for _, p := range c.Phases[1:] { // since the crowd came
			offered, served = offered+p.Offered, served+p.Served
		}
	}
	d.report.Twin = float64(served) / float64(max(offered, 1))
	if p := i.Impact.Protected; p != nil && p.Known {
		d.report.Estimated = p.Likely
	}
	d.say("severity: SEV%d. %s", i.Severity, i.Impact.Protected.Sentence())
	d.say("the twin without Triage served %.1f %% of its %d checkouts", 100*d.report.Twin, offered)
}
