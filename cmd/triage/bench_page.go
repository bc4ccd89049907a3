package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"triage/bench/sim"
	"triage/bench/sim/page"
)

// simWays are the ways in which results of the simulator can be written.
func simWays() map[string]func(io.Writer, sim.Document) error {
	explained := func(write func(io.Writer, sim.Document, []sim.Explanation) error) func(io.Writer, sim.Document) error {
		return func(to io.Writer, d sim.Document) error {
			why, err := sim.Explanations()
			if err != nil {
				return err
			}
			return write(to, d, why)
		}
	}
	return map[string]func(io.Writer, sim.Document) error{
		"text":     func(to io.Writer, d sim.Document) error { return sim.WriteText(to, d.Records) },
		"markdown": func(to io.Writer, d sim.Document) error { return sim.WriteMarkdown(to, d.Records) },
		"json":     sim.WriteJSON,
		"html":     explained(page.WriteHTML),
		"summary":  explained(page.WriteMarkdown),
	}
}

// writeSim writes the data, the page and the tables beside each other, and says what is missed without an explanation.
func writeSim(prefix string, d sim.Document, words io.Writer) error {
	ways := simWays()
	for _, file := range []struct{ end, way string }{{".json", "json"}, {".html", "html"}, {".md", "summary"}} {
		var text bytes.Buffer
		if err := ways[file.way](&text, d); err != nil {
			return err
		}
		if err := os.WriteFile(prefix+file.end, text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("writing results: %w", err)
		}
		fmt.Fprintf(words, "wrote %s (%d KiB)\n", prefix+file.end, (text.Len()+1023)/1024)
	}
	return sayMisses(words, d)
}

// sayMisses says which misses of the law nobody has explained, and which explanations have become stale.
func sayMisses(words io.Writer, d sim.Document) error {
	why, err := sim.Explanations()
	if err != nil {
		return err
	}
	misses, stale := sim.Misses(d.Records, "law", why)
	unsaid := map[string][]string{}
	for _, m := range misses {
		if m.ByMedian && m.Explanation == nil {
			unsaid[m.Episode] = append(unsaid[m.Episode], m.Measure.Name)
		}
	}
	for _, episode := range slices.Sorted(maps.Keys(unsaid)) {
		fmt.Fprintf(words, "missed and not explained: %s: %s\n", episode, strings.Join(unsaid[episode], ", "))
	}
	for _, s := range stale {
		fmt.Fprintf(words, "explained and not missed: %s\n", s)
	}
	return nil
}

// again is the command line with which the same figures come out: not where they went, nor how many ran at a time.
func (f simFlags) again(args []string) string {
	words := []string{"triage bench sim"}
	if f.all {
		words = append(words, "--all")
	}
	words = append(words, args...)
	return strings.Join(append(words, "--draw", f.draw, "--seeds", strconv.Itoa(f.seeds), "--policy", strings.Join(f.policies, ",")), " ")
}

// sign adds to a document what it takes to run it again.
func (f simFlags) sign(d sim.Document, args []string) sim.Document {
	b := thisBuild()
	d.Command, d.Commit, d.Go = f.again(args), b.Commit, b.Go
	if f.commit != "" {
		d.Commit = f.commit
	}
	d.Date = time.Now().UTC().Format(time.DateOnly)
	return d
}

func newBenchPage() *cobra.Command {
	var prefix string
	cmd := &cobra.Command{
		Use:   "page FILE.json",
		Short: "Make the page of results that bench sim has written again",
		Long: `Reads what 'triage bench sim --output json' or '--write' wrote and prints the page, or, with --write, writes data, page and
tables beside each other. Figures, commit and date are those of the data; the explanations of what is missed are this program's.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&prefix, "write", "", "write PREFIX.json, PREFIX.html and PREFIX.md")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file, err := os.Open(args[0])
		if err != nil {
			return fmt.Errorf("opening results: %w", err)
		}
		defer file.Close()
		d, err := sim.ReadJSON(file)
		if err != nil {
			return err
		}
		if prefix != "" {
			return writeSim(prefix, d, cmd.ErrOrStderr())
		}
		return simWays()["html"](cmd.OutOrStdout(), d)
	}
	return cmd
}
