package incident

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"triage/proxy/incident/verdict"
)

// nextIn is how long after an update the next one is due.
var nextIn = map[State]time.Duration{Open: 15 * time.Minute, Mitigated: 30 * time.Minute, Watching: 30 * time.Minute}

// Update is word for those who wait for it.
type Update struct {
	Incident string `json:"incident"`
	State    State  `json:"state"`
	Severity int    `json:"severity,omitempty"`
	// Public is the state in the words of status pages: investigating, identified, monitoring, resolved.
	Public string    `json:"public"`
	At     time.Time `json:"at"`
	Since  time.Time `json:"since"`
	// What happens, Who is affected, Doing what is done about it, Next when the next word comes.
	What  string    `json:"what"`
	Who   string    `json:"who"`
	Doing []string  `json:"doing"`
	Next  time.Time `json:"next,omitzero"`
}

// UpdateOf says how things are. levers are what is set by hand at the moment.
func UpdateOf(i Incident, now time.Time, levers []string) Update {
	u := Update{Incident: i.ID, State: i.State, Severity: i.Severity, Public: public(i), At: now.UTC(), Since: i.OpenedAt.UTC(), What: i.Title, Who: affected(i.Impact)}
	switch {
	case i.Verdict.Isolated():
		u.What += ". The cause: " + i.Verdict.Sentence()
	case i.State != Resolved:
		u.What += ". The cause is being looked for"
	}
	for _, l := range levers {
		u.Doing = append(u.Doing, "set by hand: "+l)
	}
	switch i.State {
	case Open:
		u.Doing = append(u.Doing, "Triage gives up what matters less to keep what matters most")
	case Mitigated:
		u.Doing = append(u.Doing, "what matters most is served as usual; something else is still given up for it")
	case Watching:
		u.Doing = append(u.Doing, "everything is served as usual; we watch whether it stays so")
	case Resolved:
		u.Doing = append(u.Doing, fmt.Sprintf("nothing more: it is over since %s, after %s, and nothing is set by hand", clock(i.ResolvedAt), spoken(i.Lasted(now))))
	}
	if next := nextIn[i.State]; next > 0 {
		u.Next = now.Add(next).UTC()
	}
	return u
}

// public is the state in the words that status pages have.
func public(i Incident) string {
	switch {
	case i.State == Resolved:
		return "resolved"
	case i.State == Mitigated, i.State == Watching:
		return "monitoring"
	case i.Verdict.Isolated():
		return "identified"
	}
	return "investigating"
}

// affected says who, in requests and sessions.
func affected(im Impact) string {
	all := im.Sum()
	lost := all.Refused + all.Failed + all.Degraded
	if lost == 0 {
		return "nobody so far"
	}
	var routes []string
	for _, name := range slices.Sorted(maps.Keys(im.Routes)) {
		if c := im.Routes[name]; c.Share() < 0.999 && c.Ended() > 0 {
			routes = append(routes, fmt.Sprintf("%s %s served", name, percent(c.Share())))
		}
	}
	return fmt.Sprintf("%d of %d requests and about %.0f sessions (%s); every other route is served as usual", lost, all.Ended(), im.Sessions, cmp.Or(strings.Join(routes, ", "), "all routes above 99.9 %"))
}

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

func clock(t time.Time) string { return t.UTC().Format("15:04 UTC") }

// Text is plain text of a few lines.
func (u Update) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "[%s] %s\n", strings.ToUpper(u.Public), u.What)
	fmt.Fprintf(&b, "Since: %s. State: %s%s.\n", clock(u.Since), u.State, sev(u.Severity))
	fmt.Fprintf(&b, "Affected: %s.\n", u.Who)
	fmt.Fprintf(&b, "Being done: %s.\n", strings.Join(u.Doing, "; "))
	b.WriteString(u.nextLine() + "\n")
	return b.String()
}

// sev is a severity in words, "" if there is none.
func sev(level int) string {
	if level == 0 {
		return ""
	}
	return fmt.Sprintf(", SEV%d", level)
}

func (u Update) nextLine() string {
	if u.Next.IsZero() {
		return "This is the last update."
	}
	return "Next update: " + clock(u.Next) + "."
}

// Markdown is the same for a chat or a wiki.
func (u Update) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** %s\n\n", strings.ToUpper(u.Public[:1])+u.Public[1:], escape(u.What))
	fmt.Fprintf(&b, "- Since: %s, state: %s%s\n- Affected: %s\n", clock(u.Since), u.State, sev(u.Severity), escape(u.Who))
	for _, d := range u.Doing {
		fmt.Fprintf(&b, "- %s\n", escape(d))
	}
	fmt.Fprintf(&b, "- %s\n", u.nextLine())
	return b.String()
}

