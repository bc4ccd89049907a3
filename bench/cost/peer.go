package cost

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

// contender is a proxy that can be measured, without any limit but what its name says.
type contender struct {
	name, doc string
	// program is what has to be installed, "" if that is this binary; pack is its Debian package.
	program, pack string
	version       []string
	// files are its configuration by their names; command, with the folder of those files and the addresses filled in, starts it.
	files   map[string]string
	command []string
	// routed says that it always has routes.
	routed     bool
	lane, mode string
}

// Nothing is the peer that is no proxy: clients ask the origin.
const Nothing = "nothing"

// contenders in the order in which they are shown.
func contenders() []contender {
	triage := func(name, lane, mode, doc string) contender {
		return contender{
			name: name, doc: doc, version: []string{"version"}, files: map[string]string{"triage.yaml": "triage.yaml"},
			command: []string{"run", "-c", "{{.Dir}}/triage.yaml", "--log-level", "error"}, routed: true, lane: lane, mode: mode,
		}
	}
	const policies = "every policy on: 50 routes, a bucket for each client, breakers, the adaptive limit, metrics, an access log in a file"
	return []contender{
		{name: Nothing, doc: "no proxy: the clients ask the origin; what is measured is the harness"},
		{
			name: "nginx", doc: "bare: one worker, kept connections, no log", program: "nginx", pack: "nginx-light", version: []string{"-v"},
			files: map[string]string{"nginx.conf": "nginx.conf"}, command: []string{"-c", "{{.Dir}}/nginx.conf", "-p", "{{.Dir}}"},
		},
		{
			name: "haproxy", doc: "bare: one thread, no log", program: "haproxy", pack: "haproxy", version: []string{"-v"},
			files: map[string]string{"haproxy.cfg": "haproxy.cfg", "routes.map": "haproxy.map"}, command: []string{"-db", "-f", "{{.Dir}}/haproxy.cfg"},
		},
		{
			name: "caddy", doc: "bare: no log", program: "caddy", pack: "caddy", version: []string{"version"},
			files: map[string]string{"Caddyfile": "Caddyfile"}, command: []string{"run", "--adapter", "caddyfile", "--config", "{{.Dir}}/Caddyfile"},
		},
		{
			name: "httputil", doc: "net/http and httputil.ReverseProxy with kept connections, nothing else", version: []string{"version"},
			command: []string{"bench", "bare-proxy", "--listen", "{{.Listen}}", "--to", "{{.Origin}}", "--routes", "{{len .Routes}}"},
		},
		triage("triage", "auto", "enforce", "as it comes, "+policies),
		triage("triage-fast", "fast", "enforce", "lane: fast, "+policies),
		triage("triage-standard", "standard", "enforce", "lane: standard, "+policies),
		triage("triage-observe", "fast", "observe", "lane: fast, mode: observe: decides everything and refuses nothing, "+policies),
	}
}

// Names are those of all peers.
func Names() []string {
	var names []string
	for _, c := range contenders() {
		names = append(names, c.name)
	}
	return names
}

// Usual are those that are measured if nobody says which.
func Usual() []string {
	return []string{Nothing, "nginx", "haproxy", "caddy", "httputil", "triage", "triage-fast", "triage-observe"}
}

func contenderOf(name string) contender {
	all := contenders()
	return all[slices.IndexFunc(all, func(c contender) bool { return c.name == name })]
}

//go:embed templates
var templates embed.FS

// place is what a configuration is filled in with.
type place struct {
	Dir, Listen, Origin, Port, Lane, Mode string
	// Descriptors is how many files may be open; it is also what bounds connections.
	Descriptors int
	// Root says that this is who starts it.
	Root   bool
	Routes []string
}

// routeNames are those of n routes.
func routeNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("r%05d", i)
	}
	return names
}

// usualRoutes is how many routes Triage has where their number is not what is measured.
const usualRoutes = 50

// configure writes a peer's files into p.Dir and gives its command line's arguments and the text of its configuration.
func (c contender) configure(p place) (args []string, text string, err error) {
	p.Lane, p.Mode = c.lane, c.mode
	p.Root = os.Geteuid() == 0
	_, p.Port, _ = strings.Cut(p.Listen, ":")
	if c.routed && len(p.Routes) == 0 {
		p.Routes = routeNames(usualRoutes)
	}
	for name, from := range c.files {
		source, err := templates.ReadFile("templates/" + from)
		if err != nil {
			return nil, "", err
		}
		out, err := fill(string(source), p)
		if err != nil {
			return nil, "", err
		}
		if err := os.WriteFile(filepath.Join(p.Dir, name), []byte(out), 0o600); err != nil {
			return nil, "", fmt.Errorf("configuring %s: %w", c.name, err)
		}
		text += string(source) // as it is before addresses and thousands of routes are filled in
	}
	for _, arg := range c.command {
		out, err := fill(arg, p)
		if err != nil {
			return nil, "", err
		}
		args = append(args, out)
	}
	return args, text, nil
}

func fill(text string, p place) (string, error) {
	t, err := template.New("").Parse(text)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return "", err
	}
	return out.String(), nil
}

// find gives the path of a peer's program, or why it is absent.
func (c contender) find(self string) (path, absent string) {
	if c.program == "" {
		return self, ""
	}
	path, err := exec.LookPath(c.program)
	for _, folder := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} { // not in everybody's PATH
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(folder, c.program))
	}
	if err != nil {
		return "", fmt.Sprintf("%s is not installed: apt-get install %s", c.program, c.pack)
	}
	return path, ""
}

// versionOf asks a program for its version; "" if it does not say.
func (c contender) versionOf(path string) string {
	out, err := exec.Command(path, c.version...).CombinedOutput()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}
