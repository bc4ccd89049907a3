package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema gives the JSON Schema (draft 2020-12) of a configuration, for editors and CI. It says what one value shows:
// keys, types, forms, words, numbers. References between values, files, repetitions of a name and the ranges of numbers
// with a unit are beyond it; Parse checks those.
func Schema() ([]byte, error) {
	s := schemas{}
	root := s.object(reflect.TypeFor[File]())
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "Triage configuration"
	root.Defs = s
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the JSON Schema: %w", err)
	}
	return append(text, '\n'), nil
}

// schemas are the definitions of the structs, by type name.
type schemas map[string]*jsonschema.Schema

// object describes a mapping.
func (s schemas) object(t reflect.Type) *jsonschema.Schema {
	o := &jsonschema.Schema{
		Type:                 "object",
		Properties:           map[string]*jsonschema.Schema{},
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	for _, f := range layout[t] {
		o.Properties[f.name] = s.property(t.Field(f.index).Type, f)
		o.PropertyOrder = append(o.PropertyOrder, f.name)
		if f.required {
			o.Required = append(o.Required, f.name)
		}
		if f.oneof {
			o.OneOf = append(o.OneOf, &jsonschema.Schema{Required: []string{f.name}})
		}
		if f.excludes != "" {
			o.Not = &jsonschema.Schema{Required: []string{f.name, f.excludes}}
		}
	}
	return o
}

// define gives a reference to a struct's definition. Where one value may stand for the mapping, both are in it.
func (s schemas) define(t reflect.Type) *jsonschema.Schema {
	if _, ok := s[t.Name()]; !ok {
		s[t.Name()] = nil
		definition := s.object(t)
		if f, ok := shortOf(t); ok {
			definition = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s.value(t.Field(f.index).Type, f), definition}}
		}
		s[t.Name()] = definition
	}
	return &jsonschema.Schema{Ref: "#/$defs/" + t.Name()}
}

// property describes a value with its description and default.
func (s schemas) property(t reflect.Type, f field) *jsonschema.Schema {
	p := s.value(t, f)
	p.Description = f.doc
	if _, ok := isUnit(t); ok && rangeOf(f) != "" {
		p.Description += " Range: " + rangeOf(f) + "."
	}
	if f.fallback != "" {
		p.Default = literal(t, f.fallback)
	}
	return p
}

// literal writes a default as JSON.
func literal(t reflect.Type, text string) json.RawMessage {
	v := reflect.New(t).Elem()
	assign(v, text)
	value := v.Interface()
	if _, ok := isUnit(t); ok {
		value = show(v)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return encoded
}

// value describes what may stand for a value of the type.
func (s schemas) value(t reflect.Type, f field) *jsonschema.Schema {
	if unit, ok := isUnit(t); ok {
		return &jsonschema.Schema{Type: "string", Pattern: unit.pattern.String()}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.define(t.Elem())
	case reflect.Struct:
		return s.define(t)
	case reflect.Slice:
		return s.list(t, f)
	case reflect.Map:
		return &jsonschema.Schema{
			Type:                 "object",
			AdditionalProperties: s.value(t.Elem(), f),
			PropertyNames:        &jsonschema.Schema{Pattern: formats[f.keys].pattern.String()},
			MinProperties:        limit(f.min),
		}
	case reflect.Int:
		n := &jsonschema.Schema{Type: "integer"}
		if least, ok := bound(t, f.min); ok {
			n.Minimum = &least
		}
		if most, ok := bound(t, f.max); ok {
			n.Maximum = &most
		}
		return n
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	}
	return text(f)
}

func (s schemas) list(t reflect.Type, f field) *jsonschema.Schema {
	many := &jsonschema.Schema{
		Type: "array", Items: s.value(t.Elem(), f),
		MinItems: limit(f.min), MaxItems: limit(f.max), UniqueItems: f.unique,
	}
	if !f.single {
		return many
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s.value(t.Elem(), f), many}}
}

// text describes a string: words, a format, or either.
func text(f field) *jsonschema.Schema {
	formed := &jsonschema.Schema{Type: "string"}
	if f.format != "" {
		formed.Pattern = formats[f.format].pattern.String()
	}
	if f.readable {
		formed.MinLength = jsonschema.Ptr(1)
	}
	if f.words == nil {
		return formed
	}
	words := &jsonschema.Schema{Type: "string"}
	for _, word := range f.words {
		words.Enum = append(words.Enum, word)
	}
	if f.format == "" {
		return words
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{words, formed}}
}

// limit gives a number of entries, nil for none.
func limit(text string) *int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil
	}
	return &n
}

// Key is one key of a configuration, for the documentation.
type Key struct {
	// Path is like "routes[].rate_limit[].rate" or "upstreams.NAME.timeout".
	Path string
	// Type is for people, such as "duration", "list of text" or "auto, standard".
	Type string
	// Default is the value of an absent key, "required" if it may not be absent, "" if nothing is then.
	Default string
	Doc     string
}

// Reference gives every key, each before those inside it, in the order of the structs.
func Reference() []Key {
	return keysOf(reflect.TypeFor[File](), "")
}

func keysOf(t reflect.Type, path string) []Key {
	var keys []Key
	for _, f := range layout[t] {
		ft := t.Field(f.index).Type
		k := Key{Path: join(path, f.name), Type: typeName(ft, f), Default: f.fallback, Doc: f.doc}
		if f.required {
			k.Default = "required"
		}
		keys = append(keys, k)
		inside := k.Path
		switch ft.Kind() {
		case reflect.Slice:
			inside += "[]"
		case reflect.Map:
			inside += ".NAME"
		}
		for ft.Kind() == reflect.Slice || ft.Kind() == reflect.Map || ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		keys = append(keys, keysOf(ft, inside)...)
	}
	return keys
}

func typeName(t reflect.Type, f field) string {
	if unit, ok := isUnit(t); ok {
		return unit.name
	}
	switch t.Kind() {
	case reflect.Slice:
		return "list of " + typeName(t.Elem(), f)
	case reflect.Map:
		return "mapping to " + typeName(t.Elem(), f)
	case reflect.Struct, reflect.Pointer:
		return "mapping"
	case reflect.Int:
		return "number"
	case reflect.Bool:
		return "true or false"
	}
	switch {
	case f.words != nil && f.format == "":
		return strings.Join(f.words, ", ")
	case f.readable:
		return "file"
	}
	return "text"
}
