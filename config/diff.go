package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Diff tells what changed from one configuration to the next, one line a path, in the order of the structs, for the log:
// "routes.checkout.rate_limit[0].rate: 500/s -> 300/s". Routes, upstreams, listeners and endpoints are told apart by name,
// address or URL, so that their order says nothing. A file that is referred to is told by its path.
func Diff(old, new *Loaded) []string {
	var d difference
	d.structure("", reflect.ValueOf(&old.File).Elem(), reflect.ValueOf(&new.File).Elem())
	before := map[string]reference{}
	for _, f := range old.files {
		before[f.path] = f
	}
	for _, f := range new.files {
		if b, ok := before[f.path]; ok && b.sum != f.sum {
			d = append(d, f.path+": content changed")
		}
	}
	return d
}

// difference collects lines.
type difference []string

func (d *difference) add(path, what string) { *d = append(*d, path+": "+what) }

func (d *difference) structure(path string, old, new reflect.Value) {
	for _, f := range layout[old.Type()] {
		if standsFor(old, f) && standsFor(new, f) {
			continue
		}
		d.value(join(path, f.name), old.Field(f.index), new.Field(f.index), f)
	}
}

func (d *difference) value(path string, old, new reflect.Value, f field) {
	switch old.Kind() {
	case reflect.Struct:
		d.structure(path, old, new)
	case reflect.Pointer:
		if d.both(path, !old.IsNil(), !new.IsNil()) {
			d.structure(path, old.Elem(), new.Elem())
		}
	case reflect.Slice:
		if old.Type().Elem().Kind() == reflect.String {
			d.scalar(path, fmt.Sprint(old), fmt.Sprint(new))
			return
		}
		d.entries(listed(path, old, f), listed(path, new, f), f)
	case reflect.Map:
		d.entries(mapped(path, old), mapped(path, new), f)
	case reflect.String:
		d.scalar(path, shown(old.String()), shown(new.String()))
	default:
		d.scalar(path, show(old), show(new))
	}
}

// shown quotes a text only if it would blur the line.
func shown(s string) string {
	if s == "" {
		return "none"
	}
	return segment(s)
}

func (d *difference) scalar(path, old, new string) {
	if old != new {
		d.add(path, old+" -> "+new)
	}
}

// both reports whether there is something on both sides, and tells if there is on one only.
func (d *difference) both(path string, old, new bool) bool {
	switch {
	case old && !new:
		d.add(path, "removed")
	case new && !old:
		d.add(path, "added")
	}
	return old && new
}

// entry is an item of a list or a map under the path it is told by.
type entry struct {
	path  string
	value reflect.Value
}

// listed gives a list's items, told apart by their key if they have one, else by number.
func listed(path string, v reflect.Value, f field) []entry {
	entries := make([]entry, v.Len())
	key, named := find(layout[v.Type().Elem()], f.key)
	for i := range entries {
		entries[i] = entry{fmt.Sprintf("%s[%d]", path, i), v.Index(i)}
		if named {
			entries[i].path = under(path, v.Index(i).Field(key.index).String())
		}
	}
	return entries
}

// under puts a name behind a path so that the dots and colons of an address do not look like a path.
func under(path, name string) string {
	if strings.ContainsAny(name, ":/") {
		return path + "[" + name + "]"
	}
	return join(path, name)
}

// mapped gives a map's entries in the order of the keys.
func mapped(path string, v reflect.Value) []entry {
	var entries []entry
	for _, key := range sortedKeys(v) {
		item := reflect.New(v.Type().Elem()).Elem()
		item.Set(v.MapIndex(reflect.ValueOf(key)))
		entries = append(entries, entry{join(path, key), item})
	}
	return entries
}

// entries compares what has the same path on both sides; what went is told first.
func (d *difference) entries(old, new []entry, f field) {
	before, after := byPath(old), byPath(new)
	for _, e := range old {
		d.both(e.path, true, after[e.path].IsValid())
	}
	for _, e := range new {
		if d.both(e.path, before[e.path].IsValid(), true) {
			d.value(e.path, before[e.path], e.value, f)
		}
	}
}

func byPath(entries []entry) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	for _, e := range entries {
		all[e.path] = e.value
	}
	return all
}
