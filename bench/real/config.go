package real

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"triage/bench/sim"
)

// usualClasses are Triage's own names of four classes.
var usualClasses = []string{"critical", "important", "normal", "sheddable"}

// usualTimeout is Triage's own patience with a backend.
const usualTimeout = 15 * time.Second

// className is the name of a class in configurations and tables.
func className(classes, class int) string {
	if classes == len(usualClasses) {
		return usualClasses[class]
	}
	return fmt.Sprintf("class-%d", class)
}

// configuration is what an operator would write who knows the routes and what they are worth, and nothing of the backend. Texts are
// quoted as JSON, which is YAML too.
func configuration(sc sim.Scenario, endpoints []string, connections int, breakers bool) string {
	var b strings.Builder
	quote := func(v any) string { text, _ := json.Marshal(v); return string(text) }
	var classes []string
	for i := range sc.Classes {
		classes = append(classes, className(sc.Classes, i))
	}
	timeout := sc.Sidecars.Timeout
	if timeout == 0 { // as long as the client waits
		timeout = max(usualTimeout, 2*sc.Clients.Deadline)
	}
	// Clients are proxies in their own opinion, so that each user may have an address.
	fmt.Fprintf(&b, "listen: {address: 127.0.0.1:0, trusted_proxies: [127.0.0.1], limits: {connections: %d}}\n", connections)
	fmt.Fprintf(&b, "admin: 127.0.0.1:0\naccess_log: {to: \"off\"}\nsession_key_file: session.key\ndrain: {timeout: 2s}\n")
	fmt.Fprintf(&b, "priorities: %s\n", quote(classes))
	fmt.Fprintf(&b, "upstreams: {backend: {endpoints: %s, timeout: %s}}\nroutes:\n", quote(endpoints), timeout)
	breaker := ""
	if !breakers {
		breaker = ", breaker: {disabled: true}"
	}
	for _, r := range sc.Routes {
		fmt.Fprintf(&b, "  - {name: %s, match: {path: %s}, upstream: backend, priority: %s, session: {cookie: %s, stage: %d}%s}\n",
			quote(r.Name), quote(path(r)), className(sc.Classes, r.Class), sessionCookie, min(sc.StageOf(r.Name), mostStage), breaker)
	}
	return b.String()
}

// mostStage is the highest stage that a configuration may give.
const mostStage = 100

// sessionCookie says which user asks.
const sessionCookie = "sid"

// sessionKey sorts users into cohorts, in every run in the same way.
const sessionKey = "the benchmark's users, each in one cohort"

// writeConfiguration puts it into a folder and gives its path.
func writeConfiguration(folder, text string) (string, error) {
	file := filepath.Join(folder, "triage.yaml")
	for name, content := range map[string]string{file: text, filepath.Join(folder, "session.key"): sessionKey} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			return "", fmt.Errorf("writing the configuration: %w", err)
		}
	}
	return file, nil
}
