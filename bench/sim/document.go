package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// Document is what came of a bench, with what it takes to run it again.
type Document struct {
	// Command, Commit, Date and Go say how, of what, when and with what it was run.
	Command string `json:"command"`
	Commit  string `json:"commit"`
	Date    string `json:"date"`
	Go      string `json:"go"`
	Draw    Draw   `json:"draw"`
	Seeds   int    `json:"seeds"`
	// Measures are those of the program that wrote it.
	Measures []Measure `json:"measures"`
	Episodes []Line    `json:"episodes"`
	Policies []Line    `json:"policies"`
	Records  []Record  `json:"records"`
}

// Line is a name with a line for people.
type Line struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
}

// Document puts a bench's records together with what the bench was.
func (b Bench) Document(records []Record) Document {
	d := Document{Draw: or(b.Draw, Development), Seeds: or(b.Seeds, 5), Measures: Measures(), Records: records}
	for _, e := range b.Episodes {
		d.Episodes = append(d.Episodes, Line{e.Name, e.Doc})
	}
	for _, p := range b.Policies {
		d.Policies = append(d.Policies, Line{p.Name, p.Doc})
	}
	return d
}

// WriteJSON writes a document: values with four significant digits, those of single seeds as rows in the order of the measures.
func WriteJSON(to io.Writer, d Document) error { return json.NewEncoder(to).Encode(d) }

// ReadJSON reads what WriteJSON wrote. Measures that are not those of this program are an error: the values would mean something else.
func ReadJSON(from io.Reader) (d Document, err error) {
	if err := json.NewDecoder(from).Decode(&d); err != nil {
		return d, fmt.Errorf("reading results: %w", err)
	}
	ours := Measures()
	if len(d.Measures) != len(ours) {
		return d, fmt.Errorf("reading results: %d measures; this program has %d", len(d.Measures), len(ours))
	}
	for i, m := range d.Measures {
		if m != ours[i] {
			return d, fmt.Errorf("reading results: measure %q; this program has %q there, or another goal", m.Name, ours[i].Name)
		}
	}
	return d, nil
}

// recordJSON is a Record on paper. The median can be had from the seeds; the worst is there by name, for those who only want to look.
type recordJSON struct {
	Episode string     `json:"episode"`
	Policy  string     `json:"policy"`
	Draw    Draw       `json:"draw"`
	Worst   Values     `json:"worst"`
	Missed  []string   `json:"missed"`
	Seeds   [][]*digit `json:"seeds"`
	Course  *Course    `json:"course,omitempty"`
}

// digit is a value with four significant digits; a nil is one that does not apply.
type digit float64

// MarshalJSON writes the record.
func (r Record) MarshalJSON() ([]byte, error) {
	out := recordJSON{r.Episode, r.Policy, r.Draw, r.Worst, append([]string{}, r.Missed()...), nil, r.Course}
	for _, v := range r.Seeds {
		row := make([]*digit, len(v))
		for i, x := range v {
			if !math.IsNaN(x) && !math.IsInf(x, 0) {
				d := digit(round(x, valueDigits))
				row[i] = &d
			}
		}
		out.Seeds = append(out.Seeds, row)
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads it back; median and worst are taken anew from the seeds.
func (r *Record) UnmarshalJSON(text []byte) error {
	var in recordJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*r = Record{Episode: in.Episode, Policy: in.Policy, Draw: in.Draw, Course: in.Course}
	for _, row := range in.Seeds {
		if len(row) != len(Measures()) {
			return fmt.Errorf("%s, %s: a seed has %d values; want %d", in.Episode, in.Policy, len(row), len(Measures()))
		}
		v := make(Values, len(row))
		for i, d := range row {
			v[i] = math.NaN()
			if d != nil {
				v[i] = float64(*d)
			}
		}
		r.Seeds = append(r.Seeds, v)
	}
	r.summarise()
	return nil
}

// MarshalJSON gives values by the names of their measures; what does not apply is left out.
func (v Values) MarshalJSON() ([]byte, error) {
	table := map[string]float64{}
	for i, m := range Measures() {
		if i < len(v) && !math.IsNaN(v[i]) && !math.IsInf(v[i], 0) {
			table[m.Name] = round(v[i], valueDigits)
		}
	}
	return json.Marshal(table)
}

// UnmarshalJSON reads the same.
func (v *Values) UnmarshalJSON(text []byte) error {
	var table map[string]float64
	if err := json.Unmarshal(text, &table); err != nil {
		return err
	}
	*v = make(Values, len(Measures()))
	for i, m := range Measures() {
		(*v)[i] = math.NaN()
		if x, there := table[m.Name]; there {
			(*v)[i] = x
		}
	}
	return nil
}
