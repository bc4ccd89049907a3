package plot

import (
	"fmt"
	"slices"
	"strings"

	"triage/bench/record"
)

// tableView is a section's table: the columns that a reader wants first, or all.
type tableView struct {
	Section
	All     bool
	Caption string
}

// View is for the page.
func (s Section) View(all bool) tableView {
	if all {
		return tableView{s, true, "every measure"}
	}
	return tableView{s, false, "peers side by side"}
}

// HasMore reports whether there are columns that are not wanted first.
func (s Section) HasMore() bool {
	return slices.ContainsFunc(s.Columns, func(c Column) bool { return !c.Main })
}

// Where says on which runs a row rests; "" if on none.
func (r Row) Where() string {
	for _, c := range r.Cells {
		if runs, _, there := strings.Cut(c.From, "]."); there {
			return runs + "]"
		}
	}
	return ""
}

// Timed reports whether something on the page has a course over time.
func (p Page) Timed() bool {
	return slices.ContainsFunc(p.groups, group.hasCourse)
}

// harnessRow is what the measuring side says of one run.
type harnessRow struct {
	record.Harness
	Place, Of, Cut string
}

// Harness has a row for each run in real time.
func (p Page) Harness() (all []harnessRow) {
	for i, s := range p.sources {
		for k, t := range s.Runs {
			scenario, peer := s.Scenarios[t.Scenario], s.Peers[t.Peer]
			if peer.Simulated {
				continue
			}
			of := fmt.Sprintf("%s, %s, seed %d, round %d", peer.Name, scenario.Name, scenario.Seed, t.Round)
			all = append(all, harnessRow{t.Harness, fmt.Sprintf("R%d: runs[%d]", i+1, k), of, t.Cut})
		}
	}
	return all
}
