package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"triage/bench/child"
	"triage/bench/peer/facts"
)

// program is a contender that has to be installed.
type program struct {
	name, doc, tuned string
	// install is the command that installs it.
	install string
	// version are the arguments that make it print one, file is the name of its configuration, command starts it.
	version []string
	file    string
	command []string
}

const debian = "apt-get install --no-install-recommends "

var programs = []program{
	{
		name: "nginx", doc: "limit_req and limit_conn for each client, limit_conn for all", tuned: "limit_conn for the places of each pool that checkout does not need, limit_req at the rate they serve",
		install: debian + "nginx-light", version: []string{"-v"}, file: "nginx.conf",
		command: []string{"-p", "{{.Dir}}", "-c", "{{.Dir}}/nginx.conf"},
	},
	{
		name: "haproxy", doc: "priority classes in a queue before a guessed maxconn", tuned: "priority classes in a queue for each pool, maxconn its true size",
		install: debian + "haproxy", version: []string{"-v"}, file: "haproxy.cfg",
		command: []string{"-db", "-f", "{{.Dir}}/haproxy.cfg"},
	},
	{
		name: "caddy", doc: "reverse_proxy as in its quick start", tuned: "unhealthy_request_count at each pool's true size, retried for a while",
		install: debian + "caddy", version: []string{"version"}, file: "Caddyfile",
		command: []string{"run", "--adapter", "caddyfile", "--config", "{{.Dir}}/Caddyfile"},
	},
	{
		name: "traefik", doc: "inFlightReq and rateLimit for each client", tuned: "inFlightReq for the places of each pool that checkout does not need",
		install: "see https://doc.traefik.io/traefik/getting-started/install-traefik/ (no Debian package)", version: []string{"version"}, file: "traefik.yaml",
		command: []string{"--entryPoints.in.address={{.Listen}}", "--entryPoints.in.forwardedHeaders.insecure=true", "--providers.file.filename={{.Dir}}/traefik.yaml", "--log.level=ERROR"},
	},
	{
		name: "skipper", doc: "admissionControl for each route, lifo for all", tuned: "admissionControl for each route, a lifo of each pool's true size",
		install: "go install github.com/zalando/skipper/cmd/skipper@latest", version: []string{"-version"}, file: "routes.eskip",
		command: []string{"-address", "{{.Listen}}", "-routes-file", "{{.Dir}}/routes.eskip", "-access-log-disabled", "-support-listener", "127.0.0.1:0", "-application-log-level", "ERROR"},
	},
}

// external is one of them with one of its configurations.
type external struct {
	program
	byHand bool
}

func (e external) Name() string {
	if e.byHand {
		return e.name + TunedSuffix
	}
	return e.name
}

func (e external) Doc() string {
	if e.byHand {
		return e.tuned
	}
	return e.doc
}

func (e external) Tuned() bool { return e.byHand }

func (e external) Config() string { return source(e.template()) }

// template is the file in the templates folder.
func (e external) template() string {
	if e.byHand {
		return "tuned." + e.file
	}
	return e.file
}

// find gives the program's path. Servers stand in folders that are not in everybody's PATH.
func (e external) find() (string, error) {
	path, err := exec.LookPath(e.name)
	for _, folder := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(folder, e.name))
	}
	return path, err
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
	ctx, done := context.WithTimeout(ctx, patienceWithVersions)
	defer done()
	text, err := exec.CommandContext(ctx, path, e.version...).CombinedOutput()
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return line
}

func (e external) Start(ctx context.Context, f facts.Facts) (_ *Running, err error) {
	if !e.byHand {
		f.Pools = nil
	}
	path, err := e.find()
	if err != nil {
		return nil, errors.New(e.Absent())
	}
	p, err := settle(f)
	defer func() {
		if err != nil && p.Dir != "" {
			err = errors.Join(err, os.RemoveAll(p.Dir))
		}
	}()
	if err != nil {
		return nil, err
	}
	if err := p.write(e.file, e.Config()); err != nil {
		return nil, err
	}
	var args []string
	for _, arg := range e.command {
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
