package proxy

import (
	"net/url"
	"slices"
	"strings"

	"triage/proxy/route"
)

// canonical gives the path that is matched and sent. False: the request is refused.
func (t *table) canonical(escaped string) (string, bool) {
	if t.plainPaths && !route.Plain(escaped) {
		return "", false
	}
	return route.Canonical(escaped)
}

// normalize is the same of a URL.
func (t *table) normalize(u *url.URL) bool {
	if t.plainPaths && !route.Plain(u.EscapedPath()) {
		return false
	}
	return route.Normalize(u)
}

// decisiveFields gives the fields by which a class, a bucket or a cohort is had, in lower case: a backend must not find them twice under
// names that are the same to it.
func decisiveFields(routes []RouteSettings) (names []string) {
	add := func(name string) {
		if name = strings.ToLower(name); strings.Contains(name, "-") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, r := range routes {
		for name := range r.Rule.Headers {
			add(name)
		}
		add(r.SessionHeader)
		for _, l := range r.Limits {
			if name, is := strings.CutPrefix(l.Per, "header:"); is {
				add(name)
			}
		}
	}
	return names
}
