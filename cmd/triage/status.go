package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"triage/proxy/admin"
)

func newStatus() *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "Show what a running Triage is doing, and why", Args: cobra.NoArgs}
	api := apiFlags(cmd)
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		body, err := api.get(cmd.Context(), "/api/v1/status")
		if err != nil {
			return err
		}
		if asJSON {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.TrimSpace(string(body)))
			return err
		}
		var status admin.Status
		if err := json.Unmarshal(body, &status); err != nil {
			return fmt.Errorf("reading the status of %s: %w", api.address, err)
		}
		status.Table(cmd.OutOrStdout(), colourful(cmd.OutOrStdout()))
		return nil
	}
	return cmd
}

// colourful reports whether a person looks at the output and has not asked for plain text (no-color.org).
func colourful(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}
