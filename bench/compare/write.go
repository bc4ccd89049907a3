package compare

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"triage/bench/record"
)

// WriteJSON writes the tables' numbers. What they are made of is in the record.
func WriteJSON(to io.Writer, r record.Record) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Command   string        `json:"command"`
		Cut       string        `json:"cut_short,omitempty"`
		Peers     []record.Peer `json:"peers"`
		Scenarios []Part        `json:"scenarios"`
	}{r.Command, r.Cut, r.Peers, Table(r)})
}

// WriteText writes tables for a terminal.
func WriteText(to io.Writer, r record.Record) error {
	var b strings.Builder
	write(&b, r, func(rows [][]string) {
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, cells := range rows {
			fmt.Fprintln(w, strings.Join(cells, "\t"))
		}
		w.Flush()
		b.WriteString("\n")
	}, "")
	_, err := io.WriteString(to, b.String())
	return err
}

// WriteMarkdown writes the same as Markdown.
func WriteMarkdown(to io.Writer, r record.Record) error {
	var b strings.Builder
	fmt.Fprintf(&b, "`%s`, commit %s, %s, %s, %d cores, %s.\n\n", r.Command, r.Triage.Commit, r.Begun.Format("2006-01-02"), r.Machine.CPU, r.Machine.Cores, r.Triage.Go)
	write(&b, r, func(rows [][]string) {
		for i, cells := range rows {
			b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
			if i == 0 {
				b.WriteString("|---|" + strings.Repeat("---:|", len(cells)-1) + "\n")
			}
		}
		b.WriteString("\n")
	}, "## ")
	_, err := io.WriteString(to, b.String())
	return err
}

// write lays the page out: all scenarios in one table, then each in its own, then who the peers are.
func write(b *strings.Builder, r record.Record, table func([][]string), heading string) {
	parts := Table(r)
	if r.Cut != "" {
		fmt.Fprintf(b, "Cut short: %s\n\n", r.Cut)
	}
	if len(parts) > 1 {
		fmt.Fprintf(b, "%sCritical and total, against the oracle, medians\n\n", heading)
		table(overview(parts))
	}
	for _, p := range parts {
		fmt.Fprintf(b, "%s%s\n\n", heading, p.Scenario)
		rows := [][]string{titles()}
		var notes []string
		for _, row := range p.Rows {
			if row.Absent != "" {
				continue
			}
			rows = append(rows, row.cells())
			for _, why := range row.Trouble {
				notes = append(notes, fmt.Sprintf("%s: some runs do not count: %s\n", row.Peer, why))
			}
		}
		table(rows)
		b.WriteString(strings.Join(notes, ""))
		if len(notes) > 0 {
			b.WriteString("\n")
		}
	}
	fmt.Fprintf(b, "%sPeers\n\n", heading)
	rows := [][]string{{"peer", "what it is", "version"}}
	for _, p := range r.Peers {
		version := p.Version
		if p.Absent != "" {
			version = "absent: " + p.Absent
		}
		rows = append(rows, []string{p.Name, p.Doc, version})
	}
	table(rows)
}

// overview has a row for each peer and a column for each scenario.
func overview(parts []Part) [][]string {
	rows := [][]string{{"peer"}}
	for _, p := range parts {
		rows[0] = append(rows[0], p.Scenario)
	}
	for i, first := range parts[0].Rows {
		cells := []string{first.Peer}
		for _, p := range parts {
			critical, total := p.Rows[i].Values["critical"], p.Rows[i].Values["total"]
			switch {
			case first.Absent != "":
				cells = append(cells, "absent")
			case critical.Of == 0:
				cells = append(cells, "-")
			default:
				void := ""
				if p.Rows[i].Shown {
					void = " (void)"
				}
				cells = append(cells, fmt.Sprintf("%.2f / %.2f%s", float64(critical.Median), float64(total.Median), void))
			}
		}
		rows = append(rows, cells)
	}
	return rows
}
