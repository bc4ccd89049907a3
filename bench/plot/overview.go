package plot

import (
	"fmt"
	"slices"
	"strings"

	"triage/bench/record"
)

// The measures of an overview.
const (
	critical = "critical"
	total    = "total"
)

// overview writes one table of all scenarios, peers below each other, and below it what is missed.
func (p Page) overview(line printer) {
	line("Served while something is wrong ÷ what the oracle serves: critical / all requests. Medians%s.\n", p.rounds())
	header, names := []string{"peer"}, p.peers()
	for _, s := range p.Sections {
		header = append(header, episode(s.Name))
	}
	tableLine(line, header)
	line("|---|%s", strings.Repeat("---:|", len(p.Sections)))
	for _, name := range p.present(names) {
		cells, mark := []string{name}, ""
		for _, s := range p.Sections {
			r := s.row(name)
			if r.Own {
				mark = "**"
			}
			cells = append(cells, s.overviewCell(r))
		}
		for i := range cells {
			cells[i] = mark + cells[i] + mark
		}
		tableLine(line, cells)
	}
	p.absences(line)
	p.misses(line)
	p.origin(line)
}

// present are those that were there to be measured in some scenario.
func (p Page) present(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), p.absent)
}

// absent says that a peer was there in no scenario.
func (p Page) absent(peer string) bool {
	return !slices.ContainsFunc(p.Sections, func(s Section) bool {
		return slices.ContainsFunc(s.Rows, func(r Row) bool { return r.Peer == peer && r.Absent == "" })
	})
}

// absences names who was not there.
func (p Page) absences(line printer) {
	if all := slices.DeleteFunc(p.peers(), func(name string) bool { return !p.absent(name) }); len(all) > 0 {
		line("\nAbsent, for the machine had not installed them: %s.", strings.Join(all, ", "))
	}
}

// rounds says how many runs a median is of.
func (p Page) rounds() string {
	least, most := 0, 0
	for _, s := range p.Sections {
		for _, r := range s.Rows {
			if r.Runs > 0 && r.Peer != oracleRow {
				if least == 0 {
					least = r.Runs
				}
				least, most = min(least, r.Runs), max(most, r.Runs)
			}
		}
	}
	switch {
	case least != most:
		return fmt.Sprintf(" of %d to %d runs", least, most)
	case most == 1:
		return " of one run"
	}
	return fmt.Sprintf(" of %d runs", most)
}

// peers are all that have a row somewhere, but the oracle.
func (p Page) peers() (names []string) {
	for _, s := range p.Sections {
		for _, r := range s.Rows {
			if r.Peer != oracleRow && !slices.Contains(names, r.Peer) {
				names = append(names, r.Peer)
			}
		}
	}
	return names
}

// episode is a scenario without its draw.
func episode(scenario string) string {
	name, _, _ := strings.Cut(scenario, ",")
	return name
}

// row is a peer's; an empty one if it has none.
func (s Section) row(peer string) Row {
	for _, r := range s.Rows {
		if r.Peer == peer {
			return r
		}
	}
	return Row{Peer: peer}
}

// value is a row's median of a measure, and its column.
func (s Section) value(r Row, measure string) (c Cell, of Column) {
	i := slices.IndexFunc(s.Columns, func(c Column) bool { return c.Name == measure })
	if i < 0 || i >= len(r.Cells) {
		return Cell{Median: record.Missing()}, of
	}
	return r.Cells[i], s.Columns[i]
}

func (s Section) overviewCell(r Row) string {
	first, _ := s.value(r, critical)
	second, _ := s.value(r, total)
	if !first.Median.There() && !second.Median.There() {
		return "–"
	}
	void := ""
	if r.Void {
		void = " (void)"
	}
	return text(first.Median, "") + " / " + text(second.Median, "") + void
}

// misses lists, for each scenario, which goals the page's own peer misses and who serves more.
func (p Page) misses(line printer) {
	line("")
	line("Where %s misses a goal, or somebody serves more (by more than two runs of the same differ):\n", own)
	none := true
	for _, s := range p.Sections {
		mine := s.row(own)
		if mine.Cells == nil {
			continue
		}
		said := append(s.missed(mine), s.better(mine)...)
		if len(said) > 0 {
			line("- %s: %s", episode(s.Name), strings.Join(said, "; "))
			none = false
		}
	}
	if none {
		line("- nowhere")
	}
}

func (s Section) missed(mine Row) (said []string) {
	for i, c := range mine.Cells {
		if of := s.Columns[i]; !met(c, of) {
			said = append(said, fmt.Sprintf("`%s` %s (%s)", of.Name, text(c.Median, of.Unit), goalText(of)))
		}
	}
	return said
}

func (s Section) better(mine Row) (said []string) {
	for _, measure := range []string{critical, total} {
		best, of := s.value(mine, measure)
		var who []string
		for _, r := range s.Rows {
			if c, _ := s.value(r, measure); r.Peer != oracleRow && r.Peer != own && c.Median > best.Median+record.Number(of.Margin) {
				who = append(who, fmt.Sprintf("%s (%s)", r.Peer, text(c.Median, of.Unit)))
			}
		}
		if len(who) > 0 {
			said = append(said, fmt.Sprintf("more %s: %s", measure, strings.Join(who, ", ")))
		}
	}
	return said
}

// origin says where the numbers are from.
func (p Page) origin(line printer) {
	line("")
	for _, r := range p.Records {
		line("Record: %s, %s, commit %.10s, %d cores, %s. `%s`", r.File, r.Begun, r.Triage.Commit, r.Machine.Cores, r.Machine.CPU, r.Command)
		if r.Cut != "" {
			line("Cut short: %s", r.Cut)
		}
	}
}
