package route

import (
	"fmt"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// Rule says which requests it covers. The package comment has the details.
type Rule struct {
	// Name stands in errors only.
	Name string
	// Path is "/x" (exact) or "/x/*" (prefix). Required.
	Path string
	// Methods are in upper case; none means every method.
	Methods []string
	// Host is a name, "*." and a name, or "" for every host.
	Host string
	// Headers maps a name to the value it must have, "*" for any.
	Headers map[string]string
}

// compiled is a rule that was found sane.
type compiled struct {
	rule int
	name string
	// segments of the path, decoded; of a prefix without the star.
	segments []string
	prefix   bool
	// host is in lower case; of a wildcard without the "*.".
	host     string
	wildcard bool
	methods  []string
	headers  []condition
}

// condition is one header that must be there: with any value if present is set, else with the value want.
type condition struct {
	name, want string
	present    bool
}

func (c *compiled) fail(what, want string) error {
	return &RuleError{Rule: c.rule, Name: c.name, What: what, Want: want}
}

func compile(index int, rule Rule) (*compiled, error) {
	c := &compiled{rule: index, name: rule.Name, methods: slices.Clone(rule.Methods)}
	for _, set := range []func(Rule) error{c.setPath, c.setHost, c.checkMethods, c.setHeaders} {
		if err := set(rule); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *compiled) setPath(rule Rule) error {
	path := rule.Path
	c.prefix = strings.HasSuffix(path, "/*")
	if c.prefix {
		path = strings.TrimSuffix(path, "*")
	}
	switch {
	case !strings.HasPrefix(path, "/"):
		return c.fail(fmt.Sprintf("path %q does not begin with a slash", rule.Path), `a path like "/checkout" or "/api/*"`)
	case strings.Contains(path, "*"):
		return c.fail(fmt.Sprintf("path %q has a star that is not its last segment", rule.Path), `a prefix like "/api/*"; a literal star is written %2A`)
	case strings.ContainsAny(path, ";?#") || strings.Contains(strings.ToLower(path), "%3b"):
		return c.fail(fmt.Sprintf("path %q has a query or parameters", rule.Path), `the path alone: parameters (from ";") and the query are not compared`)
	}
	canonical, ok := Canonical(strings.ReplaceAll(path, " ", "%20"))
	if !ok {
		return c.fail(fmt.Sprintf("path %q can never be requested", rule.Path), "no backslash, no broken escape, none of %2F, %5C, %00")
	}
	meant, _ := url.PathUnescape(path)
	decoded, _ := url.PathUnescape(canonical)
	if meant != decoded {
		return c.fail(fmt.Sprintf("path %q is not canonical, so no request has it", rule.Path), fmt.Sprintf("%q", canonical))
	}
	c.segments = strings.Split(decoded[1:], "/")
	if c.prefix {
		c.segments = c.segments[:len(c.segments)-1]
	}
	return nil
}

func (c *compiled) setHost(rule Rule) error {
	c.host, c.wildcard = strings.CutPrefix(rule.Host, "*.")
	if rule.Host == "" {
		return nil
	}
	name := hostname(c.host)
	if name == "" || strings.ContainsAny(name, "*/ ") {
		return c.fail(fmt.Sprintf("host %q is not a name", rule.Host), `a name like "shop.example.com" or "*.example.com", or none for every host`)
	}
	if len(name) < len(strings.TrimSuffix(c.host, ".")) && !strings.HasPrefix(c.host, "[") {
		return c.fail(fmt.Sprintf("host %q has a port", rule.Host), fmt.Sprintf("%q: the port is not compared", name))
	}
	c.host = name
	return nil
}

var usual = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

func (c *compiled) checkMethods(rule Rule) error {
	for i, m := range rule.Methods {
		upper := strings.ToUpper(m)
		switch {
		case m == "" || strings.ContainsAny(m, " \t,/*"):
			return c.fail(fmt.Sprintf("method %q is not a method", m), "a method like GET; no methods at all cover every method")
		case m != upper && slices.Contains(usual, upper):
			return c.fail(fmt.Sprintf("method %q is not %q: methods are compared with their letter case", m, upper), upper)
		case slices.Contains(rule.Methods[:i], m):
			return c.fail(fmt.Sprintf("method %q stands twice", m), "each method once")
		}
	}
	return nil
}

func (c *compiled) setHeaders(rule Rule) error {
	for name, want := range rule.Headers {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		twice := func(have condition) bool { return have.name == canonical }
		switch {
		case name == "" || strings.ContainsAny(name, " :\t"):
			return c.fail(fmt.Sprintf("header %q is not a header name", name), "a name like X-Tenant")
		case canonical == "Host":
			return c.fail("the Host header is not among the headers", "use host")
		case slices.ContainsFunc(c.headers, twice):
			return c.fail(fmt.Sprintf("header %q stands twice", canonical), "each header once")
		}
		c.headers = append(c.headers, condition{name: canonical, want: want, present: want == "*"})
	}
	slices.SortFunc(c.headers, func(a, b condition) int { return strings.Compare(a.name, b.name) })
	return nil
}

// met reports whether the header fulfils the condition.
func (c condition) met(h Fields) bool {
	values := h.Values(c.name)
	if c.present || len(values) == 0 {
		return len(values) > 0
	}
	if len(values) == 1 {
		return values[0] == c.want
	}
	return strings.Join(values, ", ") == c.want
}
