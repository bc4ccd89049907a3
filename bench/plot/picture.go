package plot

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"triage/bench/record"
)

//go:embed picture.svg
var pictureText string

var picture = template.Must(template.New("picture").Parse(pictureText))

// The picture's units: as wide as a README.
const (
	pictureWidth = 880
	names        = 138 // of the peers
	cellHeight   = 40
	rowHeight    = 50
	lowRow       = 64 // of a row with its numbers below the charts
	fewColumns   = 4  // up to which numbers stand beside the charts
	headHeight   = 64
	cellGap      = 10
	number       = 56 // of a cell, for its numbers
)

// pictureView is what the template sees.
type pictureView struct {
	Width, Height, Foot int
	RowHeight, Box      int
	CellHeight          int
	Title, Label        string
	Class               string
	Columns             []pictureColumn
	Rows                []pictureRow
	Words               []pictureWords
}

// pictureWords is a line below the picture.
type pictureWords struct {
	Y    int
	Text string
}

type pictureColumn struct {
	X     int
	Lines []string
}

type pictureRow struct {
	Y     int
	Name  string
	Under string // what is said below the name
	Own   bool
	Cells []pictureCell
}

type pictureCell struct {
	X, Plot                 int
	NumberX, NumberY        int
	AllX, AllY              int
	AllEnds                 bool // the second number ends at its place
	Offered, Served, Oracle string
	Percent, All            string
	Lost                    bool
	Shades                  []shade
}

// WritePicture writes peers below each other and scenarios beside each other: what was wanted of the most important class, what was served, and
// what the oracle serves. It is for light and dark, and needs nothing from elsewhere.
func WritePicture(to io.Writer, p Page) error {
	v, err := p.picture()
	if err == nil {
		err = picture.Execute(to, v)
	}
	if err != nil {
		return fmt.Errorf("drawing the picture: %w", err)
	}
	return nil
}

func (p Page) picture() (v pictureView, err error) {
	drawn := slices.DeleteFunc(slices.Clone(p.groups), func(g group) bool { return len(g.classes) == 0 || !g.hasCourse() })
	if len(drawn) == 0 {
		return v, fmt.Errorf("no run of these records has a course")
	}
	v = pictureView{Width: pictureWidth, Class: drawn[0].classes[0]}
	v.Title = fmt.Sprintf("What is served of the %s requests", v.Class)
	cell := (pictureWidth-names-16)/len(drawn) - cellGap
	v.RowHeight, v.CellHeight = rowHeight, cellHeight
	if len(drawn) > fewColumns {
		v.RowHeight = lowRow
	}
	v.Box = v.RowHeight - 2
	var labels, absent []string
	for column, g := range drawn {
		x := names + column*(cell+cellGap)
		name, _, _ := strings.Cut(g.name, ",")
		v.Columns = append(v.Columns, pictureColumn{x, wrapped(name, cell)})
		runs := g.typicals(p.sources)
		for _, r := range g.rows {
			name := r.name(len(p.sources) > 1)
			t := r.typical(p.sources[r.source].Measures, g.seed())
			if t == nil {
				if !slices.Contains(absent, name) {
					absent = append(absent, name)
				}
				continue
			}
			row := v.row(r, len(p.sources) > 1)
			c := g.pictureCell(*t, runs, cell, len(drawn) > fewColumns)
			c.X, c.Percent, c.All = x, g.percentServed(r, g.classes[0]), g.percentServed(r, "")
			row.Cells = append(row.Cells, c)
			labels = append(labels, fmt.Sprintf("%s, %s: %s, of all requests %s", g.name, name, c.Percent, c.All))
		}
	}
	v.Foot = headHeight + len(v.Rows)*v.RowHeight + 14
	v.Label = v.Title + ". " + strings.Join(labels, "; ")
	words := []string{
		"Light: wanted. Full: served. Line: what an oracle serves that knows the capacity at every moment.",
		"Numbers: the share served while something is wrong, of this class and of all; the median of the runs.",
	}
	if absent != nil {
		words = append(words, "Not there to be measured: "+strings.Join(absent, ", ")+".")
	}
	for i, s := range p.Records {
		words = append(words, fmt.Sprintf("R%d: %s, %s, commit %.10s, %d cores, %s.", i+1, s.File, s.Begun, s.Triage.Commit, s.Machine.Cores, s.Machine.CPU))
	}
	for i, w := range words {
		v.Words = append(v.Words, pictureWords{v.Foot + 15*i, w})
	}
	v.Height = v.Foot + 15*len(words) + 6
	return v, nil
}

func (v *pictureView) row(r row, several bool) *pictureRow {
	under := ""
	if r.peer.Tuned && !strings.HasSuffix(r.peer.Name, "-tuned") {
		under = "tuned by hand"
	}
	if several {
		under = strings.TrimSpace(fmt.Sprintf("%s R%d", under, r.source+1))
	}
	i := slices.IndexFunc(v.Rows, func(o pictureRow) bool { return o.Name == r.peer.Name && o.Under == under })
	if i < 0 {
		v.Rows = append(v.Rows, pictureRow{Y: headHeight + len(v.Rows)*v.RowHeight, Name: r.peer.Name, Under: under, Own: r.peer.Name == own})
		i = len(v.Rows) - 1
	}
	return &v.Rows[i]
}

// hasCourse reports whether some run can be drawn over time.
func (g group) hasCourse() bool {
	return slices.ContainsFunc(g.rows, func(r row) bool { return slices.ContainsFunc(r.runs, func(t run) bool { return len(t.Routes) > 0 }) })
}

// seed is the one that is drawn: the first that there is.
func (g group) seed() int {
	for _, r := range g.rows {
		if len(r.runs) > 0 {
			return r.runs[0].scenario.Seed
		}
	}
	return 0
}

// typicals are the runs that are drawn.
func (g group) typicals(sources []Source) (all []*run) {
	for _, r := range g.rows {
		if t := r.typical(sources[r.source].Measures, g.seed()); t != nil && len(t.Routes) > 0 {
			all = append(all, t)
		}
	}
	return all
}

func (g group) percentServed(r row, class string) string {
	c := cell(r.valid(), r, "routes[*].served", func(t run) record.Number { return g.share(t, class, served) })
	return text(c.Median, "%") + " %"
}

func (g group) pictureCell(t run, all []*run, cell int, below bool) pictureCell {
	class := g.classes[0]
	c := pictureCell{Plot: cell - number, NumberX: cell - number + 4, NumberY: 19, AllX: cell - number + 4, AllY: 35, Lost: g.share(t, class, served) < 90}
	if below {
		c = pictureCell{Plot: cell, NumberY: cellHeight + 14, AllX: cell, AllY: cellHeight + 14, AllEnds: true, Lost: c.Lost}
	}
	x := axis{from: 0, to: max(t.lasts(), 1e-9), at: 0, size: float64(c.Plot)}
	y := upwards(0, tallest(all, class), 0, cellHeight, false)
	draw := func(of func(record.Route) []int, area bool) string {
		values, every := thin(classSeries(t, class, of), 1, mean)
		return steps(values, nil, every, x, y, area)
	}
	c.Offered, c.Served, c.Oracle, c.Shades = draw(offered, true), draw(served, true), draw(ideal, false), shades(t.scenario, x)
	return c
}

// wrapped breaks a name at a hyphen if it is too long.
func wrapped(name string, room int) []string {
	most := int(float64(room) / letter)
	if len(name) <= most {
		return []string{name}
	}
	at := strings.LastIndex(name[:min(most, len(name))], "-")
	if at <= 0 {
		return []string{name}
	}
	return []string{name[:at+1], name[at+1:]}
}
