package config_test

import (
	"reflect"
	"slices"
	"testing"

	"triage/config"
)

// What is not said, what is said to be nothing in any of its spellings, and names.
func TestShares(t *testing.T) {
	for text, want := range map[string][]string{
		"":                          nil,
		"shares: none":              {"none"},
		"shares: []":                {"none"},
		"shares: [none]":            {"none"},
		"shares: database":          {"database"},
		"shares: [cache, database]": {"cache", "database"},
	} {
		l, err := config.Parse("t.yaml", []byte(minimal+"    "+text+"\n  - {name: other, match: {path: /other}, upstream: u, shares: [database, cache]}\n  - {name: third, match: {path: /third}, upstream: u, shares: [database, cache]}\n"))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		r := l.File.Routes[0]
		if !reflect.DeepEqual(r.Shares, want) || r.SharesNothing() != slices.Equal(want, []string{"none"}) {
			t.Errorf("%q: %q, nothing %v; want %q", text, r.Shares, r.SharesNothing(), want)
		}
	}
}
