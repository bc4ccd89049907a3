package main

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"time"

	"triage/breaker"
	"triage/config"
	"triage/proxy"
	"triage/proxy/admin"
	"triage/proxy/edge"
	"triage/proxy/route"
	"triage/proxy/upstream"
	"triage/shed"
)

// loadConfig reads a configuration and checks what only the parts themselves can check, so that `check` finds what `run` would.
func loadConfig(path string) (*config.Loaded, error) {
	loaded, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	if problems := append(tiesOf(loaded), badFiles(loaded)...); len(problems) > 0 {
		return nil, problems
	}
	return loaded, nil
}

// badFiles looks into the files that the configuration refers to.
func badFiles(loaded *config.Loaded) config.Problems {
	var problems config.Problems
	f := &loaded.File
	if f.Admin.TokensFile != "" {
		if _, err := admin.LoadTokens(f.Admin.TokensFile); err != nil {
			problems = append(problems, loaded.Problem("admin.tokens_file", err.Error(), "lines of \"role name token\" in a file that others cannot read"))
		}
	}
	problems = append(problems, badCertificates(loaded)...)
	problems = append(problems, badTracing(loaded)...)
	if f.SessionKeyFile != "" {
		if key, err := os.ReadFile(f.SessionKeyFile); err == nil && len(key) < shortestKey {
			problems = append(problems, loaded.Problem("session_key_file", fmt.Sprintf("the secret has %d bytes", len(key)), fmt.Sprintf("%d at least", shortestKey)))
		}
	}
	return problems
}

// shortestKey is the least length of a session key in bytes.
const shortestKey = 16

// tiesOf asks package route whether any two routes could cover the same request with equal rank.
func tiesOf(loaded *config.Loaded) config.Problems {
	_, err := route.New(rulesOf(&loaded.File))
	var all route.Errors
	if !errors.As(err, &all) {
		return nil
	}
	var problems config.Problems
	for _, e := range all {
		var tie *route.TieError
		var bad *route.RuleError
		switch {
		case errors.As(e, &tie):
			problems = append(problems, loaded.Problem(fmt.Sprintf("routes[%d].match", tie.B),
				fmt.Sprintf("routes %q and %q cover the same requests and neither is more specific", tie.NameA, tie.NameB),
				"make the path, host, methods or headers of one more specific"))
		case errors.As(e, &bad):
			problems = append(problems, loaded.Problem(fmt.Sprintf("routes[%d].match", bad.Rule), bad.What, bad.Want))
		}
	}
	return problems
}

func rulesOf(f *config.File) []route.Rule {
	rules := make([]route.Rule, 0, len(f.Routes))
	for _, r := range f.Routes {
		rules = append(rules, route.Rule{Name: r.Name, Path: r.Match.Path, Methods: r.Match.Methods, Host: r.Match.Host, Headers: r.Match.Headers})
	}
	return rules
}

// proxySettings translates the operator's words into the proxy's.
func proxySettings(f *config.File, key shed.CohortKey, recorder func(route, priority, upstream string) proxy.Recorder, logger *slog.Logger) (proxy.Settings, error) {
	s := proxy.Settings{Name: f.Name, Priorities: f.Priorities, HealthChecks: f.HealthChecks, PlainPaths: f.PathPolicy == "reject", SessionKey: key, Recorder: recorder, Logger: logger}
	var err error
	if s.Timing, err = networks(f.ServerTiming); err != nil {
		return s, fmt.Errorf("server_timing: %w", err)
	}
	for _, name := range f.UpstreamNames() {
		us, err := upstreamSettings(name, f.Upstreams[name], f.Mode)
		if err != nil {
			return s, err
		}
		s.Upstreams = append(s.Upstreams, us)
	}
	rules := rulesOf(f)
	bodyLimit := smallest(f.Listen, func(l config.Limits) config.Size { return l.Body })
	responseLimit := smallest(f.Listen, func(l config.Limits) config.Size { return l.Response })
	for i, r := range f.Routes {
		rs := routeSettings(r, rules[i], slices.Index(f.Priorities, r.Priority))
		if rs.BodyLimit == 0 {
			rs.BodyLimit = bodyLimit
		}
		if rs.ResponseLimit == 0 {
			rs.ResponseLimit = responseLimit
		}
		s.Routes = append(s.Routes, rs)
	}
	return s, nil
}

