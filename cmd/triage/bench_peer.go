package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"triage/bench/peer/facts"
	"triage/bench/peer/library"
)

// newBenchPeer is how bench compare starts the contenders that are made of Go's libraries, each as a process of its own.
func newBenchPeer() *cobra.Command {
	var listen, path string
	var upstreams []string
	cmd := &cobra.Command{
		Use:    "peer NAME",
		Short:  "Serve as one of the contenders of bench compare that are written in Go",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "address to serve at")
	cmd.Flags().StringSliceVar(&upstreams, "upstream", nil, "URLs of the backend, if --facts does not name them")
	cmd.Flags().StringVar(&path, "facts", "", "file with what it is told of the scenario: routes, classes, pools")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f := facts.Facts{Endpoints: upstreams}
		if path != "" {
			text, err := os.ReadFile(path)
			if err == nil {
				err = json.Unmarshal(text, &f)
			}
			if err != nil {
				return fmt.Errorf("reading the facts: %w", err)
			}
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		return library.Serve(ctx, args[0], listen, f, cmd.OutOrStdout())
	}
	return cmd
}
