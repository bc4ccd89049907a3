package config

import (
	"cmp"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	// maxProblems ends the search: nobody reads more, and a megabyte of nonsense would fill memory with words about it.
	maxProblems = 1000
	// aliasAllowance is how much work, in nodes plus bytes of text, aliases may add to that of the file itself.
	aliasAllowance = 1 << 20
	// workPerByte bounds what a byte of the file itself costs: its shortest node is one byte, and an escape such as \L
	// makes three bytes of two.
	workPerByte = 3
)

// position is where a value or a key stands.
type position struct{ line, column int }

// decoder walks the node tree beside the structs and collects problems.
type decoder struct {
	name     string
	files    *files
	problems Problems
	// at holds where each path of the configuration stands.
	at map[string]position
	// work is what is left to spend; below zero the search has ended.
	work int
}

// value decodes a node into v by v's type. The path is the place of the value, f what the tags of its field say.
func (d *decoder) value(v reflect.Value, n *yaml.Node, path string, f field) {
	d.at[path] = position{n.Line, n.Column}
	n = resolve(n)
	if !d.spend(n) {
		return
	}
	if u, ok := v.Addr().Interface().(unit); ok {
		d.unit(v, u, n, path, f)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.structure(v.Elem(), n, path)
	case reflect.Struct:
		d.structure(v, n, path)
	case reflect.Slice:
		d.list(v, n, path, f)
	case reflect.Map:
		d.table(v, n, path, f)
	case reflect.String:
		d.text(v, n, path, f)
	case reflect.Int:
		d.integer(v, n, path, f)
	case reflect.Bool:
		d.boolean(v, n, path)
	}
}

// resolve gives the node that an alias stands for, at the place of the alias: what is wrong is its use there.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.AliasNode {
		return n
	}
	there := *n.Alias
	there.Line, there.Column = n.Line, n.Column
	return &there
}

// spend pays for looking at a node and reports whether there was enough left: an anchor of a thousand items that a thousand
// aliases repeat is a small file and a million items.
func (d *decoder) spend(n *yaml.Node) bool {
	if d.work < 0 {
		return false
	}
	d.work -= 1 + len(n.Value)
	if d.work < 0 {
		d.problem(n, "", "aliases repeat too much of the file", "write out what differs, and less of it")
	}
	return d.work >= 0
}

// problem tells what is wrong with a node.
func (d *decoder) problem(n *yaml.Node, path, what, want string) {
	d.problemAt(position{n.Line, n.Column}, path, what, want)
}

func (d *decoder) problemAt(at position, path, what, want string) {
	switch {
	case len(d.problems) > maxProblems:
		return
	case len(d.problems) == maxProblems:
		d.work = -1
		path, what, want = "", fmt.Sprintf("here the search ends after %d problems", maxProblems), "mend those first"
	}
	d.problems = append(d.problems, Problem{d.name, at.line, at.column, path, what, want})
}

// structure decodes a mapping, or the one value that may stand for it, into a struct.
func (d *decoder) structure(v reflect.Value, n *yaml.Node, path string) {
	fill(v)
	fields := layout[v.Type()]
	if f, ok := shortOf(v.Type()); ok && n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		d.value(v.Field(f.index), n, join(path, f.name), f)
		return
	}
	if n.Kind != yaml.MappingNode {
		d.wrongKind(n, path, "a mapping of "+names(fields))
		return
	}
	given := map[string]*yaml.Node{}
	for _, p := range d.pairs(n, path, 0) {
		f, ok := find(fields, p.key.Value)
		if !ok {
			d.problem(p.key, join(path, segment(p.key.Value)), "unknown key", suggest(p.key.Value, fields))
			continue
		}
		given[f.name] = p.key
		d.value(v.Field(f.index), p.value, join(path, f.name), f)
	}
	d.presence(n, path, fields, given)
}

// presence checks which keys must be there and which may not be there together.
func (d *decoder) presence(n *yaml.Node, path string, fields []field, given map[string]*yaml.Node) {
	if d.work < 0 {
		return
	}
	var choice, chosen []string
	for _, f := range fields {
		key := given[f.name]
		if f.required && key == nil {
			d.problem(n, join(path, f.name), "is missing", "add it: "+strings.ToLower(f.doc[:1])+strings.TrimSuffix(f.doc[1:], "."))
		}
		if key != nil && given[f.excludes] != nil {
			d.problem(key, join(path, f.name), "excludes "+f.excludes, "keep one of the two")
		}
		if f.oneof {
			choice = append(choice, f.name)
			if key != nil {
				chosen = append(chosen, f.name)
			}
		}
	}
	if choice != nil && len(chosen) != 1 {
		what := "has neither " + strings.Join(choice, " nor ")
		if chosen != nil {
			what = "has both " + strings.Join(chosen, " and ")
		}
		d.problem(n, path, what, "give exactly one of "+strings.Join(choice, ", "))
	}
}

// list decodes a sequence, or the one item that may stand for it.
func (d *decoder) list(v reflect.Value, n *yaml.Node, path string, f field) {
	v.SetZero()
	items := []*yaml.Node{n}
	switch {
	case n.Kind == yaml.SequenceNode:
		items = n.Content
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null", !f.single:
		d.wrongKind(n, path, "a list")
		return
	}
	d.count(n, path, f, len(items))
	seen := map[string]bool{}
	for i, item := range items {
		if d.work < 0 {
			return
		}
		place := path + "[" + strconv.Itoa(i) + "]"
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		d.value(v.Index(i), item, place, f)
		if text := resolve(item).Value; f.unique && text != "" {
			if seen[text] {
				d.problem(item, place, quote(text)+" is there twice", "remove one")
			}
			seen[text] = true
		}
	}
}

// table decodes a mapping whose keys the operator chooses.
func (d *decoder) table(v reflect.Value, n *yaml.Node, path string, f field) {
	v.SetZero()
	if n.Kind != yaml.MappingNode {
		d.wrongKind(n, path, "a mapping")
		return
	}
	pairs := d.pairs(n, path, 0)
	d.count(n, path, f, len(pairs))
	for _, p := range pairs {
		place := join(path, segment(p.key.Value))
		name, ok := d.key(p.key, place, f)
		if !ok {
			continue
		}
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		if v.MapIndex(reflect.ValueOf(name)).IsValid() {
			d.problem(p.key, place, "is "+quote(name)+" again in another spelling", "remove one")
			continue
		}
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(item, p.value, place, f)
		v.SetMapIndex(reflect.ValueOf(name), item)
	}
}

// count checks the number of entries of a list or a map.
func (d *decoder) count(n *yaml.Node, path string, f field, entries int) {
	if least, err := strconv.Atoi(f.min); err == nil && entries < least {
		d.problem(n, path, "is empty", fmt.Sprintf("give at least %d", least))
	}
	if most, err := strconv.Atoi(f.max); err == nil && entries > most {
		d.problem(n, path, fmt.Sprintf("has %d entries", entries), fmt.Sprintf("at most %d", most))
	}
}

// join adds a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// names lists the keys of a struct.
func names(fields []field) string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	return strings.Join(all, ", ")
}

// compare orders positions; the rest decides where an alias puts several values in one place.
func (p position) compare(q position, rest, other string) int {
	return cmp.Or(cmp.Compare(p.line, q.line), cmp.Compare(p.column, q.column), cmp.Compare(rest, other))
}
