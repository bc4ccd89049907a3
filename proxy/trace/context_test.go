package trace_test

import (
	"strings"
	"testing"

	"triage/proxy/trace"
)

const (
	id   = "0af7651916cd43dd8448eb211c80319c"
	span = "b7ad6b7169203331"
)

// The cases are those of the specification's text and of its test suite.
func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"00-" + id + "-" + span + "-01":                      "00-" + id + "-" + span + "-01",
		"00-" + id + "-" + span + "-00":                      "00-" + id + "-" + span + "-00",
		"00-" + id + "-" + span + "-03":                      "00-" + id + "-" + span + "-03",
		"00-" + id + "-" + span + "-ff":                      "00-" + id + "-" + span + "-03", // flags that we do not know are not passed on
		"cc-" + id + "-" + span + "-01":                      "00-" + id + "-" + span + "-01",
		"cc-" + id + "-" + span + "-01-what-may-come":        "00-" + id + "-" + span + "-01",
		"cc-" + id + "-" + span + "-01-":                     "00-" + id + "-" + span + "-01",
		"cc-" + id + "-" + span + "-01.what":                 "",
		"00-" + id + "-" + span + "-01-what-may-come":        "",
		"00-" + id + "-" + span + "-01-":                     "",
		"ff-" + id + "-" + span + "-01":                      "",
		"ff-" + id + "-" + span + "-01-more":                 "",
		"0-" + id + "-" + span + "-01":                       "",
		".0-" + id + "-" + span + "-01":                      "",
		"00-" + strings.ToUpper(id) + "-" + span + "-01":     "",
		"00-" + id[1:] + "-" + span + "-01":                  "",
		"00-" + id + "-" + span[1:] + "-01":                  "",
		"00-" + id + "-" + span + "-1":                       "",
		"00-" + id + "-" + span + "-0x":                      "",
		"00-" + id + "-" + span:                              "",
		"00-" + id + "-" + span + ".01":                      "",
		"00-" + id + "." + span + "-01":                      "",
		"00." + id + "-" + span + "-01":                      "",
		"00-" + strings.Repeat("0", 32) + "-" + span + "-01": "",
		"00-" + id + "-" + strings.Repeat("0", 16) + "-01":   "",
		"00-" + id[:31] + "g-" + span + "-01":                "",
		"":                                                   "",
		" 00-" + id + "-" + span + "-01":                     "",
	} {
		c, ok := trace.Parse([]string{text})
		got := ""
		if ok {
			got = string(c.Append(nil))
		}
		if got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
	good := "00-" + id + "-" + span + "-01"
	if _, ok := trace.Parse([]string{good, good}); ok {
		t.Error("two fields are read as one context")
	}
	if _, ok := trace.Parse(nil); ok {
		t.Error("no field is read as a context")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("00-" + id + "-" + span + "-01")
	f.Add("cc-" + id + "-" + span + "-01-x")
	f.Fuzz(func(t *testing.T, text string) {
		c, ok := trace.Parse([]string{text})
		if !ok {
			return
		}
		again, ok := trace.Parse([]string{string(c.Append(nil))})
		if !ok || again != c {
			t.Errorf("%q is read as %v, and what that is written as as %v, %v", text, c, again, ok)
		}
	})
}

// What is drawn is a context that others can read.
func TestDrawn(t *testing.T) {
	c := trace.Context{Trace: trace.NewID(), Span: trace.NewSpan(), Flags: trace.Sampled | trace.Random}
	if got, ok := trace.Parse([]string{string(c.Append(nil))}); !ok || got != c {
		t.Errorf("%v is read as %v, %v", c, got, ok)
	}
	if other := trace.NewID(); other == c.Trace || other.String() == c.Trace.String() || trace.NewSpan().String() == c.Span.String() {
		t.Error("the same id is drawn twice")
	}
}
