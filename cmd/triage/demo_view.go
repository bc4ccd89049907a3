package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"triage/bench/load"
	"triage/proxy/admin"
)

// demoView shows the demo while it runs: a table that redraws itself in a terminal, a line a second elsewhere.
type demoView struct {
	demo     *demonstration
	out      io.Writer
	live     bool
	asJSON   bool
	lines    int // of the last drawing
	updates  int
	lastNote uint64
}

func newDemoView(d *demonstration, stdout, stderr io.Writer, asJSON bool) *demoView {
	v := &demoView{demo: d, out: stdout, live: colourful(stdout), asJSON: asJSON}
	if asJSON {
		v.out, v.live = stderr, false
	}
	return v
}

// update is called twice a second.
func (v *demoView) update() {
	v.updates++
	if v.live {
		v.redraw()
		return
	}
	if v.updates%2 == 0 {
		v.plain()
	}
}

// plain writes one line: the phase and, for each class, what is served with Triage and without.
func (v *demoView) plain() {
	with, without := v.demo.protected.Snapshot(), v.demo.bare.Snapshot()
	var b strings.Builder
	fmt.Fprintf(&b, "%5.1fs %-13s", with.Elapsed.Seconds(), v.phase(with))
	for i, c := range with.Classes {
		fmt.Fprintf(&b, " | %s %s (without: %s)", c.Class, share(c.LastSecond), share(without.Classes[i].LastSecond))
	}
	fmt.Fprintln(v.out, b.String())
	for _, line := range v.news(3) {
		fmt.Fprintln(v.out, "       "+line)
	}
}

func (v *demoView) phase(s load.Snapshot) string {
	phases := demoPhases(v.demo.lasts)
	if s.Phase < 0 || s.Phase >= len(phases) {
		return ""
	}
	return phases[s.Phase].Name
}

// share is the part of the last second's requests that got the backend's own answer.
func share(r load.Rates) string {
	ended := r.Served + r.Degraded + r.Refused + r.Failed
	if ended == 0 {
		return "-"
	}
	return fmt.Sprintf("%3.0f%%", 100*r.Served/ended)
}

// news is what the control law did since it was last asked, at most that many lines.
func (v *demoView) news(most int) []string {
	var lines []string
	for _, e := range v.demo.triage.proxy.Entries(v.lastNote) {
		v.lastNote = e.Seq
		lines = append(lines, fmt.Sprintf("%s %s: %.0f -> %.0f, %s", e.Kind, e.Subject, e.From, e.To, e.Reason))
	}
	return lines[max(0, len(lines)-most):]
}

// redraw draws the table over the last one.
func (v *demoView) redraw() {
	var b strings.Builder
	v.table(&b)
	v.state(&b)
	text := b.String()
	if v.lines > 0 {
		fmt.Fprintf(v.out, "\x1b[%dA\x1b[J", v.lines)
	}
	v.lines = strings.Count(text, "\n")
	io.WriteString(v.out, text)
}

func (v *demoView) table(b *strings.Builder) {
	with, without := v.demo.protected.Snapshot(), v.demo.bare.Snapshot()
	fmt.Fprintf(b, "Triage demo  %4.0fs of %.0fs   %s\n\n", with.Elapsed.Seconds(), v.demo.lasts.Seconds(), strings.ToUpper(v.phase(with)))
	fmt.Fprintf(b, "%-11s %8s   %-43s   %s\n", "", "", "WITH TRIAGE, requests a second", "WITHOUT")
	fmt.Fprintf(b, "%-11s %8s   %7s %8s %8s %7s %9s   %7s %7s %9s\n", "class", "offered", "served", "degraded", "refused", "failed", "p99", "served", "failed", "p99")
	for i, c := range with.Classes {
		w, o := c.LastSecond, without.Classes[i].LastSecond
		fmt.Fprintf(b, "%-11s %8.0f   %7.0f %8.0f %8.0f %7.0f %9s   %7.0f %7.0f %9s\n", c.Class, w.Offered, w.Served, w.Degraded, w.Refused, w.Failed,
			phaseP99(c, with.Phase), o.Served, o.Failed, phaseP99(without.Classes[i], without.Phase))
	}
}

// phaseP99 is the 99th percentile of the phase under way.
func phaseP99(c load.ClassSnapshot, phase int) string {
	if phase < 0 || phase >= len(c.Phases) || c.Phases[phase].P99 == 0 {
		return "-"
	}
	return c.Phases[phase].P99.Round(time.Millisecond).String()
}

// state says what Triage is doing and why.
func (v *demoView) state(b *strings.Builder) {
	s := v.demo.triage.status()
	b.WriteString("\nTRIAGE\n")
	calm := true
	for _, u := range s.Upstreams {
		for _, g := range u.Groups {
			calm = false
			fmt.Fprintf(b, "  %s share a bottleneck: limit %.0f, %d in flight, %d waiting (%s)\n", strings.Join(g.Routes, ", "), g.Limit, g.InFlight, g.Queued, g.Reason)
		}
	}
	for _, r := range s.Routes {
		if r.Breaker != "closed" {
			calm = false
			fmt.Fprintf(b, "  breaker of %s is %s\n", r.Name, r.Breaker)
		}
	}
	if calm {
		b.WriteString("  nothing to do: the backend keeps pace\n")
	}
	v.newest(b, s)
}

func (v *demoView) newest(b *strings.Builder, s admin.Status) {
	const shown = 5
	for _, e := range s.Entries[max(0, len(s.Entries)-shown):] {
		fmt.Fprintf(b, "  %s  %-8s %5.1f -> %5.1f  %s\n", e.Time.Format("15:04:05"), e.Kind, e.From, e.To, clip(e.Reason, 78))
	}
}

func clip(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

// end writes the sums.
func (v *demoView) end() {
	r := v.demo.report()
	fmt.Fprintf(v.out, "\n%-11s %8s   %-38s   %s\n", "", "", "WITH TRIAGE", "WITHOUT")
	fmt.Fprintf(v.out, "%-11s %8s   %7s %8s %8s %7s %6s   %7s %7s\n", "class", "offered", "served", "degraded", "refused", "failed", "p99", "served", "failed")
	for _, c := range v.demo.protected.Snapshot().Classes {
		w, o := r.Classes[c.Class], r.Unprotected[c.Class]
		fmt.Fprintf(v.out, "%-11s %8d   %6.1f%% %8d %8d %7d %4.0fms   %6.1f%% %7d\n", c.Class, w.Offered, percent(w.Served, w.Offered), w.Degraded, w.Refused, w.Failed, w.P99, percent(o.Served, o.Offered), o.Failed)
	}
	if most := r.LateSends; most > 0 {
		fmt.Fprintf(v.out, "\n%d requests were sent more than 5 ms late: this machine was busy with other things as well.\n", most)
	}
}

func percent(part, whole uint64) float64 {
	if whole == 0 {
		return 100
	}
	return 100 * float64(part) / float64(whole)
}
