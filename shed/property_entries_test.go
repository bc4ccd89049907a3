package shed_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"triage/shed"
)

// told follows what the entries say of limits, groups and the level.
type told struct {
	seq    uint64
	limits map[string]float64 // by group, or by route of which nothing is known
	level  float64
	news   []shed.Entry // since it was last asked
}

func (e *told) read(c *shed.Controller) {
	e.news = c.Entries(e.seq, time.Unix(0, 0))
	for _, n := range e.news {
		e.seq = n.Seq
		switch {
		case n.Kind == "limit", n.Kind == "group" && (strings.Contains(n.Reason, " suffer") || strings.Contains(n.Reason, " joins: ") || strings.Contains(n.Reason, "is the same bottleneck")):
			e.limits[n.Subject] = n.To
		case n.Kind == "level":
			e.level = n.To
		}
	}
}

// mention reports whether a new entry of the kind speaks of the subject.
func (e *told) mention(kind, subject string) bool {
	return slices.ContainsFunc(e.news, func(n shed.Entry) bool {
		return n.Kind == kind && (n.Subject == subject || slices.Contains(strings.FieldsFunc(n.Reason, func(r rune) bool { return strings.ContainsRune(" ,:", r) }), subject))
	})
}

// Every change of a limit, of the level and of who is in which group is an entry, whether the law acts or observes: whoever reads nothing else
// knows each limit to a fifth. And whatever is shown can be written as JSON, which has no infinity.
func TestEveryChangeIsAnEntry(t *testing.T) {
	for name, observe := range map[string]bool{"acting": false, "observing": true} {
		t.Run(name, func(t *testing.T) {
			moves := map[string]int{}
			checked(t, func() bool { return moves["group"] >= 10 && moves["limit"] > 0 }, func(t *rapid.T) {
				w := drawWorld(t)
				w.observe = observe
				entries, groups := told{limits: map[string]float64{}}, make([]string, len(w.plan))
				w.after = func(call string) {
					if call != "Tick" && call != "Configure" {
						return
					}
					entries.read(w.c)
					s := w.snapshot()
					if _, err := json.Marshal([]any{s, entries.news}); err != nil {
						t.Fatalf("what is shown cannot be written: %v", err)
					}
					for _, g := range s.Groups {
						if was, known := entries.limits[g.Name]; g.Limit > 0 && (!known || math.Abs(g.Limit-was) > 0.21*was) {
							t.Fatalf("the limit of %s is %.2f, and the entries say %.2f", g.Name, g.Limit, was)
						}
					}
					for i, now := range w.groupOf() {
						if r := w.routes[i]; r != nil && now != groups[i] {
							moves["group"]++
							gone := groups[i] != "" && entries.mention("group", groups[i])
							if !gone && !entries.mention("group", r.Name()) && !entries.mention("group", now) {
								t.Fatalf("%s has gone from group %q to %q, and the entries do not say so: %+v", r.Name(), groups[i], now, entries.news)
							}
						}
						groups[i] = now
					}
					if level := w.c.Level(); level != entries.level {
						t.Fatalf("the level is %.2f, and the entries say %.2f", level, entries.level)
					}
					for _, e := range entries.news {
						moves[e.Kind]++
						if e.Reason == "" || e.Subject == "" || e.Seq == 0 || e.Time.IsZero() {
							t.Fatalf("an entry that does not say what, when and why: %+v", e)
						}
					}
				}
				w.run()
			})
			t.Logf("%v", moves)
		})
	}
}
