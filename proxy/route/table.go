package route

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// Table finds the rule for a request. It never changes.
type Table struct {
	rules []*compiled
	exact map[string]*node
	// wildcard is keyed by the suffix without "*."; longest is the length of the longest of them, so that a long Host
	// costs no more look-ups than the rules call for.
	wildcard map[string]*node
	longest  int
	anyHost  *node
}

// node is one place in the tree of path segments.
type node struct {
	parent   *node
	children map[string]*node
	// here are the rules whose exact path ends here, below those whose prefix does. Sorted by rank.
	here, below []entry
}

// entry is one rule at a node, for the methods it covers with one rank.
type entry struct {
	*compiled
	methods    []string
	methodRank int
}

const (
	namedMethod = iota
	impliedMethod
	anyMethod
)

// New compiles the rules. The error is of type Errors and names everything that is wrong.
func New(rules []Rule) (*Table, error) {
	t := &Table{exact: map[string]*node{}, wildcard: map[string]*node{}, anyHost: &node{}}
	var wrong Errors
	for i, rule := range rules {
		c, err := compile(i, rule)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		t.rules = append(t.rules, c)
		t.tree(c).insert(c)
	}
	var tied []*TieError
	for _, tree := range t.trees() {
		tied = append(tied, tree.settle()...)
	}
	wrong = append(wrong, inOrder(tied)...)
	if len(wrong) > 0 {
		return nil, wrong
	}
	return t, nil
}

// Request is what rules look at.
type Request struct {
	Method, Host string
	// Path is canonical and decoded.
	Path   string
	Fields Fields
}

// Fields gives the values of all fields of a name in canonical form, as http.Header does.
type Fields interface{ Values(name string) []string }

// Match gives the index of the rule that covers the request, which must have been through Normalize.
func (t *Table) Match(r *http.Request) (index int, ok bool) {
	return t.Find(&Request{Method: r.Method, Host: r.Host, Path: r.URL.Path, Fields: r.Header})
}

// Find is Match for a request of whatever form.
func (t *Table) Find(r *Request) (index int, ok bool) {
	host := hostname(r.Host)
	if len(t.exact) > 0 {
		if e := t.exact[host].match(r); e != nil {
			return e.rule, true
		}
	}
	if t.longest > 0 {
		if e := t.matchWildcard(host, r); e != nil {
			return e.rule, true
		}
	}
	if e := t.anyHost.match(r); e != nil {
		return e.rule, true
	}
	return -1, false
}

// matchWildcard tries the suffixes of host, longest first, from the first that a wildcard can have.
func (t *Table) matchWildcard(host string, r *Request) *entry {
	for rest := host[max(0, len(host)-t.longest-1):]; ; {
		var more bool
		if _, rest, more = strings.Cut(rest, "."); !more {
			return nil
		}
		if e := t.wildcard[rest].match(r); e != nil {
			return e
		}
	}
}

func (t *Table) tree(c *compiled) *node {
	hosts := t.exact
	switch {
	case c.host == "":
		return t.anyHost
	case c.wildcard:
		hosts = t.wildcard
		t.longest = max(t.longest, len(c.host))
	}
	if hosts[c.host] == nil {
		hosts[c.host] = &node{}
	}
	return hosts[c.host]
}

func (t *Table) trees() []*node {
	trees := []*node{t.anyHost}
	for _, tree := range t.exact {
		trees = append(trees, tree)
	}
	for _, tree := range t.wildcard {
		trees = append(trees, tree)
	}
	return trees
}

func (n *node) insert(c *compiled) {
	for _, segment := range c.segments {
		child := n.children[segment]
		if child == nil {
			child = &node{parent: n}
			if n.children == nil {
				n.children = map[string]*node{}
			}
			n.children[segment] = child
		}
		n = child
	}
	list := &n.here
	if c.prefix {
		list = &n.below
	}
	if len(c.methods) == 0 {
		*list = append(*list, entry{c, nil, anyMethod})
		return
	}
	*list = append(*list, entry{c, c.methods, namedMethod})
	if slices.Contains(c.methods, http.MethodGet) && !slices.Contains(c.methods, http.MethodHead) {
		*list = append(*list, entry{c, []string{http.MethodHead}, impliedMethod})
	}
}

// settle sorts the lists and gives the ties in them.
func (n *node) settle() []*TieError {
	var found []*TieError
	for _, list := range [][]entry{n.here, n.below} {
		slices.SortStableFunc(list, func(a, b entry) int { return cmp.Compare(a.rank(), b.rank()) })
		found = append(found, ties(list)...)
	}
	for _, child := range n.children {
		found = append(found, child.settle()...)
	}
	return found
}

// maxHeaders is more header conditions than a rule has.
const maxHeaders = 1 << 20

// rank orders the entries of one list: the lower, the more specific.
func (e entry) rank() int { return e.methodRank*maxHeaders - len(e.headers) }

// match walks down as far as the path goes and looks for a rule on the way back up: the deepest is the most specific.
func (n *node) match(r *Request) *entry {
	if n == nil {
		return nil
	}
	rest, more := strings.TrimPrefix(r.Path, "/"), true
	for more {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		child := n.children[bare(segment)]
		if child == nil {
			return n.up(r)
		}
		n = child
	}
	if e := first(n.here, r); e != nil {
		return e
	}
	return n.up(r)
}

func (n *node) up(r *Request) *entry {
	for ; n != nil; n = n.parent {
		if e := first(n.below, r); e != nil {
			return e
		}
	}
	return nil
}

func first(entries []entry, r *Request) *entry {
	for i := range entries {
		if entries[i].covers(r) {
			return &entries[i]
		}
	}
	return nil
}

// covers looks at what the tree does not decide.
func (e *entry) covers(r *Request) bool {
	if e.methodRank != anyMethod && !slices.Contains(e.methods, r.Method) {
		return false
	}
	for _, c := range e.headers {
		if !c.met(r.Fields) {
			return false
		}
	}
	return true
}

// bare is the segment without its parameters.
func bare(segment string) string {
	if i := strings.IndexByte(segment, ';'); i >= 0 {
		return segment[:i]
	}
	return segment
}

// hostname is the host in lower case without port, brackets and final dot.
func hostname(host string) string {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, _, _ = strings.Cut(inner, "]")
		return strings.ToLower(inner)
	}
	host, _, _ = strings.Cut(host, ":")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
