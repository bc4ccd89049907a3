package plot_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"triage/bench/plot"
	"triage/bench/record"
)

// noNumber is a place of a drawing that is none.
var noNumber = regexp.MustCompile(` (d|x|y|x1|x2|y1|y2|width)="[MVHL0-9. -]*(NaN|[+-]?Inf)`)

// Whatever record can be read can be shown: no panic, no number that is none, no markup out of its words.
func FuzzPage(f *testing.F) {
	for _, r := range []record.Record{invented(1), inventedCost()} {
		r.Scenarios, r.Runs = r.Scenarios[:1], r.Runs[:1]
		var text bytes.Buffer
		if err := record.Encode(&text, r); err != nil {
			f.Fatal(err)
		}
		f.Add(text.Bytes())
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := record.Decode(bytes.NewReader(text))
		if err != nil || len(text) > 200_000 {
			return
		}
		p, err := plot.New([]plot.Source{{Name: "fuzz", Record: r}})
		if err != nil {
			return
		}
		var page, drawing bytes.Buffer
		if err := plot.WriteHTML(&page, p); err != nil {
			t.Fatal(err)
		}
		if err := plot.WritePicture(&drawing, p); err != nil {
			drawing.Reset() // nothing has a course
		}
		if strings.Contains(page.String(), "<script") || noNumber.MatchString(page.String()+drawing.String()) {
			t.Error("markup out of a record, or numbers that are none")
		}
	})
}
