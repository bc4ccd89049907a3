package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"triage/proxy/admin"
)

func newTop() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Show the status live, until it is interrupted",
		Long: `Shows what 'triage status' shows, again and again. In a terminal it redraws itself; elsewhere, and with --output json, one status
follows the other, a line each as JSON.`,
		Args: cobra.NoArgs,
	}
	a := apiFlags(cmd)
	every := cmd.Flags().Duration("every", time.Second, "how often, 100ms at least")
	times := cmd.Flags().Int("times", 0, "end after so many; 0: never")
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		if *every < 100*time.Millisecond {
			return misuse("--every %v: want 100ms at least", *every)
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		return runTop(ctx, cmd, a, *every, *times, asJSON)
	}
	return cmd
}

func runTop(ctx context.Context, cmd *cobra.Command, a *api, every time.Duration, times int, asJSON bool) error {
	out := cmd.OutOrStdout()
	live := colourful(out) && !asJSON
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for n := 1; ; n++ {
		body, err := a.get(ctx, "/api/v1/status")
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && (n == 1 || !live):
			return err
		case err != nil:
			fmt.Fprintf(out, "\x1b[H\x1b[2J%v\n", err) // it may come back
		case asJSON:
			fmt.Fprintln(out, strings.TrimSpace(string(body)))
		default:
			if err := drawTop(cmd, body, live); err != nil {
				return err
			}
		}
		if n == times {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func drawTop(cmd *cobra.Command, body []byte, live bool) error {
	var s admin.Status
	if err := json.Unmarshal(body, &s); err != nil {
		return err
	}
	var b strings.Builder
	s.Table(&b, live)
	if live {
		fmt.Fprint(cmd.OutOrStdout(), "\x1b[H\x1b[2J")
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), b.String())
	return err
}
