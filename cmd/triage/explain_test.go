package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	path := configFile(t, shopConfig)
	tests := []struct {
		name, method, url string
		code              int
		want              []string
	}{
		{"covered", "POST", "http://h/checkout", 0, []string{
			"route        checkout", "priority     critical", "upstream     shop", "http://127.0.0.1:9000", "timeout      2s", "cookie sid",
			"500/s, burst 1000, per client_ip", "hint to the backend (X-Triage-Degrade), then fallback response (200, application/json), then reject", "* checkout"}},
		{"a spelling of the same path", "post", "http://h/x/..//check%6fut", 0, []string{"request      POST /checkout", "route        checkout"}},
		{"another method", "GET", "http://h/checkout", 1, []string{"none: answered with 404 (no_route)", "  checkout"}},
		{"below a prefix", "GET", "/orders/7", 0, []string{"route        orders", "priority     normal", "client address"}},
		{"a health check, for the only upstream", "GET", "/healthz", 0, []string{"it passes every gate", "upstream     shop"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := command(t, "explain", test.method, test.url, "-c", path)
			if code != test.code {
				t.Errorf("exit %d, %q, want %d", code, stderr, test.code)
			}
			for _, want := range test.want {
				if !strings.Contains(stdout, want) {
					t.Errorf("says\n%s\nwant %q", stdout, want)
				}
			}
		})
	}
}

func TestExplainARefusedPath(t *testing.T) {
	path := configFile(t, "path_policy: reject\n"+shopConfig)
	if code, _, stderr := command(t, "explain", "GET", "http://h/x/../orders/7", "-c", path); code == 0 || !strings.Contains(stderr, "path_policy is reject") {
		t.Errorf("exit %d, %q; want a refusal that names path_policy", code, stderr)
	}
	if code, _, stderr := command(t, "explain", "GET", "http://h/orders/7", "-c", path); code != 0 {
		t.Errorf("a plain path: exit %d, %q", code, stderr)
	}
}

func TestExplainInJSON(t *testing.T) {
	path := configFile(t, shopConfig)
	code, stdout, _ := command(t, "explain", "POST", "http://h/checkout", "-c", path, "--output", "json")
	var x explanation
	if err := json.Unmarshal([]byte(stdout), &x); err != nil || code != 0 {
		t.Fatalf("exit %d, %q, %v; want 0 and JSON", code, stdout, err)
	}
	if x.Route != "checkout" || x.Priority != "critical" || x.Upstream != "shop" || x.Timeout != "2s" || len(x.RateLimits) != 1 || len(x.Degrade) != 3 || len(x.Considered) != 2 {
		t.Errorf("explained as %+v", x)
	}
	code, stdout, _ = command(t, "explain", "GET", "http://h/nothing", "-c", path, "--output", "json")
	x = explanation{}
	if err := json.Unmarshal([]byte(stdout), &x); err != nil || code != 1 || x.Route != "" || len(x.Considered) != 2 {
		t.Errorf("no route: exit %d, %q, %v; want 1 and what was considered", code, stdout, err)
	}
}

func TestExplainRefusesWhatTheProxyRefuses(t *testing.T) {
	code, _, stderr := command(t, "explain", "GET", "/a%2fb", "-c", configFile(t, shopConfig))
	if code != 1 || !strings.Contains(stderr, "refused with 400") {
		t.Errorf("exit %d, %q; want 1 and why", code, stderr)
	}
}

// What routes share, and how far a session has come, is said of each route.
func TestExplainSharesAndStages(t *testing.T) {
	path := configFile(t, conf("", "http://127.0.0.1:9000", `  - {name: cart, match: {path: /cart}, upstream: app, shares: [database, cache], session: {cookie: sid, stage: 1}}
  - {name: pay, match: {path: /pay}, upstream: app, shares: database, session: {header: X-Session}}
  - {name: reviews, match: {path: /reviews}, upstream: app, shares: [cache, database]}
  - {name: static, match: {path: /static}, upstream: app, shares: none}
  - {name: rest, upstream: app}
`))
	for url, want := range map[string][]string{
		"/cart":   {"shares       database with pay, reviews; cache with reviews", "session      cookie sid, stage 1 once it was served"},
		"/pay":    {"shares       database with cart, reviews", "session      header X-Session\n"},
		"/static": {"shares       nothing: it is in no group but its own"},
		"/other":  {"shares       not said: it is found out"},
	} {
		code, stdout, stderr := command(t, "explain", "GET", url, "-c", path)
		for _, line := range want {
			if code != 0 || !strings.Contains(stdout, line) {
				t.Errorf("%s: exit %d, %q, says\n%s\nwant %q", url, code, stderr, stdout, line)
			}
		}
	}
}