// escape keeps what people and requests have written from being markup, or from calling anybody.
func escape(s string) string {
	return strings.NewReplacer("\\", "\\\\", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[", "<", "&lt;", ">", "&gt;", "|", "\\|", "@", "@\u200b", "\n", " ", "\r", " ").Replace(s)
}

// Report is the whole story.
type Report struct {
	Incident
	Lasted  float64  `json:"lasted_seconds"`
	Summary Update   `json:"summary"`
	Hands   []Entry  `json:"manual_changes"`
	Effect  []string `json:"effect"`
	// Without says what would have happened without protection; "" if that is not known at all.
	Without string `json:"without"`
	// OpenActions are what is left to do.
	OpenActions []string `json:"open_actions"`
}

// ReportOf puts it together.
func ReportOf(i Incident, now time.Time, levers []string) Report {
	r := Report{Incident: i, Lasted: i.Lasted(now).Seconds(), Summary: UpdateOf(i, now, levers), Hands: []Entry{}, OpenActions: []string{}, Effect: []string{}}
	for _, e := range i.Entries {
		if e.Kind == Pulled {
			r.Hands = append(r.Hands, e)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(i.Impact.Routes)) {
		c := i.Impact.Routes[name]
		r.Effect = append(r.Effect, fmt.Sprintf("%s: %d requests, %s served, %d degraded, %d refused, %d failed", name, c.Ended(), percent(c.Share()), c.Degraded, c.Refused, c.Failed))
	}
	if r.Without = i.Impact.Protected.Sentence(); r.Without != "" {
		r.Effect = append(r.Effect, r.Without)
	}
	for _, l := range levers {
		r.OpenActions = append(r.OpenActions, "take back or make permanent: "+l)
	}
	r.OpenActions = append(r.OpenActions, i.Missing...)
	if v := i.Verdict; v.Kind != verdict.None {
		r.OpenActions = append(r.OpenActions, "prevent it: "+v.Sentence())
	}
	return r
}

// JSON is for programs.
func (r Report) JSON() ([]byte, error) { return json.MarshalIndent(r, "", "  ") }

// Markdown is for people.
func (r Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Incident %s: %s\n\n", r.ID, escape(r.Title))
	fmt.Fprintf(&b, "%s%s, from %s to %s (%s). Opened by %s.\n\n", r.State, sev(r.Severity), r.OpenedAt.UTC().Format(time.RFC3339), endOf(r.ResolvedAt), spoken(time.Duration(r.Lasted*float64(time.Second))), escape(r.OpenedBy))
	fmt.Fprintf(&b, "Affected: %s.\n\n", escape(r.Summary.Who))
	section(&b, "Verdict", []string{fmt.Sprintf("%s (confidence %.2f)", r.Verdict.Sentence(), r.Verdict.Confidence)})
	section(&b, "Evidence", r.Verdict.For)
	section(&b, "What speaks against it", r.Verdict.Against)
	section(&b, "Effect", r.Effect)
	var hands []string
	for _, e := range r.Hands {
		hands = append(hands, line(e))
	}
	section(&b, "Changes by hand", hands)
	section(&b, "Open actions", r.OpenActions)
	b.WriteString("## Timeline\n\n| time | who | what | from | to | why |\n|---|---|---|---|---|---|\n")
	for _, e := range r.Entries {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", e.Time.UTC().Format("15:04:05"), escape(e.Actor), escape(strings.TrimSpace(string(e.Kind)+" "+e.Subject)), escape(e.From), escape(e.To), escape(e.Reason+timesOf(e)))
	}
	if r.Dropped > 0 {
		fmt.Fprintf(&b, "\n%d more entries were dropped for want of room.\n", r.Dropped)
	}
	return b.String()
}

func endOf(t time.Time) string {
	if t.IsZero() {
		return "now"
	}
	return t.UTC().Format(time.RFC3339)
}

func section(b *strings.Builder, title string, lines []string) {
	fmt.Fprintf(b, "## %s\n\n", title)
	for _, l := range lines {
		fmt.Fprintf(b, "- %s\n", escape(l))
	}
	if len(lines) == 0 {
		b.WriteString("None.\n")
	}
	b.WriteString("\n")
}

func timesOf(e Entry) string {
	if e.Times > 1 {
		return fmt.Sprintf(" (%d times)", e.Times)
	}
	return ""
}

// line is an entry in one line of plain text.
func line(e Entry) string {
	s := fmt.Sprintf("%s %s: %s %s", e.Time.UTC().Format("15:04:05"), e.Actor, e.Kind, e.Subject)
	if (e.From != "" || e.To != "") && e.Kind != Pulled { // what is pulled is the subject
		s += fmt.Sprintf(" %s → %s", cmp.Or(e.From, "-"), cmp.Or(e.To, "-"))
	}
	if e.Reason != "" {
		s += ", " + e.Reason + timesOf(e)
	}
	return strings.Join(strings.Fields(s), " ")
}

// Line is an entry in one line of plain text.
func (e Entry) Line() string { return line(e) }
