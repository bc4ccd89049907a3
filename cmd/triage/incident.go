package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"triage/proxy/admin"
	"triage/proxy/incident"
)

func newIncident() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "incident",
		Short: "What happened, who does what about it, and is it over?",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	a := apiFlags(cmd)
	a.whoFlag(cmd)
	output := persistentOutput(cmd)
	c := &incidentCommands{a, output}
	cmd.AddCommand(c.list(), c.show(), c.open(), c.take(), c.hand(), c.release(), c.note(), c.resolve(), c.update(), c.report())
	return cmd
}

// persistentOutput is outputFlag for a command and all below it.
func persistentOutput(cmd *cobra.Command) func() (asJSON bool, err error) {
	format := cmd.PersistentFlags().String("output", flagDefault("TRIAGE_OUTPUT", "text"), "text or json (TRIAGE_OUTPUT)")
	return func() (bool, error) {
		if *format != "text" && *format != "json" {
			return false, misuse("--output %q: want text or json", *format)
		}
		return *format == "json", nil
	}
}

type incidentCommands struct {
	api    *api
	output func() (asJSON bool, err error)
}

// ask gets or posts, and writes the answer: as it came, or as write makes it.
func (c *incidentCommands) ask(cmd *cobra.Command, path string, posted *admin.Posted, write func(io.Writer, []byte) error) error {
	asJSON, err := c.output()
	if err != nil {
		return err
	}
	var body []byte
	if posted != nil {
		body, err = c.api.post(cmd.Context(), path, *posted)
	} else {
		body, err = c.api.get(cmd.Context(), path)
	}
	if err != nil {
		return err
	}
	if asJSON || write == nil {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.TrimSpace(string(body)))
		return err
	}
	return write(cmd.OutOrStdout(), body)
}

func (c *incidentCommands) list() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "All incidents, newest first", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return c.ask(cmd, "/api/v1/incidents", nil, writeIncidents)
	}}
}

func writeIncidents(to io.Writer, body []byte) error {
	var all admin.Incidents
	if err := json.Unmarshal(body, &all); err != nil {
		return err
	}
	if all.Trouble != "" {
		fmt.Fprintf(to, "! the file of incidents is not written (%d entries lost): %s\n", all.Lost, all.Trouble)
	}
	if len(all.Incidents) == 0 {
		_, err := fmt.Fprintln(to, "none")
		return err
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "INCIDENT\tSTATE\tOPENED\tLASTED\tWHERE\tTITLE")
	for _, i := range all.Incidents {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", i.ID, i.State, moment(i.OpenedAt), i.Lasted(time.Now()).Round(time.Second), i.Verdict.Sentence(), printable(i.Title))
	}
	return w.Flush()
}

// printable keeps control characters, which people and requests may have written, from the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

func (c *incidentCommands) show() *cobra.Command {
	return &cobra.Command{Use: "show [INCIDENT]", Short: "One incident: the open one, or the latest", Args: cobra.MaximumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return c.ask(cmd, "/api/v1/incident"+ofIncident(args, nil), nil, writeIncident)
	}}
}

