package route

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Step is one rule that was considered.
type Step struct {
	// Rule is the index of the rule.
	Rule int
	// Covers is set on the one rule that Match gives.
	Covers bool
	// Verdict says why the rule covers the request or does not.
	Verdict string
}

// Explain gives every rule, most specific first, with a verdict. It decides by walking all the rules instead of the
// tree, so it is slow, and an independent check of Match.
func (t *Table) Explain(r *http.Request) []Step {
	rules := slices.Clone(t.rules)
	slices.SortStableFunc(rules, func(a, b *compiled) int { return a.compare(b, r.Method) })
	steps := make([]Step, len(rules))
	winner := ""
	for i, c := range rules {
		steps[i] = Step{Rule: c.rule, Verdict: c.objection(r)}
		switch {
		case steps[i].Verdict != "":
		case winner != "":
			steps[i].Verdict = fmt.Sprintf("would cover it, but %q is more specific", winner)
		default:
			winner = c.name
			steps[i].Covers = true
			steps[i].Verdict = "covers it and is the most specific that does"
		}
	}
	return steps
}

// compare orders two rules, the more specific first, for requests of the method.
func (c *compiled) compare(other *compiled, method string) int {
	return cmp.Or(
		cmp.Compare(c.hostRank(), other.hostRank()),
		-cmp.Compare(c.suffix(), other.suffix()),
		cmp.Compare(c.pathRank(), other.pathRank()),
		-cmp.Compare(len(c.segments), len(other.segments)),
		cmp.Compare(c.rankFor(method), other.rankFor(method)),
		-cmp.Compare(len(c.headers), len(other.headers)),
	)
}

func (c *compiled) hostRank() int {
	switch {
	case c.host == "":
		return 2
	case c.wildcard:
		return 1
	}
	return 0
}

// suffix is the length of a wildcard; the length of an exact name does not matter.
func (c *compiled) suffix() int {
	if c.wildcard {
		return len(c.host)
	}
	return 0
}

func (c *compiled) pathRank() int {
	if c.prefix {
		return 1
	}
	return 0
}

func (c *compiled) rankFor(method string) int {
	switch {
	case len(c.methods) == 0:
		return anyMethod
	case method == http.MethodHead && !slices.Contains(c.methods, http.MethodHead):
		return impliedMethod
	}
	return namedMethod
}

// objection is the first condition that the request does not meet, "" if it meets all.
func (c *compiled) objection(r *http.Request) string {
	host := hostname(r.Host)
	switch {
	case c.wildcard && !strings.HasSuffix(host, "."+c.host):
		return fmt.Sprintf("host %q does not end in %q", host, "."+c.host)
	case !c.wildcard && c.host != "" && c.host != host:
		return fmt.Sprintf("host %q is not %q", host, c.host)
	case !c.coversPath(r.URL.Path):
		return fmt.Sprintf("path %q is not covered by %q", r.URL.Path, c.path())
	case !c.coversMethod(r.Method):
		return fmt.Sprintf("method %q is not one of %s", r.Method, strings.Join(c.methods, ", "))
	}
	for _, want := range c.headers {
		switch {
		case want.met(r.Header):
		case len(r.Header[want.name]) == 0:
			return fmt.Sprintf("header %s is missing", want.name)
		default:
			return fmt.Sprintf("header %s is not %q", want.name, want.want)
		}
	}
	return ""
}

func (c *compiled) coversMethod(method string) bool {
	return len(c.methods) == 0 || slices.Contains(c.methods, method) ||
		method == http.MethodHead && slices.Contains(c.methods, http.MethodGet)
}

func (c *compiled) coversPath(path string) bool {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i := range segments {
		segments[i] = bare(segments[i])
	}
	if !c.prefix {
		return slices.Equal(segments, c.segments)
	}
	return len(segments) >= len(c.segments) && slices.Equal(segments[:len(c.segments)], c.segments)
}

func (c *compiled) path() string {
	path := "/" + strings.Join(c.segments, "/")
	if !c.prefix {
		return path
	}
	return strings.TrimSuffix(path, "/") + "/*"
}
