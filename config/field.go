package config

import (
	"reflect"
	"strconv"
	"strings"
)

// field is what the tags say of one struct field; see doc.go.
type field struct {
	index            int
	name, doc        string
	fallback         string
	min, max         string
	format, keys     string
	words            []string
	excludes, key    string
	required, oneof  bool
	single, short    bool
	unique, readable bool
}

// layout holds the fields of every struct that a File is made of.
var layout = layOut(reflect.TypeFor[File](), map[reflect.Type][]field{})

func layOut(t reflect.Type, all map[reflect.Type][]field) map[reflect.Type][]field {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return layOut(t.Elem(), all)
	case reflect.Struct:
	default:
		return all
	}
	if _, again := all[t]; again {
		return all
	}
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			continue
		}
		all[t] = append(all[t], readTags(i, t.Field(i).Tag))
		layOut(t.Field(i).Type, all)
	}
	return all
}

func readTags(index int, tag reflect.StructTag) field {
	_, required := tag.Lookup("required")
	_, oneof := tag.Lookup("oneof")
	_, single := tag.Lookup("single")
	_, short := tag.Lookup("short")
	_, unique := tag.Lookup("unique")
	_, readable := tag.Lookup("file")
	var words []string
	if listed, ok := tag.Lookup("words"); ok {
		words = strings.Fields(listed)
	}
	return field{
		index: index, name: tag.Get("yaml"), doc: tag.Get("doc"), fallback: tag.Get("default"),
		min: tag.Get("min"), max: tag.Get("max"), format: tag.Get("format"), keys: tag.Get("keys"),
		words: words, excludes: tag.Get("excludes"), key: tag.Get("key"),
		required: required, oneof: oneof, single: single, short: short, unique: unique, readable: readable,
	}
}

// find gives the field with the name.
func find(fields []field, name string) (field, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

// shortOf gives the field that may stand for the whole struct.
func shortOf(t reflect.Type) (field, bool) {
	for _, f := range layout[t] {
		if f.short {
			return f, true
		}
	}
	return field{}, false
}

// fill sets a struct's fields to their defaults, structs inside it too.
func fill(v reflect.Value) {
	for _, f := range layout[v.Type()] {
		fv := v.Field(f.index)
		if fv.Kind() == reflect.Struct {
			fill(fv)
		} else if f.fallback != "" {
			assign(fv, f.fallback)
		}
	}
}

// assign sets a value from the text of a tag; a tag that does not fit leaves the zero value, which the tests notice.
func assign(v reflect.Value, text string) {
	if u, ok := v.Addr().Interface().(unit); ok {
		_ = u.set(text)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int:
		n, _ := strconv.Atoi(text)
		v.SetInt(int64(n))
	case reflect.Bool:
		v.SetBool(text == "true")
	case reflect.Slice:
		v.Set(reflect.ValueOf(strings.Fields(text)))
	}
}

// number gives a number or a unit as a float, to be compared with a tag's.
func number(v reflect.Value) float64 {
	if v.CanFloat() {
		return v.Float()
	}
	return float64(v.Int())
}

// bound gives a tag's min or max as a number of the type; ok is false if there is none.
func bound(t reflect.Type, text string) (n float64, ok bool) {
	if text == "" {
		return 0, false
	}
	v := reflect.New(t).Elem()
	assign(v, text)
	return number(v), true
}

// isUnit reports whether the type is written with a unit, and how.
func isUnit(t reflect.Type) (form, bool) {
	u, ok := reflect.New(t).Interface().(unit)
	if !ok {
		return form{}, false
	}
	return u.form(), true
}

// show writes a scalar as the file does.
func show(v reflect.Value) string {
	if v.CanAddr() {
		if u, ok := v.Addr().Interface().(unit); ok {
			return u.String()
		}
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int:
		return strconv.FormatInt(v.Int(), 10)
	}
	return v.String()
}