func ofIncident(args []string, more url.Values) string {
	q := url.Values{}
	for k, v := range more {
		q[k] = v
	}
	if len(args) > 0 {
		q.Set("id", args[0])
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func writeIncident(to io.Writer, body []byte) error {
	var i incident.Incident
	if err := json.Unmarshal(body, &i); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s%s  opened %s by %s%s\n%s\n\n", i.ID, strings.ToUpper(string(i.State)), severityOf(i), moment(i.OpenedAt), printable(i.OpenedBy), overOf(i), printable(i.Title))
	where := "WHERE"
	if i.State == incident.Resolved {
		where = "IT WAS"
	}
	fmt.Fprintf(&b, "%-9s %s (confidence %.2f)\n", where, printable(i.Verdict.Sentence()), i.Verdict.Confidence)
	for _, e := range i.Verdict.For {
		fmt.Fprintf(&b, "          + %s\n", printable(e))
	}
	for _, e := range i.Verdict.Against {
		fmt.Fprintf(&b, "          - %s\n", printable(e))
	}
	all := i.Impact.Sum()
	fmt.Fprintf(&b, "AFFECTED  %d of %d requests, about %.0f sessions\n", all.Refused+all.Failed+all.Degraded, all.Ended(), i.Impact.Sessions)
	if s := i.Impact.Protected.Sentence(); s != "" {
		fmt.Fprintf(&b, "EFFECT    %s\n", s)
	}
	for _, role := range incident.Roles() {
		holder := i.Roles[role]
		if holder == "" {
			holder = "nobody"
		}
		fmt.Fprintf(&b, "ROLE      %s: %s\n", role, printable(holder))
	}
	for _, m := range i.Missing {
		fmt.Fprintf(&b, "MISSING   %s\n", printable(m))
	}
	b.WriteString("\nTIMELINE\n")
	for _, e := range i.Entries {
		fmt.Fprintf(&b, "  %s\n", printable(e.Line()))
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// moment is an instant as the record has it, whatever clock hangs on the wall.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// overOf says when it ended, "" if it has not.
func overOf(i incident.Incident) string {
	if i.ResolvedAt.IsZero() {
		return ""
	}
	return fmt.Sprintf(", over after %v", i.Lasted(i.ResolvedAt).Round(time.Second))
}

// severityOf is its severity as it stands in a headline.
func severityOf(i incident.Incident) string {
	if i.Severity == 0 {
		return ""
	}
	return fmt.Sprintf("  SEV%d", i.Severity)
}

// change is a command that posts.
func (c *incidentCommands) change(use, short string, args cobra.PositionalArgs, path string, posted func(args []string) admin.Posted) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		p := posted(args)
		return c.ask(cmd, path, &p, writeIncident)
	}}
}

func (c *incidentCommands) open() *cobra.Command {
	return c.change("open TITLE", "Open one by hand", cobra.ExactArgs(1), "/api/v1/incident/open", func(args []string) admin.Posted { return admin.Posted{Title: args[0]} })
}

const aRole = "commander|triage-lead|comms-lead"

func (c *incidentCommands) take() *cobra.Command {
	return c.change("take "+aRole, "Take a role that nobody has", cobra.ExactArgs(1), "/api/v1/incident/role", func(args []string) admin.Posted { return admin.Posted{Do: "take", Role: args[0]} })
}

func (c *incidentCommands) hand() *cobra.Command {
	var force bool
	cmd := c.change("hand "+aRole+" TO", "Hand a role over", cobra.ExactArgs(2), "/api/v1/incident/role", func(args []string) admin.Posted {
		return admin.Posted{Do: "hand", Role: args[0], To: args[1], Force: force}
	})
	cmd.Flags().BoolVar(&force, "force", false, "hand over what somebody else has; wants an admin")
	return cmd
}

func (c *incidentCommands) release() *cobra.Command {
	return c.change("release "+aRole, "Give a role back", cobra.ExactArgs(1), "/api/v1/incident/role", func(args []string) admin.Posted {
		return admin.Posted{Do: "release", Role: args[0]}
	})
}

func (c *incidentCommands) note() *cobra.Command {
	return c.change("note TEXT", "Put something into the timeline", cobra.ExactArgs(1), "/api/v1/incident/note", func(args []string) admin.Posted { return admin.Posted{Text: args[0]} })
}

func (c *incidentCommands) resolve() *cobra.Command {
	return c.change("resolve WHY", "End it, if nothing but time is missing", cobra.ExactArgs(1), "/api/v1/incident/resolve", func(args []string) admin.Posted { return admin.Posted{Why: args[0]} })
}

func (c *incidentCommands) update() *cobra.Command {
	return c.words("update", "Word for those who wait for it", "text")
}

func (c *incidentCommands) report() *cobra.Command {
	return c.words("report", "The whole story, as Markdown or JSON", "markdown")
}

// words is a command that gets a text.
func (c *incidentCommands) words(name, short, usual string) *cobra.Command {
	format := usual
	cmd := &cobra.Command{Use: name + " [INCIDENT]", Short: short, Args: cobra.MaximumNArgs(1)}
	formats := []string{"markdown", "json"}
	if usual == "text" {
		formats = append([]string{"text"}, formats...)
	}
	cmd.Flags().StringVar(&format, "format", usual, strings.Join(formats, ", "))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := c.output()
		if err != nil {
			return err
		}
		if asJSON {
			format = "json"
		}
		if !slices.Contains(formats, format) {
			return misuse("--format %q: want %s", format, strings.Join(formats, ", "))
		}
		return c.ask(cmd, "/api/v1/incident/"+name+ofIncident(args, url.Values{"format": {format}}), nil, nil)
	}
	return cmd
}
