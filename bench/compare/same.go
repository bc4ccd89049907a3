package compare

import (
	"bytes"
	"encoding/json"
	"fmt"

	"triage/bench/record"
)

// same says why a record cannot be gone on with: everything that was measured must have been asked the same.
func same(before, now record.Record) error {
	if before.Kind != record.Compare {
		return fmt.Errorf("it is of bench %s: want one of bench compare", before.Kind)
	}
	if before.Triage != now.Triage {
		return fmt.Errorf("it is of triage %s, commit %s: this is %s, %s", before.Triage.Version, before.Triage.Commit, now.Triage.Version, now.Triage.Commit)
	}
	if len(before.Scenarios) != len(now.Scenarios) {
		return fmt.Errorf("it has %d scenarios, now there are %d: want the same ones", len(before.Scenarios), len(now.Scenarios))
	}
	for i, s := range before.Scenarios {
		if n := now.Scenarios[i]; s.Name != n.Name || s.Seed != n.Seed || s.Dice != n.Dice || !sameJSON(s.Drawn, n.Drawn) {
			return fmt.Errorf("its scenario number %d is %s, seed %d, now it is %s, seed %d: want the same, with --scale, --duration and --draw", i+1, s.Name, s.Seed, n.Name, n.Seed)
		}
	}
	if len(before.Peers) != len(now.Peers) {
		return fmt.Errorf("it has %d peers, now there are %d: want the same ones", len(before.Peers), len(now.Peers))
	}
	for i, p := range before.Peers {
		if n := now.Peers[i]; p.Name != n.Name || p.Config != n.Config {
			return fmt.Errorf("its peer number %d is %s, now it is %s: want the same, with the same configuration", i+1, p.Name, n.Name)
		}
	}
	return nil
}

// sameJSON compares without regard for white space.
func sameJSON(a, b json.RawMessage) bool {
	var left, right bytes.Buffer
	return json.Compact(&left, a) == nil && json.Compact(&right, b) == nil && bytes.Equal(left.Bytes(), right.Bytes())
}
