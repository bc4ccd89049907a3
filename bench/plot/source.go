package plot

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"triage/bench/record"
)

// Source is a record and where it is from.
type Source struct {
	// Name is the file's, without its folder: a page tells nothing of the machine it was made on.
	Name   string
	Digest string
	record.Record
}

// Open reads a source.
func Open(path string) (s Source, err error) {
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return s, fmt.Errorf("opening a record: %w", err)
	}
	s.Name, s.Digest = filepath.Base(path), fmt.Sprintf("%x", sha256.Sum256(text))[:16]
	s.Record, err = record.Read(path)
	return s, err
}

// group is the runs of one scenario, whatever seed has drawn it.
type group struct {
	name    string
	classes []string
	wrong   bool // some phase says that something is
	rows    []row
}

// row is one peer's runs of a group.
type row struct {
	source int
	peer   record.Peer
	runs   []run
}

// run is a trial with its place.
type run struct {
	index    int // in the record's runs
	scenario record.Scenario
	record.Trial
}

// groups sorts runs by scenario and peer, in the order in which the records name them.
func groups(sources []Source) (all []group) {
	for i, s := range sources {
		for k, t := range s.Runs {
			scenario := s.Scenarios[t.Scenario]
			g := find(&all, title(scenario))
			if g.classes == nil {
				g.classes = scenario.Classes
			}
			g.wrong = g.wrong || slices.ContainsFunc(scenario.Phases, wrong)
			r := g.row(i, s.Peers[t.Peer])
			r.runs = append(r.runs, run{k, scenario, t})
		}
	}
	for i := range all {
		all[i].addAbsent(sources)
	}
	return all
}

func title(s record.Scenario) string {
	if s.Draw == "" {
		return s.Name
	}
	return s.Name + ", " + s.Draw + " draw"
}

func find(all *[]group, name string) *group {
	i := slices.IndexFunc(*all, func(g group) bool { return g.name == name })
	if i < 0 {
		*all = append(*all, group{name: name})
		i = len(*all) - 1
	}
	return &(*all)[i]
}

func (g *group) row(source int, p record.Peer) *row {
	i := slices.IndexFunc(g.rows, func(r row) bool { return r.source == source && r.peer.Name == p.Name && r.peer.Tuned == p.Tuned })
	if i < 0 {
		g.rows = append(g.rows, row{source: source, peer: p})
		i = len(g.rows) - 1
	}
	return &g.rows[i]
}

// addAbsent gives a row to those of a record's peers that were not measured, if the record has runs of this group.
func (g *group) addAbsent(sources []Source) {
	for i, s := range sources {
		if !slices.ContainsFunc(g.rows, func(r row) bool { return r.source == i }) {
			continue
		}
		for _, p := range s.Peers {
			if p.Absent != "" {
				g.row(i, p)
			}
		}
	}
}

// wrong reports whether something is, in a phase.
func wrong(p record.Phase) bool { return p.Is != "" && p.Is != "calm" }

// counts reports whether a second counts for shares: while something is wrong.
func (g group) counts(s record.Scenario, second int) bool {
	return !g.wrong || slices.ContainsFunc(s.Phases, func(p record.Phase) bool {
		middle := float64(second) + 0.5
		return wrong(p) && middle >= p.From && middle < p.To
	})
}

// valid are the runs that count: whole ones, in which the proxy was measured. If there are none, all of them, and the table says so.
func (r row) valid() []run {
	var valid []run
	for _, t := range r.runs {
		if t.counts() {
			valid = append(valid, t)
		}
	}
	if valid == nil {
		return r.runs
	}
	return valid
}

// counts reports whether a run is in medians.
func (t run) counts() bool { return t.Harness.Valid && t.Cut == "" }

// typical is the run of a seed whose first measure is the median; nil if there is none.
func (r row) typical(measures []record.Measure, seed int) *run {
	runs := slices.DeleteFunc(slices.Clone(r.valid()), func(t run) bool { return t.scenario.Seed != seed })
	if len(runs) == 0 {
		return nil
	}
	first := func(t run) float64 {
		for _, m := range measures {
			if v, there := t.Values[m.Name]; there && v.There() {
				return float64(v)
			}
		}
		return 0
	}
	slices.SortStableFunc(runs, func(a, b run) int { return cmp.Compare(first(a), first(b)) })
	return &runs[(len(runs)-1)/2]
}

// name is what a row is called.
func (r row) name(several bool) string {
	name := r.peer.Name
	if r.peer.Tuned && !strings.HasSuffix(name, "-tuned") {
		name += ", tuned by hand"
	}
	if several {
		name += fmt.Sprintf(" (R%d)", r.source+1)
	}
	return name
}

// from says on which field of which runs something rests.
func (r row) from(runs []run, field string) string {
	var places []string
	for _, t := range runs {
		places = append(places, fmt.Sprint(t.index))
	}
	return fmt.Sprintf("R%d: runs[%s].%s", r.source+1, strings.Join(places, ","), field)
}
