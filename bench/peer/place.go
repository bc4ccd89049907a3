package peer

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"triage/bench/peer/facts"
)

//go:embed templates
var templates embed.FS

// source is a configuration as it stands in the templates folder.
func source(file string) string {
	text, err := templates.ReadFile("templates/" + file)
	if err != nil {
		panic(err) // it is part of this program, and a test reads all of them
	}
	return string(text)
}

// place is what a configuration is filled in with: the facts, and where it stands.
type place struct {
	facts.Facts
	// Dir is a folder for its files alone, Listen the address at which it is to serve, Port that address's port.
	Dir, Listen, Port string
	// Descriptors is how many files may be open.
	Descriptors int
	// Root says that this is who starts it.
	Root bool
	// Lane is Triage's.
	Lane string
}

// settle makes a folder and finds a free port.
func settle(f facts.Facts) (place, error) {
	dir, err := os.MkdirTemp("", "triage-peer-")
	if err != nil {
		return place{}, fmt.Errorf("making a folder for the configuration: %w", err)
	}
	// Taken and given back: between that and the contender's own bind somebody else may take it, which its start then says.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return place{}, errors.Join(fmt.Errorf("looking for a free port: %w", err), os.RemoveAll(dir))
	}
	p := place{Facts: f, Dir: dir, Listen: l.Addr().String(), Descriptors: 2*f.Connections + 1000, Root: os.Geteuid() == 0}
	_, p.Port, _ = net.SplitHostPort(p.Listen)
	if err := l.Close(); err != nil {
		return place{}, errors.Join(fmt.Errorf("giving a free port back: %w", err), os.RemoveAll(dir))
	}
	return p, nil
}

// settled starts a contender in a place of its own, which is taken away again if it does not start.
func settled(f facts.Facts, start func(place) (*Running, error)) (*Running, error) {
	p, err := settle(f)
	if err != nil {
		return nil, err
	}
	running, err := start(p)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.Dir))
	}
	return running, nil
}

// words are what templates can do.
var words = template.FuncMap{
	"host": hostOf,
	"ms": func(d time.Duration, share float64) string {
		return fmt.Sprintf("%dms", int(share*float64(d.Milliseconds())))
	},
	"seconds": func(d time.Duration) int { return int(math.Ceil(d.Seconds())) },
	"fit":     identifier,
	"alias":   alias,
}

// hostOf is host and port of a URL.
func hostOf(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("endpoint %q: want a URL such as http://127.0.0.1:9000", endpoint)
	}
	return u.Host, nil
}

// alias is another way of writing an address of this machine, for the n-th of those that want one of their own.
func alias(address string, n int) (string, error) {
	host, port, err := net.SplitHostPort(address)
	others := []string{"::ffff:127.0.0.1", "localhost"}
	if err != nil || host != "127.0.0.1" || n >= len(others) {
		return "", fmt.Errorf("%s has no name number %d: at most %d pools can be told apart", address, n+1, len(others))
	}
	return net.JoinHostPort(others[n], port), nil
}

// identifier makes a name that every configuration language takes.
func identifier(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(name))
}

func (p place) fill(text string) (string, error) {
	t, err := template.New("").Funcs(words).Parse(text)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return "", err
	}
	return out.String(), nil
}

// write fills a template in and puts it into the folder.
func (p place) write(name, text string) error {
	out, err := p.fill(text)
	if err == nil {
		err = os.WriteFile(filepath.Join(p.Dir, name), []byte(out), 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing the configuration %s: %w", name, err)
	}
	return nil
}

// leave takes the folder away after the contender has ended.
func (p place) leave(stop func() error) func() error {
	return func() error { return errors.Join(stop(), os.RemoveAll(p.Dir)) }
}
