package page

import (
	"math"
	"strings"

	"triage/bench/sim"
)

// table has every goal of one policy, episode by episode.
type table struct {
	Policy, Doc string
	Own         bool
	Rows        []tableRow
}

type tableRow struct {
	Episode string
	Cells   []cell
}

// cell is a measure in an episode. Mark says which of the two misses the goal: "", "worst" or "median", and then the worst too.
type cell struct{ Median, Worst, Mark string }

// head is a column.
type head struct{ Name, Goal, Doc string }

func heads() (all []head) {
	for _, m := range sim.Measures() {
		all = append(all, head{strings.ReplaceAll(m.Name, "_", " "), goal(m), m.Doc})
	}
	return all
}

// tables begin with the own policy's.
func tables(d sim.Document, own string) (all []table) {
	for _, p := range d.Policies {
		t := table{Policy: p.Name, Doc: p.Doc, Own: p.Name == own}
		byEpisode := ofPolicy(d, p.Name)
		for _, e := range d.Episodes {
			if r := byEpisode[e.Name]; r != nil {
				t.Rows = append(t.Rows, tableRow{e.Name, cells(*r)})
			}
		}
		if t.Own {
			all = append([]table{t}, all...)
		} else {
			all = append(all, t)
		}
	}
	return all
}

func cells(r sim.Record) (out []cell) {
	for i, m := range sim.Measures() {
		c := cell{}
		if !math.IsNaN(r.Worst[i]) {
			c.Median, c.Worst = m.Text(r.Median[i]), m.Text(r.Worst[i])
		}
		switch {
		case !m.Met(r.Median[i]):
			c.Mark = "median"
		case !m.Met(r.Worst[i]):
			c.Mark = "worst"
		}
		out = append(out, c)
	}
	return out
}
