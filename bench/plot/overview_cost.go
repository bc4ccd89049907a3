package plot

import (
	"slices"
	"strings"
)

// inOverview are the cases and measures of bench cost that a reader wants first, as far as a record has them.
var inOverview = []struct{ scenario, measure, title string }{
	{"cpu: 8 connections", "cpu", "CPU, 8 connections"},
	{"cpu: 64 connections", "cpu", "CPU, 64"},
	{"cpu: 256 connections", "cpu", "CPU, 256"},
	{"cpu: 1024 connections", "cpu", "CPU, 1,024"},
	{"cpu: 64 connections", "throughput", "answers/s, 64"},
	{"latency: 50 % of its saturation", "added p50", "added at 50 % of saturation, p50"},
	{"latency: 50 % of its saturation", "added p99", "the same, p99"},
	{"refusal: refused", "of a forwarded one", "a refusal ÷ a forwarded request"},
	{"connections: 1000 idle", "memory an idle connection", "an idle connection"},
	{"connections: 1000 busy", "memory a busy connection", "a busy one"},
}

// costOverview writes one table of the main costs, peers below each other.
func (p Page) costOverview(line printer) {
	reference := p.sources[0].Reference
	line("CPU is the proxy's processor time a request at saturation. Medians%s; × is to %s.\n", p.rounds(), reference)
	header, wanted := []string{"peer"}, inOverview[:0:0]
	for _, w := range inOverview {
		if s := p.section(w.scenario); s.Name != "" && slices.ContainsFunc(s.Columns, func(c Column) bool { return c.Name == w.measure }) {
			header, wanted = append(header, w.title), append(wanted, w)
		}
	}
	tableLine(line, header)
	line("|---|%s", strings.Repeat("---:|", len(wanted)))
	for _, name := range p.present(p.peers()) {
		cells, known := []string{name}, false
		for _, w := range wanted {
			s := p.section(w.scenario)
			r := s.row(name)
			c, of := s.value(r, w.measure)
			known = known || c.Median.There()
			cells = append(cells, costCell(r, c, of))
		}
		if known {
			tableLine(line, cells)
		}
	}
	p.absences(line)
	p.origin(line)
}

func costCell(r Row, c Cell, of Column) string {
	if !c.Median.There() {
		return "–"
	}
	value := strings.TrimSpace(text(c.Median, of.Unit) + " " + of.Unit)
	if c.Ratio.There() && of.Unit == "µs" {
		value += ", × " + ratioText(c.Ratio)
	}
	if r.Void {
		value += " (void)"
	}
	return value
}

// section is the one of that scenario; an empty one if there is none.
func (p Page) section(scenario string) Section {
	i := slices.IndexFunc(p.Sections, func(s Section) bool { return s.Name == scenario })
	if i < 0 {
		return Section{}
	}
	return p.Sections[i]
}
