package admin

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"triage/proxy"
)

// lastEntries is how many changes the table shows.
const lastEntries = 10

// Table writes the status for people: 100 columns, the most important routes first, the newest change last.
func (s Status) Table(w io.Writer, color bool) {
	var b strings.Builder
	s.header(&b, color)
	s.routes().section(&b, color)
	s.groups().section(&b, color)
	s.reasons(&b)
	s.reliefs().section(&b, color)
	s.endpoints().section(&b, color)
	s.changes().section(&b, color)
	// Whoever reads has gone away if this fails; there is nobody to tell.
	_, _ = io.WriteString(w, b.String())
}

func (s Status) header(b *strings.Builder, color bool) {
	state := cell{"serving", plain}
	if s.Draining {
		state = cell{"DRAINING", yellow}
	}
	up := time.Duration(s.Uptime * float64(time.Second))
	fmt.Fprintf(b, "triage %s   config %s   %s   up %s, since %s\n", bold.paint(clean(s.Version), color), shorten(clean(s.Config.Hash), 12),
		state.tint.paint(state.text, color), age(up), s.Started.Format("2006-01-02 15:04:05 MST"))
	if s.Config.LastError != "" {
		first, rest, more := strings.Cut(s.Config.LastError, "\n")
		if more {
			first += fmt.Sprintf(" (and %d more)", 1+strings.Count(rest, "\n"))
		}
		warn(b, color, "the last reload failed, the configuration of "+s.Config.LoadedAt.Format(time.TimeOnly)+" stays: "+first)
	}
	if i := s.Incident; i != nil {
		warn(b, color, fmt.Sprintf("incident %s, %s since %s: %s", i.ID, i.State, utc(i.OpenedAt), i.Title))
		warn(b, color, fmt.Sprintf("where: %s (confidence %.2f)", i.Verdict.Sentence(), i.Verdict.Confidence))
	}
	for _, l := range s.Levers {
		warn(b, color, fmt.Sprintf("by hand, number %d: %s, by %s until %s: %s", l.ID, l, l.Who, utc(l.Until), l.Why))
	}
	for _, u := range s.Upstreams {
		if u.Mode == "observe" {
			warn(b, color, u.Name+": mode observe: it decides and reports, and refuses nothing")
		}
		if u.Broken != "" {
			warn(b, color, u.Name+": the control law has died, everything passes: "+u.Broken)
		}
		if u.Panic {
			warn(b, color, u.Name+": every endpoint is ejected; ejection is ignored")
		}
	}
}

// utc is a time of day as the record of incidents has it.
func utc(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }

func warn(b *strings.Builder, color bool, sentence string) {
	var lines strings.Builder
	wrap(&lines, "! ", sentence)
	for line := range strings.Lines(lines.String()) {
		b.WriteString(red.paint(strings.TrimSuffix(line, "\n"), color) + "\n")
	}
}

func (s Status) routes() *grid {
	g := &grid{columns: []column{
		{title: "ROUTE", least: 16}, {title: "PRIORITY", least: 9}, {title: "FLIGHT", right: true}, {title: "QUEUE", right: true},
		{title: "CEIL", right: true}, {title: "LATENCY", right: true}, {title: "ERRORS", right: true}, {title: "BREAKER"},
		{title: "GROUP", least: 6}, {title: "REFUSING"},
	}}
	for _, r := range s.byClass() {
		g.row(text(r.Name), text(r.Priority), count(r.Shed.InFlight), count(r.Shed.Queued), text(known(r.Shed.Ceiling)),
			latency(r.Shed.Latency), errorsCell(r.Shed.Errors), breaker(r.Breaker, r.RetryIn), text(or(r.Shed.Group)), refusing(r.Shed.Refusing, r.Shed.WouldRefuse))
	}
	return g
}

// reliefs shows what experiments have found: whose shedding helps whom.
func (s Status) reliefs() *grid {
	g := &grid{columns: []column{
		{title: "RELIEF BY", least: 16}, {title: "OTHERS GAIN", right: true}, {title: "LOOKS", right: true}, {title: "HELD AT", right: true}, {title: "FOR", least: 6},
	}}
	for _, r := range s.byClass() {
		if q := r.Shed.Relief; q != nil {
			gain := fmt.Sprintf("%+.0f %% ±%.0f", 100*q.Gain, 100*q.Error)
			g.row(text(r.Name), text(gain), count(q.Looks), text(known(q.HeldAt)), text(or(q.Of)))
		}
	}
	return g
}

// byClass orders the routes by class, then by name; a class that is not in the list comes last.
func (s Status) byClass() []proxy.RouteSnapshot {
	class := func(r proxy.RouteSnapshot) int {
		if i := slices.Index(s.Priorities, r.Priority); i >= 0 {
			return i
		}
		return len(s.Priorities)
	}
	return slices.SortedFunc(slices.Values(s.Routes), func(a, b proxy.RouteSnapshot) int {
		return cmp.Or(cmp.Compare(class(a), class(b)), cmp.Compare(a.Name, b.Name))
	})
}

func (s Status) groups() *grid {
	g := &grid{columns: []column{
		{title: "GROUP", least: 8}, {title: "UPSTREAM", least: 8}, {title: "LIMIT", right: true}, {title: "FLIGHT", right: true},
		{title: "QUEUE", right: true}, {title: "PRESSURE", right: true}, {title: "SLOWNESS", right: true}, {title: "SHEDS FROM", least: 8},
		{title: "FOR", right: true}, {title: "STATE", least: 8},
	}}
	for _, u := range s.Upstreams {
		for _, q := range u.Groups {
			g.row(text(q.Name), text(u.Name), text(number(q.Limit)), count(q.InFlight), count(q.Queued), text(ratio(q.Pressure)),
				text(ratio(q.Slowness)), s.shedFrom(q.ShedFrom), text(age(s.Time.Sub(q.Since))), text(q.State))
		}
	}
	return g
}

func (s Status) shedFrom(class int) cell {
	switch {
	case class < 0:
		return text(none)
	case class < len(s.Priorities):
		return cell{s.Priorities[class], red}
	}
	return cell{strconv.Itoa(class), red}
}

// reasons are sentences: they stand below the groups' table.
func (s Status) reasons(b *strings.Builder) {
	for _, u := range s.Upstreams {
		for _, q := range u.Groups {
			if q.Reason != "" {
				wrap(b, gap, q.Name+": "+q.Reason)
			}
		}
	}
}

func (s Status) endpoints() *grid {
	g := &grid{columns: []column{
		{title: "ENDPOINT", least: 8}, {title: "UPSTREAM", least: 8}, {title: "ZONE", least: 8},
		{title: "VERSION", least: 8}, {title: "FLIGHT", right: true}, {title: "BREAKER"},
	}}
	for _, u := range s.Upstreams {
		for _, p := range u.Endpoints {
			g.row(text(p.URL), text(u.Name), text(or(p.Zone)), text(or(p.Version)), text(strconv.FormatInt(p.InFlight, 10)), breaker(p.Breaker, 0))
		}
	}
	return g
}

func (s Status) changes() *grid {
	g := &grid{columns: []column{
		{title: "TIME"}, {title: "SUBJECT", least: 8}, {title: "KIND"}, {title: "FROM", right: true}, {title: "TO", right: true}, {title: "WHY", least: 8},
	}}
	for _, e := range s.Entries[max(0, len(s.Entries)-lastEntries):] {
		g.row(text(e.Time.Format(time.TimeOnly)), text(e.Subject), text(e.Kind), text(number(e.From)), text(number(e.To)), text(e.Reason))
	}
	return g
}
