package config

import (
	"fmt"
	"net/textproto"

	"gopkg.in/yaml.v3"
)

// maxMerges bounds how deep merge keys may nest; an anchor that merges itself has no end.
const maxMerges = 8

// pair is one entry of a mapping.
type pair struct{ key, value *yaml.Node }

// pairs gives the entries of a mapping, and of what it merges with << where it has no entry of its own. A duplicate is
// told and left out.
func (d *decoder) pairs(n *yaml.Node, path string, depth int) []pair {
	var own, merged []pair
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		p := pair{resolve(n.Content[i]), n.Content[i+1]}
		if !d.spend(p.key) {
			return nil
		}
		switch {
		case p.key.Kind != yaml.ScalarNode:
			d.problem(p.key, path, "has a key that is not text", "keys are words")
		case p.key.Tag == "!!merge":
			merged = append(merged, d.merge(resolve(p.value), path, depth)...)
		case first[p.key.Value] != nil:
			d.problem(p.key, join(path, segment(p.key.Value)), fmt.Sprintf("duplicate key, first in line %d", first[p.key.Value].Line), "remove one")
		default:
			first[p.key.Value] = p.key
			own = append(own, p)
		}
	}
	for _, p := range merged {
		if first[p.key.Value] == nil {
			first[p.key.Value] = p.key
			own = append(own, p)
		}
	}
	return own
}

// merge gives the entries that a merge key brings: those of a mapping, or of a list of mappings, the first one first.
func (d *decoder) merge(n *yaml.Node, path string, depth int) []pair {
	if depth >= maxMerges {
		d.problem(n, path, "merges nest too deep", fmt.Sprintf("at most %d, and none of itself", maxMerges))
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return d.pairs(n, path, depth+1)
	case yaml.SequenceNode:
		var all []pair
		for _, item := range n.Content {
			if item = resolve(item); item.Kind != yaml.MappingNode {
				d.wrongKind(item, path, "a mapping to merge")
			} else if d.spend(item) {
				all = append(all, d.pairs(item, path, depth+1)...)
			}
		}
		return all
	}
	d.wrongKind(n, path, "a mapping to merge")
	return nil
}

// key gives the name that a key of the operator's choice stands for. Header fields get their canonical spelling.
func (d *decoder) key(n *yaml.Node, path string, f field) (string, bool) {
	if !d.isText(n, path, nil) {
		return "", false
	}
	if m := formats[f.keys].judge(n.Value); m.what != "" {
		d.problem(n, path, m.what, m.want)
		return "", false
	}
	if f.keys == "header" {
		return textproto.CanonicalMIMEHeaderKey(n.Value), true
	}
	return n.Value, true
}
