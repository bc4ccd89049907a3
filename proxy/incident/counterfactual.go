package incident

import (
	"fmt"

	"triage/proxy/incident/without"
)

// Protected is what the routes of the most important class got, with protection and, as far as that can be estimated, without.
type Protected struct {
	without.Route
	// Likely is the share that would have been served without protection, between From and To; Known is false if it cannot be said.
	Likely float64 `json:"without_share"`
	From   float64 `json:"without_share_from"`
	To     float64 `json:"without_share_to"`
	Known  bool    `json:"known"`
}

// protectedBy sums the protected routes up, with what a process before this one knew; nil if it knew nothing.
func protectedBy(classes map[string]int, routes map[string]without.Route, before *Protected) *Protected {
	all := without.Route{Known: true}
	if before != nil {
		all = before.Route
	}
	for name, r := range routes {
		if class, known := classes[name]; known && class == 0 {
			all = all.Plus(r)
		}
	}
	if all.Offered == 0 {
		return nil
	}
	p := &Protected{Route: all}
	p.From, p.Likely, p.To, p.Known = all.Share()
	return p
}

// Sentence says it for people; "" if nothing has been estimated.
func (p *Protected) Sentence() string {
	if p == nil {
		return ""
	}
	with := fmt.Sprintf("Of %.0f protected requests %s were served.", p.Offered, percent(p.Served/p.Offered))
	if !p.Known {
		return with + " What would have happened without protection is not known."
	}
	return with + fmt.Sprintf(" Without protection it would have been about %s (%s to %s; an estimate).", percent(p.Likely), percent(p.From), percent(p.To))
}
