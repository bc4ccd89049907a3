package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The tags are the one home of keys, defaults, ranges and descriptions; a slip in one is a slip everywhere.
func TestTagsAreRight(t *testing.T) {
	known := []string{"yaml", "doc", "default", "required", "oneof", "min", "max", "format", "keys", "words", "excludes", "single", "short", "unique", "key", "file"}
	if len(layout) != 22 {
		t.Errorf("got %d structs, want 22", len(layout))
	}
	for st, fields := range layout {
		for _, f := range fields {
			sf := st.Field(f.index)
			what := st.Name() + "." + sf.Name
			if f.name != snake(sf.Name) {
				t.Errorf("%s: got key %q, want %q", what, f.name, snake(sf.Name))
			}
			if !strings.HasSuffix(f.doc, ".") || strings.ContainsAny(f.doc, "<>&") {
				t.Errorf("%s: got doc %q, want a sentence without <, > and &", what, f.doc)
			}
			for _, name := range []string{f.format, f.keys} {
				if _, ok := formats[name]; name != "" && !ok {
					t.Errorf("%s: there is no format %q", what, name)
				}
			}
			for _, name := range []string{f.excludes, f.key} {
				if inside := slices.Concat(fields, layout[elem(sf.Type)]); name != "" {
					if _, ok := find(inside, name); !ok {
						t.Errorf("%s: there is no key %q", what, name)
					}
				}
			}
			for _, tag := range strings.Fields(string(sf.Tag)) {
				if name, _, ok := strings.Cut(tag, `:"`); ok && !slices.Contains(known, name) && !strings.Contains(f.doc, name) {
					t.Errorf("%s: there is no tag %q", what, name)
				}
			}
			checkValues(t, what, sf.Type, f)
		}
	}
}

// checkValues demands that default, min and max are values of the field, and the default one that fits.
func checkValues(t *testing.T, what string, ft reflect.Type, f field) {
	for _, text := range []string{f.fallback, f.min, f.max} {
		if unit, ok := reflect.New(ft).Interface().(unit); ok && text != "" {
			if err := unit.set(text); err != nil {
				t.Errorf("%s: got %q, %v, want a %s", what, text, err, unit.form().name)
			}
		}
		var n int
		if _, err := fmt.Sscanf(text, "%d", &n); ft.Kind() == reflect.Int && text != "" && (err != nil || fmt.Sprint(n) != text) {
			t.Errorf("%s: got %q, want a whole number", what, text)
		}
	}
	for _, text := range strings.Fields(f.fallback) {
		if f.format != "" && !slices.Contains(f.words, text) && formats[f.format].judge(text).what != "" {
			t.Errorf("%s: the default %q does not have the format %s", what, text, f.format)
		}
	}
	if f.required && f.fallback != "" {
		t.Errorf("%s: required and with a default", what)
	}
}

func elem(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// snake gives the key of a field: RateLimit is rate_limit, TLS is tls.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		upper := r >= 'A' && r <= 'Z'
		if upper && i > 0 && name[i-1] >= 'a' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}
