// Command triage is the one place where the parts are joined; one file per command.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

func main() { os.Exit(execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
)

// errFailed ends a command with exitFailed when it has said everything itself.
var errFailed = errors.New("failed")

// usageError is a command line that makes no sense, as a command itself has found.
type usageError struct{ error }

func misuse(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// execute runs one command line: data to stdout, words to stderr.
func execute(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	ran := false
	noteRuns(root, &ran)
	var misused usageError
	switch err := root.Execute(); {
	case err == nil:
		return exitFine
	case !ran || errors.As(err, &misused):
		fmt.Fprintf(stderr, "triage: %v\nRun 'triage --help' for usage.\n", err)
		return exitUsage
	case errors.Is(err, errFailed):
		return exitFailed
	default:
		fmt.Fprintf(stderr, "triage: %v\n", err)
		return exitFailed
	}
}

// noteRuns sets ran when a command below root begins to run: what goes wrong before is the command line's fault.
func noteRuns(root *cobra.Command, ran *bool) {
	for _, c := range root.Commands() {
		if c.RunE != nil {
			inner := c.RunE
			c.RunE = func(cmd *cobra.Command, args []string) error { *ran = true; return inner(cmd, args) }
		}
		noteRuns(c, ran)
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "triage",
		Short: "An adaptive load-shedding reverse proxy",
		Long: `Triage stands in front of a service. When its backend gets into trouble it keeps the
important requests alive by giving up what matters less, first, and only for as long as that helps.

Flags go over TRIAGE_* environment variables (TRIAGE_CONFIG for --config), those go over the file.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(newRun(), newCheck(), newDemo(), newExplain(), newStatus(), newTop(), newIncident(), newLever(), newSchema(), newBench(), newVersion())
	return root
}

// flagDefault is the environment's value for a flag, or the given one.
func flagDefault(env, otherwise string) string {
	if v := os.Getenv(env); v != "" {
		return v
	}
	return otherwise
}

// configFlag adds --config.
func configFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("config", "c", flagDefault("TRIAGE_CONFIG", "triage.yaml"), "configuration file, - for standard input (TRIAGE_CONFIG)")
}

// outputFlag adds --output and checks it.
func outputFlag(cmd *cobra.Command) func() (asJSON bool, err error) {
	output := cmd.Flags().String("output", flagDefault("TRIAGE_OUTPUT", "text"), "text or json (TRIAGE_OUTPUT)")
	return func() (bool, error) {
		if *output != "text" && *output != "json" {
			return false, misuse("--output %q: want text or json", *output)
		}
		return *output == "json", nil
	}
}
