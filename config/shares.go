package config

import (
	"fmt"
	"slices"
)

// sharesNothing is the word for a route that shares no bottleneck with any other.
const sharesNothing = "none"

// SharesNothing reports whether the route is said to share no bottleneck; without a word about it that has to be found out.
func (r *Route) SharesNothing() bool { return len(r.Shares) == 1 && r.Shares[0] == sharesNothing }

// checkShares checks what routes are said to share. A name that only one route of its upstream has says nothing: most likely it is a
// slip of the pen, and what it was to bring about would silently not happen.
func (d *decoder) checkShares(f *File) {
	users := map[string]map[string]int{} // by upstream and name
	for i := range f.Routes {
		r, path := &f.Routes[i], fmt.Sprintf("routes[%d].shares", i)
		if _, given := d.at[path]; given && len(r.Shares) == 0 {
			r.Shares = []string{sharesNothing}
		}
		if users[r.Upstream] == nil {
			users[r.Upstream] = map[string]int{}
		}
		for j, name := range r.Shares {
			users[r.Upstream][name]++
			if name == sharesNothing && len(r.Shares) > 1 {
				d.wrong(fmt.Sprintf("%s[%d]", path, j), "none stands beside other names", "write none alone, or leave it out")
			}
		}
	}
	for i, r := range f.Routes {
		if _, known := f.Upstreams[r.Upstream]; !known {
			continue
		}
		for j, name := range r.Shares {
			if name == "" || name == sharesNothing || users[r.Upstream][name] > 1 {
				continue
			}
			d.wrong(fmt.Sprintf("routes[%d].shares[%d]", i, j), fmt.Sprintf("no other route of upstream %s shares %s", r.Upstream, quote(name)),
				"give it to another route too, or write none if this one shares nothing"+d.meantName(name, users[r.Upstream]))
		}
	}
}

// meantName offers a name that several routes have.
func (d *decoder) meantName(name string, users map[string]int) string {
	if len(d.problems) >= maxHints {
		return ""
	}
	var others []string
	for other, n := range users {
		if n > 1 {
			others = append(others, other)
		}
	}
	slices.Sort(others)
	return meant(name, others)
}
