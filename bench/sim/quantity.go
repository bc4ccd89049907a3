package sim

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// quantity is a number with a unit, or a range of them: 3, 40ms, 10%, 200/s, [2, 4]. The zero value is nothing said.
type quantity struct {
	low, high float64
	unit      string // "", "%", "/s" or "s"; a share is a fraction, a time is in seconds
	said      bool
}

// The kinds of quantity: which units one may have.
type (
	factor struct{ quantity }
	share  struct{ quantity }
	span   struct{ quantity }
	rate   struct{ quantity }
)

// UnmarshalYAML reads a plain number.
func (q *factor) UnmarshalYAML(n *yaml.Node) error { return q.read(n, "a number such as 3", "") }

// UnmarshalYAML reads a share.
func (q *share) UnmarshalYAML(n *yaml.Node) error { return q.read(n, "a share such as 30%", "%") }

// UnmarshalYAML reads a time.
func (q *span) UnmarshalYAML(n *yaml.Node) error { return q.read(n, "a time such as 40ms", "s") }

// UnmarshalYAML reads a rate: absolute, or as a share of what the narrowest resource can do.
func (q *rate) UnmarshalYAML(n *yaml.Node) error {
	return q.read(n, "a rate such as 200/s, or 10% of what the narrowest resource can do", "%", "/s")
}

func (q *quantity) read(n *yaml.Node, want string, units ...string) error {
	ends := []*yaml.Node{n, n}
	if n.Kind == yaml.SequenceNode && len(n.Content) == 2 {
		ends = n.Content
	}
	low, unit, ok := parseQuantity(ends[0].Value)
	high, other, fine := parseQuantity(ends[1].Value)
	if !ok || !fine || unit != other || !slices.Contains(units, unit) {
		return fmt.Errorf("line %d: want %s, or a range of two of them", n.Line, want)
	}
	if low > high {
		return fmt.Errorf("line %d: the range begins at %s and ends at %s; want the lower end first", n.Line, ends[0].Value, ends[1].Value)
	}
	*q = quantity{low, high, unit, true}
	return nil
}

// parseQuantity reads a number and its unit.
func parseQuantity(s string) (v float64, unit string, ok bool) {
	s = strings.TrimSpace(s)
	scale := 1.0
	for _, u := range []string{"%", "/s"} {
		if rest, found := strings.CutSuffix(s, u); found {
			s, unit = rest, u
		}
	}
	if unit == "%" {
		scale = 0.01
	}
	if v, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
		return v * scale, unit, !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	if d, err := time.ParseDuration(s); err == nil && unit == "" {
		return d.Seconds(), "s", true
	}
	return 0, "", false
}

// draw turns ranges into numbers. Equal ranges of one field give equal numbers within one scenario, so that two phases of one crowd
// are the same crowd.
type draw struct{ seed uint64 }

func newDraw(which Draw, episode string, seed int) draw {
	return draw{mix(mix(hash(string(which)), hash(episode)), uint64(seed))}
}

// hash is FNV-1a.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

func (d draw) number(field string, q quantity) float64 {
	if q.low == q.high {
		return q.low
	}
	die := newDice(mix(mix(d.seed, hash(field)), mix(math.Float64bits(q.low), math.Float64bits(q.high))))
	return q.low + (q.high-q.low)*die.Float64()
}

func (d draw) time(field string, q span) time.Duration { return seconds(d.number(field, q.quantity)) }

// numbers draws each entry of a table.
func numbers[Q interface{ base() quantity }](d draw, field string, table map[string]Q) map[string]float64 {
	if table == nil {
		return nil
	}
	out := make(map[string]float64, len(table))
	for name, q := range table {
		out[name] = d.number(field, q.base())
	}
	return out
}

func (q quantity) base() quantity { return q }
