package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"triage/proxy/admin"
)

// api is the admin API of a running Triage, as a command sees it.
type api struct{ address, tokenFile, who string }

// apiFlags are how a command finds it.
func apiFlags(cmd *cobra.Command) *api {
	a := &api{}
	cmd.PersistentFlags().StringVar(&a.address, "admin", flagDefault("TRIAGE_ADMIN", "127.0.0.1:9901"), "admin address: host:port or unix:/path (TRIAGE_ADMIN)")
	cmd.PersistentFlags().StringVar(&a.tokenFile, "token-file", flagDefault("TRIAGE_TOKEN_FILE", ""), "file with the token to show (TRIAGE_TOKEN_FILE)")
	return a
}

// whoFlag is for commands that change something.
func (a *api) whoFlag(cmd *cobra.Command) {
	usual := os.Getenv("USER")
	if u, err := user.Current(); usual == "" && err == nil {
		usual = u.Username
	}
	cmd.PersistentFlags().StringVar(&a.who, "who", flagDefault("TRIAGE_WHO", usual), "who does it; where there are tokens, the token's name counts (TRIAGE_WHO)")
}

func (a *api) get(ctx context.Context, path string) ([]byte, error) {
	return a.call(ctx, http.MethodGet, path, nil)
}

func (a *api) post(ctx context.Context, path string, p admin.Posted) ([]byte, error) {
	p.Who = a.who
	body, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return a.call(ctx, http.MethodPost, path, body)
}

// longestAnswer bounds what is read of an answer, in bytes.
const longestAnswer = 64 << 20

func (a *api) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	network, address, host := "tcp", a.address, a.address
	if file, ok := strings.CutPrefix(a.address, "unix:"); ok {
		network, address, host = "unix", file, "localhost"
	}
	var dialer net.Dialer
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, address)
	}}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+host+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("admin address %q: %w", a.address, err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.tokenFile != "" {
		token, err := os.ReadFile(a.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("reading the token: %w", err)
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	response, err := (&http.Client{Timeout: 5 * time.Second, Transport: transport}).Do(r)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w; is triage running, and is this its admin address?", a.address, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", a.address, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking %s: %s: %s", a.address, response.Status, detail(answer))
	}
	return answer, nil
}

// detail is what problem details say, or else all of the body.
func detail(body []byte) string {
	var p admin.Problem
	if json.Unmarshal(body, &p) == nil && p.Detail != "" {
		return p.Detail
	}
	return strings.TrimSpace(string(body))
}
