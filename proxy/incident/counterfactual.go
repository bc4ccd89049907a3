package incident

import (
	"fmt"

	"triage/proxy/incident/without"
)

// Protected is what the routes of the most important class got, with protection and, as far as that can be estimated, without.
type Protected struct {
	Offered float64 `json:"offered"`
	Served  float64 `json:"served"`
	// Without is what would have been served without protection, From and To its share with the margin; Known is false if it cannot be said.
	Without without.Range `json:"without"`
	From    float64       `json:"without_share_from"`
	To      float64       `json:"without_share_to"`
	Known   bool          `json:"known"`
}

// protectedBy sums the protected routes up.
func protectedBy(classes map[string]int, routes map[string]without.Route) *Protected {
	p := Protected{Known: true}
	for name, r := range routes {
		if class, known := classes[name]; !known || class != 0 {
			continue
		}
		p.Offered, p.Served, p.Known = p.Offered+r.Offered, p.Served+r.Served, p.Known && r.Known
		p.Without = without.Range{Low: p.Without.Low + r.Without.Low, Likely: p.Without.Likely + r.Without.Likely, High: p.Without.High + r.Without.High}
	}
	if p.Offered == 0 {
		return nil
	}
	likely := p.Without.Likely / p.Offered
	p.From = max(min(likely-without.Margin, p.Without.Low/p.Offered), 0)
	p.To = min(max(likely+without.Margin, p.Without.High/p.Offered), 1)
	return &p
}

// Sentence says it for people; "" if nothing has been estimated.
func (p *Protected) Sentence() string {
	switch {
	case p == nil:
		return ""
	case !p.Known:
		return "What would have happened without protection is not known: this process had not seen these routes well before."
	}
	return fmt.Sprintf("Of %.0f protected requests %s were served. Without protection it would have been about %s (%s to %s; an estimate).",
		p.Offered, percent(p.Served/p.Offered), percent(p.Without.Likely/p.Offered), percent(p.From), percent(p.To))
}