// smallest is the tightest of the listeners' limits of one kind: routes do not know which listener a request came in by.
func smallest(listeners []config.Listener, of func(config.Limits) config.Size) int64 {
	var limit int64
	for _, l := range listeners {
		if size := int64(of(l.Limits)); size > 0 && (limit == 0 || size < limit) {
			limit = size
		}
	}
	return limit
}

func upstreamSettings(name string, u config.Upstream, mode string) (proxy.UpstreamSettings, error) {
	s := proxy.UpstreamSettings{
		Name: name, Timeout: time.Duration(u.Timeout), ConnectTimeout: time.Duration(u.ConnectTimeout),
		IdleTimeout: time.Duration(u.IdleTimeout), IdleConnections: u.IdleConnections, QueueBytes: int64(u.Queue), Observe: cmp.Or(u.Mode, mode) == "observe",
	}
	if t := u.TLS; t != nil {
		s.TLS = proxy.UpstreamTLS{CAFile: t.CaFile, ServerName: t.ServerName, CertFile: t.CertFile, KeyFile: t.KeyFile}
	}
	for _, e := range u.Endpoints {
		target, err := url.Parse(e.URL)
		if err != nil {
			return s, fmt.Errorf("upstream %s: endpoint %q: %w", name, e.URL, err)
		}
		s.Endpoints = append(s.Endpoints, upstream.EndpointSettings{URL: target, Zone: e.Zone, Version: e.Version, Weight: e.Weight, HTTP2: e.Protocol == "h2"})
	}
	return s, nil
}

func routeSettings(r config.Route, rule route.Rule, class int) proxy.RouteSettings {
	s := proxy.RouteSettings{
		Rule: rule, Upstream: r.Upstream, Class: class, Timeout: time.Duration(r.Timeout),
		ErrorObjective: float64(r.ErrorObjective), BodyLimit: int64(r.BodyLimit), ResponseLimit: int64(r.ResponseLimit),
		Breaker: breaker.Settings{Disabled: r.Breaker.Disabled, FailureShare: float64(r.Breaker.FailureShare), OpenFor: time.Duration(r.Breaker.OpenFor), Probes: r.Breaker.Probes},
	}
	if s.Alone = r.SharesNothing(); !s.Alone {
		s.Shares = r.Shares
	}
	if r.Session != nil {
		s.SessionCookie, s.SessionHeader, s.SessionStage = r.Session.Cookie, r.Session.Header, uint8(r.Session.Stage)
	}
	for _, l := range r.RateLimit {
		s.Limits = append(s.Limits, proxy.LimitSettings{Rate: float64(l.Rate), Burst: l.Burst, Per: l.Per})
	}
	if d := r.Degrade; d != nil {
		s.Hint = d.Hint
		if f := d.Fallback; f != nil {
			s.Fallback = &proxy.Fallback{Status: f.Status, ContentType: f.ContentType, Headers: f.Headers, Body: []byte(f.Body)}
		}
	}
	return s
}

func (s *server) listenerSettings(l config.Listener) (edge.Settings, error) {
	out := edge.Settings{
		Address: l.Address, H2C: l.H2C, Fast: l.Lane != "standard", MaxConnections: l.Limits.Connections, PerClient: l.Limits.ConnectionsPerClient, BodyRate: int64(l.Limits.BodyRate), MaxHeader: int64(l.Limits.Header),
		ReadHeader: time.Duration(l.Timeouts.ReadHeader), Idle: time.Duration(l.Timeouts.Idle),
		Read: time.Duration(l.Timeouts.Read), Write: time.Duration(l.Timeouts.Write), Shortage: &s.short,
	}
	out.TLS = tlsSettings(l.TLS, s.options.logger)
	var err error
	if out.TrustedProxies, err = networks(l.TrustedProxies); err == nil {
		out.ProxyProtocol, err = networks(l.ProxyProtocol)
	}
	if err != nil {
		return out, fmt.Errorf("listener %s: %w", l.Address, err)
	}
	return out, nil
}

// networks reads networks; an address is the network of it alone.
func networks(texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, addrErr := netip.ParseAddr(text)
			if addrErr != nil {
				return nil, fmt.Errorf("network %q: %w", text, err)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		all = append(all, prefix)
	}
	return all, nil
}

// sessionKey is the secret from the file, or one for the life of this process.
func sessionKey(path string) (shed.CohortKey, error) {
	var key shed.CohortKey
	if path == "" {
		rand.Read(key[:])
		return key, nil
	}
	secret, err := os.ReadFile(path)
	if err != nil {
		return key, fmt.Errorf("reading the session key: %w", err)
	}
	return sha256.Sum256(secret), nil
}
