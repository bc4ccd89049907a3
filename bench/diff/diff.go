package diff

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"triage/bench/record"
)

// Verdict is what can be said of a difference.
type Verdict string

// The verdicts.
const (
	Same    Verdict = "same"              // not any
	Changed Verdict = "changed"           // more than noise, and more than the margin
	Noise   Verdict = "noise"             // tested, and no more than chance or the margin allow
	Beyond  Verdict = "beyond the margin" // too few runs to know noise; the harness says that it differs less from itself
	Within  Verdict = "within the margin" // too few runs to know noise
	Unknown Verdict = "unknown"           // too few runs to know noise, and the harness says nothing of itself
)

// Diff is two records beside each other.
type Diff struct {
	// Notes are what a reader has to know first: other versions, other machines, what is in one of them only.
	Notes []string `json:"notes"`
	Lines []Line   `json:"lines"`
	// Tested is how many differences could be tested; Chance is how many of them would fall below 5 % if nothing had changed.
	Tested int     `json:"tested"`
	Chance float64 `json:"by_chance"`
}

// Line is one measure of one peer in one scenario.
type Line struct {
	Scenario string `json:"scenario"`
	Peer     string `json:"peer"`
	Measure  string `json:"measure"`
	Unit     string `json:"unit,omitempty"`
	A        Side   `json:"a"`
	B        Side   `json:"b"`
	// Difference is the mean over scenarios of mean B less mean A.
	Difference record.Number `json:"difference"`
	Margin     float64       `json:"margin,omitempty"`
	// P is the share of chance; missing if there were too few runs to test.
	P       record.Number `json:"p"`
	Verdict Verdict       `json:"verdict"`
	// Better says of a change whether it is one for the better; nil: nobody knows which way is better.
	Better *bool `json:"better,omitempty"`
}

// Side is a measure's values in one record.
type Side struct {
	Runs   int           `json:"runs"`
	Median record.Number `json:"median"`
	Least  record.Number `json:"least"`
	Most   record.Number `json:"most"`
}

// New compares two records. That nothing in them can be compared is an error.
func New(a, b record.Record) (d Diff, err error) {
	pairs, notes := match(a, b)
	if len(pairs) == 0 {
		return d, incomparable(a, b)
	}
	d.Notes = append(circumstances(a, b), notes...)
	for _, group := range grouped(pairs) {
		for _, peer := range commonPeers(a, b) {
			d.peer(a, b, group, peer)
		}
	}
	if len(d.Lines) == 0 {
		return d, fmt.Errorf("nothing can be compared: no peer has valid runs in both records; A has %s, B has %s", peersOf(a), peersOf(b))
	}
	for _, l := range d.Lines {
		if l.P.There() {
			d.Tested++
		}
	}
	d.Chance = alpha * float64(d.Tested)
	return d, nil
}

// pair is a scenario's places in both records.
type pair struct {
	name string
	a, b int
}

// match finds the scenarios that both have.
func match(a, b record.Record) (pairs []pair, notes []string) {
	used := map[int]bool{}
	for i, s := range a.Scenarios {
		k := slices.IndexFunc(b.Scenarios, func(o record.Scenario) bool { return sameScenario(s, o) })
		if k < 0 {
			notes = append(notes, fmt.Sprintf("only A has %s", title(s)))
			continue
		}
		used[k] = true
		pairs = append(pairs, pair{strings.TrimSpace(s.Name + " " + s.Draw), i, k})
	}
	for k, s := range b.Scenarios {
		if !used[k] {
			notes = append(notes, fmt.Sprintf("only B has %s", title(s)))
		}
	}
	return pairs, notes
}

func sameScenario(s, o record.Scenario) bool {
	return s.Name == o.Name && s.Draw == o.Draw && s.Seed == o.Seed && s.Dice == o.Dice && slices.Equal(s.Phases, o.Phases) && sameNumbers(s.Numbers, o.Numbers)
}

func sameNumbers(a, b map[string]float64) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		if w, there := b[name]; !there || math.Abs(v-w) > 1e-9*math.Abs(v) {
			return false
		}
	}
	return true
}

func title(s record.Scenario) string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s seed %d", s.Name, s.Draw, s.Seed)), " ")
}

// incomparable says why two records have no scenario in common.
func incomparable(a, b record.Record) error {
	var why []error
	for _, s := range a.Scenarios {
		for _, o := range b.Scenarios {
			switch {
			case s.Name != o.Name:
			case s.Draw != o.Draw || s.Seed != o.Seed || s.Dice != o.Dice:
				why = append(why, fmt.Errorf("%s in A is another draw than %s in B: want the same --draw and seeds", title(s), title(o)))
			default:
				why = append(why, fmt.Errorf("%s has other phases or sizes in B: want the same --scale and --duration", title(s)))
			}
		}
	}
	names := func(r record.Record) string {
		var all []string
		for _, s := range r.Scenarios {
			all = append(all, title(s))
		}
		return strings.Join(all, ", ")
	}
	if why == nil {
		why = append(why, fmt.Errorf("in A is %s; in B is %s", names(a), names(b)))
	}
	return fmt.Errorf("nothing can be compared: no scenario is in both records: %w", errors.Join(why...))
}

// circumstances are what may be the cause of a difference.
func circumstances(a, b record.Record) (notes []string) {
	if a.Triage != b.Triage {
		notes = append(notes, fmt.Sprintf("A is of triage %s (%s, %s), B of %s (%s, %s)", a.Triage.Version, a.Triage.Commit, a.Triage.Go, b.Triage.Version, b.Triage.Commit, b.Triage.Go))
	}
	if a.Machine != b.Machine {
		notes = append(notes, "they were measured on different machines: a difference may be the machine's")
	}
	for _, side := range []struct {
		name string
		of   record.Record
	}{{"A", a}, {"B", b}} {
		invalid := 0
		for _, t := range side.of.Runs {
			if !t.Harness.Valid {
				invalid++
			}
		}
		if invalid > 0 {
			notes = append(notes, fmt.Sprintf("%d of %d runs of %s do not count: the machine was measured in them", invalid, len(side.of.Runs), side.name))
		}
	}
	return notes
}

// grouped puts the seeds of one scenario together.
func grouped(pairs []pair) (groups [][]pair) {
	for _, p := range pairs {
		i := slices.IndexFunc(groups, func(g []pair) bool { return g[0].name == p.name })
		if i < 0 {
			groups = append(groups, []pair{p})
			continue
		}
		groups[i] = append(groups[i], p)
	}
	return groups
}

func commonPeers(a, b record.Record) (both []record.Peer) {
	for _, p := range a.Peers {
		if slices.ContainsFunc(b.Peers, func(o record.Peer) bool { return o.Name == p.Name && o.Tuned == p.Tuned && o.Simulated == p.Simulated }) {
			both = append(both, p)
		}
	}
	return both
}

func peersOf(r record.Record) string {
	var names []string
	for _, p := range r.Peers {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}
