package plot

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// WriteJSON writes the tables, with the places that each number rests on.
func WriteJSON(to io.Writer, p Page) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(p.Report); err != nil {
		return fmt.Errorf("writing the tables: %w", err)
	}
	return nil
}

// WriteMarkdown writes what can be read in a repository.
func WriteMarkdown(to io.Writer, p Page) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Measured: %s\n", p.Title)
	line("A value is the median of the runs that count, with the least and the most behind it where there are several. `!` is before what misses its goal.")
	p.tables(line)
	if _, err := io.WriteString(to, b.String()); err != nil {
		return fmt.Errorf("writing the tables: %w", err)
	}
	return nil
}

// tables are those of all scenarios, and where the numbers are from.
func (p Page) tables(line printer) {
	for _, s := range p.Sections {
		line("\n## %s\n", s.Name)
		if s.Doc != "" {
			line("%s\n", strings.TrimSpace(s.Doc))
		}
		s.markdown(line)
	}
	line("\n## Records\n")
	for _, r := range p.Records {
		line("- %s: `%s` (SHA-256 %s…), `%s`, %s, triage %s, commit %s, %s; %d cores, %s, %s, %s.", r.ID, r.File, r.SHA256, r.Command, r.Begun,
			r.Triage.Version, r.Triage.Commit, r.Triage.Go, r.Machine.Cores, r.Machine.CPU, bytesText(r.Machine.Memory), r.Machine.System)
	}
}

func (s Section) markdown(line printer) {
	cells := []string{"peer"}
	for _, c := range s.Columns {
		if c.Main {
			cells = append(cells, strings.TrimSpace(c.Name+" "+goalText(c)))
		}
	}
	cells = append(cells, "late of sent", "from")
	tableLine(line, cells)
	line("|---|%s---|", strings.Repeat("---:|", len(cells)-2))
	for _, r := range s.Rows {
		cells := []string{r.Peer}
		if r.Absent != "" {
			tableLine(line, []string{r.Peer, "absent: " + r.Absent})
			continue
		}
		for i, c := range r.Cells {
			column := s.Columns[i]
			if !column.Main {
				continue
			}
			value := text(c.Median, column.Unit)
			if !met(c, column) && r.Peer != oracleRow {
				value = "! " + value
			}
			if span := rangeText(c, column); span != "" {
				value += " (" + span + ")"
			}
			if c.Ratio.There() && s.Ratios {
				value += ", × " + ratioText(c.Ratio)
			}
			cells = append(cells, value)
		}
		late := "–"
		if r.Sent > 0 {
			late = fmt.Sprintf("%d of %d", r.Late, r.Sent)
		}
		tableLine(line, append(cells, late, r.Where()))
	}
	for _, r := range s.Rows {
		for _, note := range r.Notes {
			line("\n%s: %s", r.Peer, note)
		}
	}
}

// tableLine escapes what would end a cell.
func tableLine(line printer, cells []string) {
	var b strings.Builder
	for _, c := range cells {
		b.WriteString("| " + strings.NewReplacer("|", `\|`, "\n", " ").Replace(c) + " ")
	}
	line("%s|", b.String())
}
