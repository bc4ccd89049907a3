package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// kinds are the words for what a node is, by its short tag.
var kinds = map[string]string{
	"!!null": "empty", "!!bool": "a boolean", "!!int": "a number", "!!float": "a number", "!!timestamp": "a date",
	"!!str": "text", "!!seq": "a list", "!!map": "a mapping", "!!merge": "a merge key",
}

// yes are the plain words that YAML 1.1, and with it many an editor and template, takes for booleans.
var yes = []string{"yes", "no", "on", "off", "y", "n"}

// wrongKind tells that a node is not what the place takes.
func (d *decoder) wrongKind(n *yaml.Node, path, want string) {
	tag := n.ShortTag()
	switch {
	case tag == "!!null":
		d.problem(n, path, "is empty", "give it a value or remove the key")
	case kinds[tag] == "":
		d.problem(n, path, "has the tag "+quote(n.Tag), "remove the tag")
	case n.Kind == yaml.ScalarNode:
		d.problem(n, path, quote(n.Value)+" is "+kinds[tag], "it must be "+want)
	default:
		d.problem(n, path, "is "+kinds[tag], "it must be "+want)
	}
}

// isText reports whether a scalar is text beyond doubt, and tells if it is not. The words are fine without quotes.
func (d *decoder) isText(n *yaml.Node, path string, words []string) bool {
	if n.Kind != yaml.ScalarNode {
		d.wrongKind(n, path, "text")
		return false
	}
	tag, value := n.ShortTag(), n.Value
	doubtful := n.Style == 0 && slices.Contains(yes, strings.ToLower(value))
	switch {
	case slices.Contains(words, value), tag == "!!str" && !doubtful:
		return true
	case tag == "!!str" || tag == "!!bool":
		d.problem(n, path, quote(value)+" is a boolean in YAML, not text", "quote it: "+quote(value))
	case tag == "!!int" || tag == "!!float" || tag == "!!timestamp" || tag == "!!merge":
		d.problem(n, path, clip(value)+" is "+kinds[tag]+" in YAML, not text", "quote it: "+quote(value))
	default:
		d.wrongKind(n, path, "text")
	}
	return false
}

// text decodes a string and checks its words, its format and the file it names.
func (d *decoder) text(v reflect.Value, n *yaml.Node, path string, f field) {
	if !d.isText(n, path, f.words) {
		return
	}
	if slices.Contains(f.words, n.Value) {
		v.SetString(n.Value)
		return
	}
	if f.words != nil && f.format == "" {
		d.problem(n, path, quote(n.Value)+" is not one of the words", "write "+strings.Join(f.words, " or ")+meant(n.Value, f.words))
		return
	}
	if f.format != "" {
		if m := formats[f.format].judge(n.Value); m.what != "" {
			d.problem(n, path, m.what, m.want+meant(n.Value, f.words))
			return
		}
	}
	if f.readable {
		d.file(v, n, path)
		return
	}
	v.SetString(n.Value)
}

// unit decodes a number with its unit and checks its range.
func (d *decoder) unit(v reflect.Value, u unit, n *yaml.Node, path string, f field) {
	tag := n.ShortTag()
	if n.Kind != yaml.ScalarNode || kinds[tag] == "" || tag == "!!null" || tag == "!!bool" {
		d.wrongKind(n, path, "a "+u.form().name+": "+u.form().want)
		return
	}
	if err := u.set(n.Value); err != nil {
		var m mistake
		errors.As(err, &m)
		d.problem(n, path, m.what, m.want)
		return
	}
	d.inRange(v, n, path, f)
}

// plainInteger keeps out what YAML reads in surprising ways: 010 is eight, 0x10 is sixteen, 1_0 is ten.
var plainInteger = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

func (d *decoder) integer(v reflect.Value, n *yaml.Node, path string, f field) {
	tag := n.ShortTag()
	if n.Kind != yaml.ScalarNode || tag != "!!int" && tag != "!!float" {
		d.wrongKind(n, path, "a whole number")
		return
	}
	if !plainInteger.MatchString(n.Value) {
		d.problem(n, path, quote(n.Value)+" is not a plain whole number", "write decimal digits only")
		return
	}
	i, err := strconv.Atoi(n.Value)
	if err != nil {
		d.problem(n, path, clip(n.Value)+" is out of range", rangeOf(f))
		return
	}
	v.SetInt(int64(i))
	d.inRange(v, n, path, f)
}

func (d *decoder) boolean(v reflect.Value, n *yaml.Node, path string) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" || n.Value != "true" && n.Value != "false" {
		d.wrongKind(n, path, "true or false")
		return
	}
	v.SetBool(n.Value == "true")
}

// inRange checks a number against the field's range. The default is always in it: it may stand for "not set".
func (d *decoder) inRange(v reflect.Value, n *yaml.Node, path string, f field) {
	least, hasLeast := bound(v.Type(), f.min)
	most, hasMost := bound(v.Type(), f.max)
	unset, hasDefault := bound(v.Type(), f.fallback)
	x := number(v)
	if hasDefault && x == unset {
		return
	}
	if hasLeast && x < least || hasMost && x > most {
		d.problem(n, path, n.Value+" is out of range", rangeOf(f))
	}
}

// rangeOf says a field's range in words.
func rangeOf(f field) string {
	switch {
	case f.min != "" && f.max != "":
		return fmt.Sprintf("from %s to %s", f.min, f.max)
	case f.min != "":
		return "at least " + f.min
	case f.max != "":
		return "at most " + f.max
	}
	return ""
}
