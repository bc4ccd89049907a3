package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"triage/bench/plot"
)

// What the texts say of records is what the committed records say, to the letter.
func TestDocsTablesAreTheRecords(t *testing.T) {
	for _, c := range []struct {
		record, picture string
		texts           []string
		remedy          string
	}{
		{"bench/results/compare.json", "docs/compare.svg", []string{"README.md", "docs/comparison.md"}, "make compare-pages"},
	} {
		path := filepath.Join(docRoot, c.record)
		if facts, err := os.Stat(path); err != nil || facts.Size() > 1<<20 {
			t.Fatalf("%s: %v; want a record of at most 1 MiB (bench report --small)", c.record, err)
		}
		source, err := plot.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		page, err := plot.New([]plot.Source{source})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range c.texts {
			is := docText(t, name)
			if want, err := plot.Into(is, page); err != nil || want != is {
				t.Errorf("%s: %v; its tables are not what %s says: %s writes them", name, err, c.record, c.remedy)
			}
		}
		var picture bytes.Buffer
		if err := plot.WritePicture(&picture, page); err != nil || picture.String() != docText(t, c.picture) {
			t.Errorf("%s: %v; it is not drawn from %s: %s draws it", c.picture, err, c.record, c.remedy)
		}
	}
}
