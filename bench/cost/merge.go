package cost

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"triage/bench/record"
)

// Merge adds to a record the cases of an earlier one whose parts were not measured now: a long measurement can be made in pieces.
// Cases of both are those of now.
func Merge(now, before record.Record) (record.Record, error) {
	if before.Kind != record.Cost {
		return now, fmt.Errorf("the record before is of bench %s: want one of bench %s, or another name", before.Kind, record.Cost)
	}
	if before.Machine != now.Machine {
		return now, fmt.Errorf("the record before is of another machine (%s, %d cores): want another name", before.Machine.CPU, before.Machine.Cores)
	}
	if before.Triage != now.Triage {
		return now, fmt.Errorf("the record before is of Triage %s, this is %s: want another name", before.Triage.Commit, now.Triage.Commit)
	}
	measured := parts(now)
	merged := now
	merged.Peers, merged.Scenarios, merged.Runs = slices.Clone(now.Peers), slices.Clone(now.Scenarios), slices.Clone(now.Runs)
	scenarios, added := map[int]int{}, false
	for i, s := range before.Scenarios {
		if part, _ := partOf(s.Name); !slices.Contains(measured, part) {
			scenarios[i] = len(merged.Scenarios)
			merged.Scenarios = append(merged.Scenarios, s)
		}
	}
	for _, t := range before.Runs {
		to, ok := scenarios[t.Scenario]
		if !ok {
			continue
		}
		added = true
		peer := before.Peers[t.Peer]
		i := slices.IndexFunc(merged.Peers, func(p record.Peer) bool { return p.Name == peer.Name })
		if i < 0 {
			i = len(merged.Peers)
			merged.Peers = append(merged.Peers, peer)
		}
		t.Scenario, t.Peer = to, i
		merged.Runs = append(merged.Runs, t)
	}
	if added {
		merged.Begun = before.Begun
		merged.Command = commands(before.Command, now.Command)
		if merged.Cut == "" {
			merged.Cut = before.Cut
		}
	}
	return merged, nil
}

// only is the flag that says which parts are measured.
var only = regexp.MustCompile(` --only ([a-z,]+)`)

// commands are what would be typed to measure both again: one command where only the parts differ.
func commands(before, now string) string {
	all := strings.Split(before, "; ")
	last, parts := all[len(all)-1], only.FindStringSubmatch(now)
	had := only.FindStringSubmatch(last)
	switch {
	case slices.Contains(all, now):
		return before
	case parts == nil || had == nil || only.ReplaceAllString(now, "") != only.ReplaceAllString(last, ""):
		return before + "; " + now
	}
	for part := range strings.SplitSeq(parts[1], ",") {
		if !slices.Contains(strings.Split(had[1], ","), part) {
			had[1] += "," + part
		}
	}
	all[len(all)-1] = strings.Replace(last, had[0], " --only "+had[1], 1)
	return strings.Join(all, "; ")
}
