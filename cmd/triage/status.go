package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"triage/proxy/admin"
)

func newStatus() *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "Show what a running Triage is doing, and why", Args: cobra.NoArgs}
	address := cmd.Flags().String("admin", flagDefault("TRIAGE_ADMIN", "127.0.0.1:9901"), "admin address: host:port or unix:/path (TRIAGE_ADMIN)")
	tokenFile := cmd.Flags().String("token-file", flagDefault("TRIAGE_TOKEN_FILE", ""), "file with the token to show (TRIAGE_TOKEN_FILE)")
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		body, err := fetchStatus(cmd.Context(), *address, *tokenFile)
		if err != nil {
			return err
		}
		if asJSON {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.TrimSpace(string(body)))
			return err
		}
		var status admin.Status
		if err := json.Unmarshal(body, &status); err != nil {
			return fmt.Errorf("reading the status of %s: %w", *address, err)
		}
		status.Table(cmd.OutOrStdout(), colourful(cmd.OutOrStdout()))
		return nil
	}
	return cmd
}

// fetchStatus asks the admin API.
func fetchStatus(ctx context.Context, address, tokenFile string) ([]byte, error) {
	network, host := "tcp", address
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address, host = "unix", path, "localhost"
	}
	var dialer net.Dialer
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/api/v1/status", nil)
	if err != nil {
		return nil, fmt.Errorf("admin address %q: %w", address, err)
	}
	if tokenFile != "" {
		token, err := os.ReadFile(tokenFile)
		if err != nil {
			return nil, fmt.Errorf("reading the token: %w", err)
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w; is triage running, and is this its admin address?", address, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", address, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking %s: %s: %s", address, response.Status, strings.TrimSpace(string(body)))
	}
	return body, nil
}

// colourful reports whether a person looks at the output and has not asked for plain text (no-color.org).
func colourful(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}
