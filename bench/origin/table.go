package origin

import (
	"cmp"
	"slices"
	"strings"
)

// table finds the route of a path.
type table struct {
	exact    map[string]*route
	prefixes []prefix // longest first
}

type prefix struct {
	path  string // ends with a slash
	route *route
}

func newTable(routes []*route) table {
	t := table{exact: map[string]*route{}}
	for _, r := range routes {
		if path, ok := strings.CutSuffix(r.settings.Path, "*"); ok {
			t.prefixes = append(t.prefixes, prefix{path, r})
			continue
		}
		t.exact[r.settings.Path] = r
	}
	slices.SortFunc(t.prefixes, func(a, b prefix) int { return cmp.Compare(len(b.path), len(a.path)) })
	return t
}

func (t table) find(path string) *route {
	if r, ok := t.exact[path]; ok {
		return r
	}
	for _, p := range t.prefixes {
		if strings.HasPrefix(path, p.path) {
			return p.route
		}
	}
	return nil
}
