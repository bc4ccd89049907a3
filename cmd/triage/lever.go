package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"triage/proxy/admin"
	"triage/proxy/lever"
)

func newLever() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lever",
		Short: "Set something by hand, for a while, and take it back",
		Long: `Sets something by hand in a running Triage. Each lever has a reason, an end (an hour, unless --for says otherwise, three days at most)
and an undo; who pulled it stands in the audit log and in the timeline of the incident. What gives up the most important class wants an admin.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	a := apiFlags(cmd)
	a.whoFlag(cmd)
	c := &leverCommands{incidentCommands{a, persistentOutput(cmd)}}
	cmd.AddCommand(c.list(), c.undo())
	for _, k := range []struct {
		kind       lever.Kind
		use, short string
	}{
		{lever.Class, "class ROUTE CLASS", "Give a route another class"},
		{lever.Shed, "shed ROUTE SHARE", "Refuse a part of a route, such as 60%, always the same users"},
		{lever.Limit, "limit ROUTE NUMBER", "Let so many requests of a route be under way at once"},
		{lever.Breaker, "breaker ROUTE open|closed", "Refuse a route, or call it whatever fails"},
		{lever.Drain, "drain ENDPOINT", "Send an endpoint nothing new"},
		{lever.Freeze, "freeze UPSTREAM", "Only observe: decide, report, refuse nothing"},
		{lever.Kill, "kill", "Interfere with nothing"},
	} {
		cmd.AddCommand(c.pull(k.kind, k.use, k.short))
	}
	return cmd
}

type leverCommands struct{ incidentCommands }

func (c *leverCommands) pull(kind lever.Kind, use, short string) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(strings.Count(use, " "))}
	why := cmd.Flags().String("why", "", "the reason (required)")
	lasts := cmd.Flags().String("for", "1h", "how long, 72h at most")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *why == "" {
			return misuse("--why is missing: want a few words, for whoever reads the record")
		}
		p := admin.Posted{Kind: string(kind), Why: *why, For: *lasts}
		args = append(args, "", "")
		p.Target, p.Value = args[0], args[1]
		return c.ask(cmd, "/api/v1/lever", &p, func(to io.Writer, body []byte) error {
			var l lever.Lever
			if err := json.Unmarshal(body, &l); err != nil {
				return err
			}
			_, err := fmt.Fprintf(to, "number %d: %s until %s; take it back with: triage lever undo %d\n", l.ID, l, moment(l.Until), l.ID)
			return err
		})
	}
	return cmd
}

func (c *leverCommands) list() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "What is set by hand", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return c.ask(cmd, "/api/v1/levers", nil, writeLevers)
	}}
}

func (c *leverCommands) undo() *cobra.Command {
	cmd := &cobra.Command{Use: "undo NUMBER", Short: "Take a lever back", Args: cobra.ExactArgs(1)}
	why := cmd.Flags().String("why", "", "the reason")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := strconv.ParseUint(args[0], 10, 64)
		if err != nil {
			return misuse("lever %q: want a number of 'triage lever list'", args[0])
		}
		return c.ask(cmd, "/api/v1/lever/undo", &admin.Posted{ID: id, Why: *why}, writeLevers)
	}
	return cmd
}

func writeLevers(to io.Writer, body []byte) error {
	var all admin.Levers
	if err := json.Unmarshal(body, &all); err != nil {
		return err
	}
	if all.Trouble != "" {
		fmt.Fprintf(to, "! the audit log is not written: %s\n", all.Trouble)
	}
	if len(all.Levers) == 0 {
		_, err := fmt.Fprintln(to, "nothing is set by hand")
		return err
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NUMBER\tLEVER\tWHO\tUNTIL\tWHY")
	for _, l := range all.Levers {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", l.ID, printable(l.String()), printable(l.Who), moment(l.Until), printable(l.Why))
	}
	return w.Flush()
}
