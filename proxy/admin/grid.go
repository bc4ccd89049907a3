package admin

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// width is how many columns a table may take: what two panes on a laptop leave.
const width = 100

// gap stands between two columns.
const gap = "  "

// tint is an ANSI escape (ECMA-48, select graphic rendition); "" is none.
type tint string

const (
	plain  tint = ""
	bold   tint = "\x1b[1m"
	red    tint = "\x1b[31m"
	yellow tint = "\x1b[33m"
	reset       = "\x1b[0m"
)

func (t tint) paint(text string, color bool) string {
	if t == plain || !color {
		return text
	}
	return string(t) + text + reset
}

// column is one column of a grid.
type column struct {
	title string
	// right aligns numbers.
	right bool
	// least is how far a grid that is too wide may narrow the column; 0 is not at all.
	least int
}

// cell is one text of a grid.
type cell struct {
	text string
	tint tint
}

func text(s string) cell { return cell{text: s} }

// grid aligns rows of cells under their titles.
type grid struct {
	columns []column
	rows    [][]cell
}

func (g *grid) row(cells ...cell) {
	for i := range cells {
		cells[i].text = clean(cells[i].text)
	}
	g.rows = append(g.rows, cells)
}

// section writes the grid below an empty line; one without rows is left out.
func (g *grid) section(b *strings.Builder, color bool) {
	if len(g.rows) > 0 {
		b.WriteString("\n")
		g.write(b, color)
	}
}

func (g *grid) write(b *strings.Builder, color bool) {
	widths := g.widths()
	titles := make([]cell, len(g.columns))
	for i, c := range g.columns {
		titles[i] = cell{c.title, bold}
	}
	g.line(b, widths, titles, color)
	for _, row := range g.rows {
		g.line(b, widths, row, color)
	}
}

// widths gives each column what its longest text needs and takes from the widest that may be narrowed until all fit.
func (g *grid) widths() []int {
	widths, total := make([]int, len(g.columns)), len(gap)*(len(g.columns)-1)
	for i, c := range g.columns {
		widths[i] = utf8.RuneCountInString(c.title)
		for _, row := range g.rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
		total += widths[i]
	}
	for ; total > width; total-- {
		widest := -1
		for i, c := range g.columns {
			if c.least > 0 && widths[i] > c.least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return widths
}

func (g *grid) line(b *strings.Builder, widths []int, cells []cell, color bool) {
	var line strings.Builder
	for i, c := range cells {
		if i > 0 {
			line.WriteString(gap)
		}
		shown := shorten(c.text, widths[i])
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(shown))
		if g.columns[i].right {
			line.WriteString(pad + c.tint.paint(shown, color))
		} else {
			line.WriteString(c.tint.paint(shown, color) + pad)
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

func shorten(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

// clean takes out what would move the cursor or forge a line: names come from a file, reasons may quote a backend.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// wrap breaks a sentence at spaces into lines of at most the width, each with the indent.
func wrap(b *strings.Builder, indent, sentence string) {
	line := indent
	for _, word := range strings.Fields(clean(sentence)) {
		if line != indent && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	b.WriteString(line + "\n")
}
