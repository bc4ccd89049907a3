package sim

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// reader looks through a file's nodes beside the types that they should have, and collects what is wrong.
type reader struct {
	file     string
	mistakes Mistakes
	// work is how many nodes may still be looked at: aliases of aliases make millions of a small file.
	work int
}

const mostNodes = 200_000

func (r *reader) wrong(n *yaml.Node, path, format string, args ...any) {
	r.mistakes = append(r.mistakes, Mistake{r.file, n.Line, n.Column, path, fmt.Sprintf(format, args...)})
}

// field is a key that a struct knows.
type field struct {
	name string
	of   reflect.Type
}

// fields are the keys of a struct, those of what is laid into it too.
func fields(t reflect.Type) (all []field) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			all = append(all, fields(f.Type)...)
		case name != "":
			all = append(all, field{name, f.Type})
		}
	}
	return all
}

var unmarshaler = reflect.TypeFor[yaml.Unmarshaler]()

// look checks that a node is a t.
func (r *reader) look(n *yaml.Node, t reflect.Type, path string) {
	if r.work--; r.work == 0 {
		r.wrong(n, path, "aliases repeat too much of the file; write out what differs, and less of it")
	}
	if r.work <= 0 {
		return
	}
	if n = named(n); n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return // takes a base's key away
	}
	switch {
	case reflect.PointerTo(t).Implements(unmarshaler):
		r.try(n, t, path, "")
	case t.Kind() == reflect.Pointer:
		r.look(n, t.Elem(), path)
	case t.Kind() == reflect.Struct:
		r.structure(n, t, path)
	case t.Kind() == reflect.Map:
		r.pairs(n, path, func(key, value *yaml.Node) { r.look(value, t.Elem(), join(path, key.Value)) })
	case t.Kind() == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			r.wrong(n, path, "it is %s; want a list", kindOf(n))
			return
		}
		for i, item := range n.Content {
			r.look(item, t.Elem(), path+"["+strconv.Itoa(i)+"]")
		}
	case t.Kind() == reflect.Bool:
		r.try(n, t, path, "true or false")
	case t.Kind() == reflect.Int:
		r.try(n, t, path, "a whole number")
	default:
		r.try(n, t, path, "a text")
	}
}

func (r *reader) structure(n *yaml.Node, t reflect.Type, path string) {
	known := fields(t)
	var names []string
	for _, f := range known {
		names = append(names, f.name)
	}
	r.pairs(n, path, func(key, value *yaml.Node) {
		for _, f := range known {
			if f.name == key.Value {
				r.look(value, f.of, join(path, f.name))
				return
			}
		}
		want := meant(key.Value, names)
		if want == "" {
			want = "; the keys here are " + strings.Join(names, ", ")
		}
		r.wrong(key, join(path, key.Value), "unknown key%s", want)
	})
}

// pairs goes through a mapping.
func (r *reader) pairs(n *yaml.Node, path string, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, path, "it is %s; want a mapping", kindOf(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if first, twice := seen[key.Value]; twice {
			r.wrong(key, join(path, key.Value), "the key is there already, in line %d; keep one of the two", first)
			continue
		}
		seen[key.Value] = key.Line
		if key.Value == "<<" {
			r.wrong(key, path, "merge keys are not read; want base: NAME instead")
			continue
		}
		each(key, n.Content[i+1])
	}
}

var lineNumber = regexp.MustCompile(`^(yaml: )?(unmarshal errors:\n\s*)?line \d+: `)

// try decodes a node; want is what would be right, "" if the type's own error says it.
func (r *reader) try(n *yaml.Node, t reflect.Type, path, want string) {
	err := n.Decode(reflect.New(t).Interface())
	if err == nil {
		return
	}
	if want == "" {
		_, want, _ = strings.Cut(lineNumber.ReplaceAllString(err.Error(), ""), "want ")
		if want == "" {
			want = lineNumber.ReplaceAllString(err.Error(), "")
		}
	}
	r.wrong(n, path, "%s; want %s", kindOf(n), want)
}

// kindOf names what a node is.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if text := []rune(n.Value); len(text) > 60 {
		return strconv.Quote(string(text[:60]) + "…")
	}
	return strconv.Quote(n.Value)
}

// join lengthens a path by a key.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// find is the node at a path of keys and indices, or the last on the way that there is; where is its path as text.
func find(n *yaml.Node, path []string, from string) (at *yaml.Node, where string) {
	at, where = n, from
	for _, key := range path {
		var next *yaml.Node
		switch in := named(at); in.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(in.Content); i += 2 {
				if in.Content[i].Value == key {
					next = in.Content[i+1]
					where = join(where, key)
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(key); err == nil && i < len(in.Content) {
				next = in.Content[i]
				where += "[" + key + "]"
			}
		}
		if next == nil {
			break
		}
		at = next
	}
	return at, where
}
