// Package page answers one question: how do a bench's results look to people?
//
// It makes one HTML file, without scripts, fonts or anything else from elsewhere, for light and dark, wide and narrow screens; and one
// Markdown file with the same tables. Both are functions of a document (package sim) and of the explanations of what is missed: whoever has
// the JSON can make the page again. Nothing is reckoned here but sums and shares of what the document says.
package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"triage/bench/sim"
)

//go:embed page.html
var text string

var page = template.Must(template.New("page").Parse(text))

// own is the policy that the page is about, if it is among those that were run.
const own = "law"

// view is what the template sees.
type view struct {
	sim.Document
	Own    string
	Score  []score
	Peers  []string
	Bars   []barRow
	Charts []chart
	Tables []table
	Heads  []head
	// Missed counts what the median seed misses: Said has the explained part of it, Unsaid the rest, by episode. ByWorst is what only the
	// worst seed misses.
	Missed, NotSaid int
	Said            []missRow
	Unsaid          []unsaid
	ByWorst         []missRow
	Stale           []string
}

// WriteHTML writes the page.
func WriteHTML(to io.Writer, d sim.Document, explanations []sim.Explanation) error {
	if err := page.Execute(to, newView(d, explanations)); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

func newView(d sim.Document, explanations []sim.Explanation) view {
	v := view{Document: d, Own: ownPolicy(d), Heads: heads()}
	v.Score = scores(d, v.Own)
	for _, s := range v.Score {
		if s.Policy != v.Own {
			v.Peers = append(v.Peers, s.Policy)
		}
	}
	v.Bars = bars(d, v.Own)
	v.Charts = charts(d, v.Own)
	v.Tables = tables(d, v.Own)
	misses, stale := sim.Misses(d.Records, v.Own, explanations)
	v.Stale = stale
	for _, m := range misses {
		v.miss(m)
	}
	return v
}

// unsaid are an episode's misses that nobody has explained.
type unsaid struct {
	Episode string
	Misses  []missRow
}

func (v *view) miss(m sim.Miss) {
	row := newMissRow(m)
	if !m.ByMedian {
		v.ByWorst = append(v.ByWorst, row)
		return
	}
	v.Missed++
	if m.Explanation != nil {
		v.Said = append(v.Said, row)
		return
	}
	v.NotSaid++
	if n := len(v.Unsaid); n == 0 || v.Unsaid[n-1].Episode != row.Episode {
		v.Unsaid = append(v.Unsaid, unsaid{Episode: row.Episode})
	}
	last := &v.Unsaid[len(v.Unsaid)-1]
	last.Misses = append(last.Misses, row)
}

func ownPolicy(d sim.Document) string {
	first := ""
	for _, r := range d.Records {
		if r.Policy == own {
			return own
		}
		if first == "" {
			first = r.Policy
		}
	}
	return first
}

// missRow is a goal that is missed.
type missRow struct{ Episode, Measure, Median, Worst, Goal, Why, Bound string }

func newMissRow(m sim.Miss) missRow {
	row := missRow{Episode: m.Episode, Measure: m.Measure.Name, Median: m.Measure.Text(m.Median), Worst: m.Measure.Text(m.Worst), Goal: goal(m.Measure)}
	if m.Explanation != nil {
		row.Why, row.Bound = strings.TrimSpace(m.Explanation.Why), strings.TrimSpace(m.Explanation.Bound)
	}
	return row
}

// goal is a measure's goal for people.
func goal(m sim.Measure) string {
	sign := "≤"
	if m.AtLeast {
		sign = "≥"
	}
	return strings.TrimSpace(fmt.Sprintf("%s %g %s", sign, m.Goal, strings.TrimPrefix(m.Unit, "n")))
}

// ofPolicy gives a policy's records by episode.
func ofPolicy(d sim.Document, policy string) map[string]*sim.Record {
	out := map[string]*sim.Record{}
	for i := range d.Records {
		if d.Records[i].Policy == policy {
			out[d.Records[i].Episode] = &d.Records[i]
		}
	}
	return out
}

// measureIndex is the place of a measure in Values.
func measureIndex(name string) int {
	for i, m := range sim.Measures() {
		if m.Name == name {
			return i
		}
	}
	return -1
}

// share is a value as a part of width, between nothing and all of it.
func share(v, width float64) int {
	if math.IsNaN(v) {
		return 0
	}
	return int(math.Round(math.Min(math.Max(v, 0), 1) * width))
}
