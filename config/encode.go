package config

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// YAML writes the configuration in force, every default included. Parse reads it back to an equal File, wherever it is
// put: paths of files are absolute. There are no secrets in it, only the names of files.
func (f *File) YAML() ([]byte, error) {
	root := encodeStruct(reflect.ValueOf(f).Elem())
	for i, key := range root.Content {
		if key.Value == "upstreams" && i%2 == 0 {
			reorder(root.Content[i+1], f.UpstreamNames())
		}
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	return out.Bytes(), nil
}

// encode gives the node of a value.
func encode(v reflect.Value) *yaml.Node {
	switch v.Kind() {
	case reflect.Pointer:
		return encodeStruct(v.Elem())
	case reflect.Struct:
		return encodeStruct(v)
	case reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			n.Content = append(n.Content, encode(v.Index(i)))
		}
		return n
	case reflect.Map:
		return encodeMap(v)
	case reflect.String:
		return encodeText(v.String())
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: show(v)}
}

// encodeStruct leaves out what is not set and has no default, and what another key stands for.
func encodeStruct(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range layout[v.Type()] {
		if fv := v.Field(f.index); !absent(fv, f) && !standsFor(v, f) {
			n.Content = append(n.Content, encodeText(f.name), encode(fv))
		}
	}
	return n
}

// absent reports whether the value is what it is without the key.
func absent(v reflect.Value, f field) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0 && f.fallback == ""
	case reflect.Struct:
		return false
	}
	return v.IsZero() && f.fallback == ""
}

// standsFor reports whether the key that excludes this one is set and this value came from it, as a body from its file.
func standsFor(v reflect.Value, f field) bool {
	other, ok := find(layout[v.Type()], f.excludes)
	return ok && !v.Field(other.index).IsZero()
}

func encodeMap(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range sortedKeys(v) {
		item := reflect.New(v.Type().Elem()).Elem()
		item.Set(v.MapIndex(reflect.ValueOf(key)))
		n.Content = append(n.Content, encodeText(key), encode(item))
	}
	return n
}

// sortedKeys gives a map's keys in order.
func sortedKeys(v reflect.Value) []string {
	keys := make([]string, 0, v.Len())
	for _, key := range v.MapKeys() {
		keys = append(keys, key.String())
	}
	slices.Sort(keys)
	return keys
}

// encodeText leaves a word plain and quotes everything else: only double quotes can say any text.
func encodeText(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: s, Style: yaml.DoubleQuotedStyle}
	plain := strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }) < 0
	if probe := (&yaml.Node{Kind: yaml.ScalarNode, Value: s}); plain && s != "" && probe.ShortTag() == "!!str" && !slices.Contains(yes, s) {
		n.Style = 0
	} else {
		n.Tag = "!!str"
	}
	return n
}

// reorder puts the entries of a mapping into the order of the names.
func reorder(n *yaml.Node, names []string) {
	entries := map[string][]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		entries[n.Content[i].Value] = n.Content[i : i+2]
	}
	ordered := make([]*yaml.Node, 0, len(n.Content))
	for _, name := range names {
		ordered = append(ordered, entries[name]...)
	}
	n.Content = ordered
}
