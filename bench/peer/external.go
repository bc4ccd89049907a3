package peer

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"triage/bench/child"
	"triage/bench/peer/facts"
)

// setup is how a contender is configured.
type setup int

const (
	advised setup = iota // by its own documentation
	tuned                // with what nobody can know
	bare                 // nothing but forwarding, for one core; and a quota on /refused/
	alike                // bare, and what Triage does there too
)

// named is the name of a contender in a setup.
func (s setup) named(name string) string {
	return name + [...]string{tuned: TunedSuffix, alike: AlikeSuffix}[s]
}

// docs are what a contender does in each setup; "": it has none that is alike.
type docs [alike + 1]string

// program is a contender that has to be installed.
type program struct {
	name string
	doc  docs
	// install is the command that installs it.
	install string
	// version are the arguments that make it print one, file is the name of its configuration, command starts it.
	version []string
	file    string
	command []string
	// bare are arguments more for the bare configuration.
	bare []string
	// also is a second file of the bare configuration; "": there is none.
	also string
}

const debian = "apt-get install --no-install-recommends "

var programs = []program{
	{
		name: "nginx", doc: docs{
			"limit_req and limit_conn for each client, limit_conn for all",
			"limit_conn for the places of each pool that checkout does not need, limit_req at the rate they serve",
			"one worker, kept connections, no log",
			"one worker, kept connections, with Triage's duties as far as it knows them: routes, a bucket for each client, counts of what is under way, passive health, " +
				"forwarded fields, an access log in a file; no metrics but the totals that it always counts",
		},
		install: debian + "nginx-light", version: []string{"-v"}, file: "nginx.conf",
		command: []string{"-p", "{{.Dir}}", "-c", "{{.Dir}}/nginx.conf"},
	},
	{
		name: "haproxy", doc: docs{
			"priority classes in a queue before a guessed maxconn",
			"priority classes in a queue for each pool, maxconn its true size",
			"one thread, no log",
		},
		install: debian + "haproxy", version: []string{"-v"}, file: "haproxy.cfg",
		command: []string{"-db", "-f", "{{.Dir}}/haproxy.cfg"}, also: "haproxy.map",
	},
	{
		name: "caddy", doc: docs{
			"reverse_proxy as in its quick start",
			"unhealthy_request_count at each pool's true size, retried for a while",
			"kept connections, no log",
		},
		install: debian + "caddy", version: []string{"version"}, file: "Caddyfile",
		command: []string{"run", "--adapter", "caddyfile", "--config", "{{.Dir}}/Caddyfile"},
	},
	{
		name: "traefik", doc: docs{
			"inFlightReq and rateLimit for each client",
			"inFlightReq for the places of each pool that checkout does not need",
			"kept connections, no log",
		},
		install: "see https://doc.traefik.io/traefik/getting-started/install-traefik/ (no Debian package)", version: []string{"version"}, file: "traefik.yaml",
		command: []string{"--entryPoints.in.address={{.Listen}}", "--entryPoints.in.forwardedHeaders.insecure=true", "--providers.file.filename={{.Dir}}/traefik.yaml", "--log.level=ERROR"},
	},
	{
		name: "skipper", doc: docs{
			"admissionControl and a queue for each route",
			"admissionControl for each route, a lifo of each pool's true size",
			"kept connections, no log",
		},
		install: "go install github.com/zalando/skipper/cmd/skipper@latest", version: []string{"-version"}, file: "routes.eskip",
		// Told to end it would go on for 45 s, for load balancers that have to notice.
		command: []string{
			"-address", "{{.Listen}}", "-routes-file", "{{.Dir}}/routes.eskip", "-wait-first-route-load", "-wait-for-healthcheck-interval", "0s",
			"-access-log-disabled", "-support-listener", "127.0.0.1:0", "-application-log-level", "ERROR",
		},
		bare: []string{"-enable-ratelimits", "-idle-conns-num", "1024"},
	},
}

// external is one of them with one of its configurations.
type external struct {
	program
	setup setup
}

func (e external) Name() string { return e.setup.named(e.name) }
func (e external) Doc() string  { return e.doc[e.setup] }
func (e external) Tuned() bool  { return e.setup == tuned }

func (e external) Config() (text string) {
	for _, file := range e.files() {
		text += source(e.template(file))
	}
	return text
}

// files are the names of what it is configured with.
func (e external) files() []string {
	if e.setup == bare && e.also != "" {
		return []string{e.file, e.also}
	}
	return []string{e.file}
}

// template is a file in the templates folder.
func (e external) template(file string) string {
	return []string{"", "tuned.", "bare.", "alike."}[e.setup] + file
}

// find gives the program's path. Servers, and what `go install` has put there, stand in folders that are not in everybody's PATH.
func (e external) find() (string, error) {
	path, err := exec.LookPath(e.name)
	for _, folder := range []string{"/usr/sbin", "/usr/local/sbin", goInstalls()} {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(folder, e.name))
	}
	return path, err
}

// goInstalls is the folder into which `go install` puts programs; "" if nobody knows.
func goInstalls() string {
	if folder := os.Getenv("GOBIN"); folder != "" {
		return folder
	}
	if paths := filepath.SplitList(os.Getenv("GOPATH")); len(paths) > 0 {
		return filepath.Join(paths[0], "bin")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, "go", "bin")
}

func (e external) Absent() string {
	if _, err := e.find(); err != nil {
		return fmt.Sprintf("%s is not installed: %s", e.name, e.install)
	}
	return ""
}

// patienceWithVersions is how long a program may take to say which it is.
const patienceWithVersions = 10 * time.Second

func (e external) Version(ctx context.Context) string {
	path, err := e.find()
	if err != nil {
		return ""
	}
	// What `go install` has built does not know what it is: nobody has told its linker.
	if info, err := buildinfo.ReadFile(path); err == nil && strings.HasPrefix(info.Main.Version, "v") {
		return e.name + " " + info.Main.Version
	}
	ctx, done := context.WithTimeout(ctx, patienceWithVersions)
	defer done()
	text, err := exec.CommandContext(ctx, path, e.version...).CombinedOutput()
	if err != nil {
		return "unknown"
	}
	return firstLine(text)
}

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return line
}

func (e external) Start(ctx context.Context, f facts.Facts) (*Running, error) {
	if e.setup != tuned {
		f.Pools = nil
	}
	path, err := e.find()
	if err != nil {
		return nil, errors.New(e.Absent())
	}
	return settled(f, func(p place) (*Running, error) { return e.start(ctx, path, p) })
}

// start starts the program at a path, from a place.
func (e external) start(ctx context.Context, path string, p place) (*Running, error) {
	for _, file := range e.files() {
		if err := p.write(file, source(e.template(file))); err != nil {
			return nil, err
		}
	}
	given := e.command
	if e.setup == bare {
		given = slices.Concat(given, e.bare)
	}
	var args []string
	for _, arg := range given {
		out, err := p.fill(arg)
		if err != nil {
			return nil, err
		}
		args = append(args, out)
	}
	process, err := child.Start(ctx, child.Settings{Name: e.Name(), Program: path, Args: args, Answers: p.Listen})
	if err != nil {
		return nil, err
	}
	return &Running{URLs: []string{"http://" + p.Listen}, Process: process, Stop: p.leave(process.Stop)}, nil
}
