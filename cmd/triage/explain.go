package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"triage/config"
	"triage/proxy/route"
)

func newExplain() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "explain METHOD URL",
		Short:   "Say which route covers a request, and what that means for it",
		Example: "  triage explain POST https://shop.example/checkout -c triage.yaml\n  triage explain GET /recommendations/42 -H 'Accept: text/html'",
		Args:    cobra.ExactArgs(2),
	}
	path := configFlag(cmd)
	headers := cmd.Flags().StringArrayP("header", "H", nil, "a request header field, 'Name: value'; may be repeated")
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		r, err := requestOf(args[0], args[1], *headers)
		if err != nil {
			return err
		}
		loaded, err := loadConfig(*path)
		if err != nil {
			return err
		}
		x, err := explain(&loaded.File, r)
		if err != nil {
			return err
		}
		if asJSON {
			encoder := json.NewEncoder(cmd.OutOrStdout())
			encoder.SetIndent("", "  ")
			err = encoder.Encode(x)
		} else {
			x.print(cmd.OutOrStdout())
		}
		if err == nil && x.Upstream == "" {
			return errFailed
		}
		return err
	}
	return cmd
}

func requestOf(method, target string, headers []string) (*http.Request, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, misuse("URL %q: %w", target, err)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	if !strings.HasPrefix(u.Path, "/") {
		return nil, misuse("URL %q: the path does not start with a slash; want /path or http://host/path", target)
	}
	r := &http.Request{Method: strings.ToUpper(method), URL: u, Host: u.Host, Header: http.Header{}}
	for _, h := range headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, misuse("header %q: want 'Name: value'", h)
		}
		r.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return r, nil
}

// explanation is what becomes of a request.
type explanation struct {
	Method     string            `json:"method"`
	Path       string            `json:"path"`
	Route      string            `json:"route,omitempty"`
	Priority   string            `json:"priority,omitempty"`
	Upstream   string            `json:"upstream,omitempty"`
	Mode       string            `json:"mode,omitempty"`
	Timeout    string            `json:"timeout,omitempty"`
	Session    string            `json:"session,omitempty"`
	Shares     string            `json:"shares,omitempty"`
	RateLimits []string          `json:"rate_limits,omitempty"`
	Degrade    []string          `json:"degrade,omitempty"`
	Health     bool              `json:"health_check"`
	Considered []consideredRoute `json:"considered"`
	Endpoints  []config.Endpoint `json:"-"`
}

type consideredRoute struct {
	Route   string `json:"route"`
	Covers  bool   `json:"covers"`
	Verdict string `json:"verdict"`
}

func explain(f *config.File, r *http.Request) (*explanation, error) {
	if f.PathPolicy == "reject" && !route.Plain(r.URL.EscapedPath()) {
		return nil, fmt.Errorf("path %q is refused with 400: path_policy is reject, and it has dot segments, doubled slashes or needless escapes", r.URL.EscapedPath())
	}
	if !route.Normalize(r.URL) {
		return nil, fmt.Errorf("path %q is refused with 400: it has encoded slashes or dots, or control characters, that a priority could be spoofed with", r.URL.EscapedPath())
	}
	table, err := route.New(rulesOf(f))
	if err != nil {
		return nil, err
	}
	x := &explanation{Method: r.Method, Path: r.URL.EscapedPath()}
	for _, p := range f.HealthChecks {
		x.Health = x.Health || p == r.URL.Path && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	}
	for _, step := range table.Explain(r) {
		x.Considered = append(x.Considered, consideredRoute{f.Routes[step.Rule].Name, step.Covers, step.Verdict})
	}
	if i, ok := table.Match(r); ok {
		x.fill(f, f.Routes[i])
	} else if names := f.UpstreamNames(); x.Health && len(names) == 1 {
		up := f.Upstreams[names[0]]
		x.Upstream, x.Endpoints, x.Timeout = names[0], up.Endpoints, up.Timeout.String()
	}
	x.Health = x.Health && x.Upstream != ""
	return x, nil
}

func (x *explanation) fill(f *config.File, r config.Route) {
	up := f.Upstreams[r.Upstream]
	x.Route, x.Priority, x.Upstream, x.Endpoints = r.Name, r.Priority, r.Upstream, up.Endpoints
	x.Timeout, x.Mode = up.Timeout.String(), cmp.Or(up.Mode, f.Mode)
	if r.Timeout > 0 {
		x.Timeout = r.Timeout.String()
	}
	x.Session = "client address"
	if s := r.Session; s != nil && s.Cookie != "" {
		x.Session = "cookie " + s.Cookie
	} else if s != nil {
		x.Session = "header " + s.Header
	}
	if r.Session != nil && r.Session.Stage > 0 {
		x.Session += fmt.Sprintf(", stage %d once it was served", r.Session.Stage)
	}
	x.Shares = sharesOf(f, r)
	for _, l := range r.RateLimit {
		x.RateLimits = append(x.RateLimits, fmt.Sprintf("%s, burst %d, per %s", l.Rate, l.Burst, l.Per))
	}
	if d := r.Degrade; d != nil {
		if d.Hint {
			x.Degrade = append(x.Degrade, "hint to the backend (X-Triage-Degrade)")
		}
		if d.Fallback != nil {
			x.Degrade = append(x.Degrade, fmt.Sprintf("fallback response (%d, %s)", d.Fallback.Status, d.Fallback.ContentType))
		}
	}
	x.Degrade = append(x.Degrade, "reject")
}

// sharesOf says what a route shares, and with whom.
func sharesOf(f *config.File, r config.Route) string {
	switch {
	case r.SharesNothing():
		return "nothing: it is in no group but its own"
	case len(r.Shares) == 0:
		return "not said: it is found out"
	}
	parts := make([]string, 0, len(r.Shares))
	for _, name := range r.Shares {
		var others []string
		for _, o := range f.Routes {
			if o.Name != r.Name && o.Upstream == r.Upstream && slices.Contains(o.Shares, name) {
				others = append(others, o.Name)
			}
		}
		parts = append(parts, name+" with "+strings.Join(others, ", "))
	}
	return strings.Join(parts, "; ")
}

func (x *explanation) print(w io.Writer) {
	line := func(label, format string, args ...any) {
		fmt.Fprintf(w, "%-12s %s\n", label, fmt.Sprintf(format, args...))
	}
	line("request", "%s %s", x.Method, x.Path)
	if x.Health {
		line("health", "this path is a health check: it passes every gate")
	}
	switch {
	case x.Upstream == "":
		line("route", "none: answered with 404 (no_route)")
	case x.Route == "":
		line("route", "none: it goes to the only upstream")
	default:
		line("route", "%s", x.Route)
		line("priority", "%s", x.Priority)
	}
	if x.Upstream != "" {
		line("upstream", "%s", x.Upstream)
		for _, e := range x.Endpoints {
			line("", "%s", e.URL)
		}
		line("timeout", "%s until the response header", x.Timeout)
	}
	if x.Route != "" {
		if x.Mode == "observe" {
			line("mode", "observe: it is told what would be refused, and nothing is")
		}
		line("session", "%s", x.Session)
		line("shares", "%s", x.Shares)
		for _, l := range x.RateLimits {
			line("rate limit", "%s", l)
		}
		line("degrade", "%s", strings.Join(x.Degrade, ", then "))
	}
	fmt.Fprintln(w, "\nconsidered, most specific first:")
	for _, c := range x.Considered {
		mark := " "
		if c.Covers {
			mark = "*"
		}
		fmt.Fprintf(w, "%s %-20s %s\n", mark, c.Route, c.Verdict)
	}
}
