package cost_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"triage/bench/cost"
)

func TestSettingsAreChecked(t *testing.T) {
	if err := (cost.Settings{}).Check(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for _, test := range []struct {
		settings cost.Settings
		want     string
	}{
		{cost.Settings{Rounds: -1}, "-1 rounds: want 1 to 100"},
		{cost.Settings{Each: time.Minute}, "each value measured for 1m0s: want 1ms to 10s"},
		{cost.Settings{Peers: []string{"ngins"}}, `peer "ngins": want some of nothing, nginx`},
		{cost.Settings{Peers: []string{}}, "no peer: want some of nothing, nginx"},
		{cost.Settings{Peers: []string{"nginx", "nginx"}}, `peer "nginx": given twice`},
		{cost.Settings{Parts: []string{"CPU"}}, `part "CPU": want some of cpu, latency`},
		{cost.Settings{Connections: []int{0}}, "0 connections: want 1 to 10000"},
		{cost.Settings{Routes: []int{20_000}}, "20000 routes: want 1 to 10000"},
		{cost.Settings{Clients: []int{1 << 20}}, "1048576 clients: want 1 to 100000"},
		{cost.Settings{Open: []int{-5}}, "-5 open connections: want 1 to 10000"},
		{cost.Settings{Bodies: []int64{2 << 30}}, "a body of 2147483648 bytes: want 0 to 1073741824"},
	} {
		err := test.settings.Check()
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%+v: %v\nwant: %s", test.settings, err, test.want)
		}
	}
}

// Every peer is in what is measured of a request; a library before Go's proxy, and nginx with duties, grow as that proxy does, unless
// somebody asks for them.
func TestWhoIsMeasuredInWhat(t *testing.T) {
	inAll, onRequests := []string{"nothing", "nginx", "haproxy", "caddy", "traefik", "skipper", "reverseproxy", "triage"}, []string{"nginx-alike", "failsafe", "gobreaker", "gozero"}
	for _, part := range cost.PartNames() {
		peers := cost.Settings{}.PeersOf(part)
		ofRequests := slices.Contains([]string{"cpu", "latency", "refusal"}, part)
		for _, name := range inAll {
			if !slices.Contains(peers, name) {
				t.Errorf("%s: without %s", part, name)
			}
		}
		for _, name := range onRequests {
			if slices.Contains(peers, name) != ofRequests {
				t.Errorf("%s: with %s: %v", part, name, !ofRequests)
			}
		}
		if named := (cost.Settings{Peers: onRequests}).PeersOf(part); !slices.Equal(named, onRequests) {
			t.Errorf("%s: %v were named, %v are measured", part, onRequests, named)
		}
	}
}
