package plot

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"triage/bench/record"
)

// parts are what can stand in somebody else's text, by the kind of record and the name that the text asks for.
var parts = map[record.Kind]map[string]func(Page, printer){
	record.Compare: {"table": Page.overview, "full": Page.tables},
	record.Cost:    {"table": Page.costOverview, "full": Page.tables},
}

// printer takes lines.
type printer func(format string, args ...any)

// block is what stands between two marks: <!-- bench KIND: PART --> and <!-- bench KIND: end -->, each a line of its own.
var block = regexp.MustCompile(`(?ms)^<!-- bench (\w+): (\w+) -->\n(.*?)^<!-- bench (\w+): end -->$`)

// Into puts a page's tables between the marks of a text that are for records of its kind. What stands elsewhere stays.
func Into(text string, p Page) (string, error) {
	kind := p.sources[0].Kind
	var problems []error
	found := false
	out := block.ReplaceAllStringFunc(text, func(all string) string {
		m := block.FindStringSubmatch(all)
		if record.Kind(m[1]) != kind {
			return all
		}
		found = true
		write, known := parts[kind][m[2]]
		if !known || m[1] != m[4] {
			problems = append(problems, fmt.Errorf("a block %s: %s that ends with bench %s: want table or full, and the end of the same", m[1], m[2], m[4]))
			return all
		}
		var b strings.Builder
		write(p, func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) })
		return fmt.Sprintf("<!-- bench %s: %s -->\n%s<!-- bench %s: end -->", kind, m[2], b.String(), kind)
	})
	if !found {
		problems = append(problems, fmt.Errorf("no place for records of bench %s: want a line <!-- bench %s: table --> or full, and below it <!-- bench %s: end -->", kind, kind, kind))
	}
	return out, errors.Join(problems...)
}
