package real

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"triage/bench/child"
)

// Backend is an origin that runs: its endpoints and its control.
type Backend struct {
	Endpoints []string `json:"endpoints"`
	Control   string   `json:"control"`
	// Ended is closed when it has ended; nil: it is not watched.
	Ended <-chan struct{} `json:"-"`
	// Stop ends it, and says if it had ended before or ended badly.
	Stop func() error `json:"-"`
}

// Front is what stands before the backend: where clients ask, and the admin addresses, if there are some, whose limits are noted.
type Front struct {
	URLs   []string
	Admins []string
	// Stand lets one of several processes stand still, and go on; nil: nobody can.
	Stand func(n int, still bool) error
	Ended <-chan struct{}
	Stop  func() error
}

// Parts start what a trial needs. Each is stopped when the trial is over.
type Parts struct {
	Backend func(context.Context, Trial) (Backend, error)
	Front   func(context.Context, Trial, Backend) (Front, error)
}

// ChildBackend starts the origin as a process of its own: program with arguments that make it print a Backend as one line of JSON.
func ChildBackend(program string, args ...string) func(context.Context, Trial) (Backend, error) {
	return func(ctx context.Context, _ Trial) (Backend, error) {
		var b Backend
		p, err := child.Start(ctx, child.Settings{Name: "the backend", Program: program, Args: args, Said: func(line string) bool {
			return b.Control == "" && json.Unmarshal([]byte(line), &b) == nil && b.Control != ""
		}})
		if err != nil {
			return Backend{}, err
		}
		b.Ended, b.Stop = p.Ended(), p.Stop
		return b, nil
	}
}

// TriageFront starts Triage as it would be used: the program with a configuration, as many processes as the scenario has sidecars.
type TriageFront struct {
	Program string
	// Config is the path of a configuration; "" makes one out of the scenario's routes and classes.
	Config string
	// NoBreakers turns the breakers of routes off. Not with Config.
	NoBreakers bool
}

// Start is for Parts.
func (f TriageFront) Start(ctx context.Context, t Trial, b Backend) (front Front, err error) {
	var stops []func() error
	stop := func() error {
		var all []error
		for _, s := range slices.Backward(stops) {
			all = append(all, s())
		}
		return errors.Join(all...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, stop())
		}
	}()
	path := f.Config
	if path == "" {
		folder, err := os.MkdirTemp("", "triage-bench-")
		if err != nil {
			return front, fmt.Errorf("making a folder for the configuration: %w", err)
		}
		stops = append(stops, func() error { return os.RemoveAll(folder) })
		if path, err = writeConfiguration(folder, configuration(t.Scenario, b.Endpoints, t.connections()+1000, !f.NoBreakers)); err != nil {
			return front, err
		}
	}
	ended := make(chan struct{}, 1)
	var processes []*child.Process
	for range t.Scenario.Sidecars.Count {
		p, url, admin, err := f.one(ctx, path)
		if err != nil {
			return front, err
		}
		processes, stops = append(processes, p), append(stops, p.Stop)
		front.URLs, front.Admins = append(front.URLs, url), append(front.Admins, admin)
		go func() {
			<-p.Ended()
			select {
			case ended <- struct{}{}:
			default:
			}
		}()
	}
	front.Ended, front.Stop = ended, stop
	front.Stand = func(n int, still bool) error { return processes[n].Stand(still) }
	return front, nil
}

// one starts one Triage on free ports, and learns them from its log.
func (f TriageFront) one(ctx context.Context, path string) (p *child.Process, url, admin string, err error) {
	var serving struct {
		Msg, Admin string
		Listen     []string
	}
	args := []string{"run", "-c", path, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}
	p, err = child.Start(ctx, child.Settings{Name: "triage", Program: f.Program, Args: args, Said: func(line string) bool {
		return json.Unmarshal([]byte(line), &serving) == nil && serving.Msg == "serving" && len(serving.Listen) > 0
	}})
	if err != nil {
		return nil, "", "", err
	}
	return p, "http://" + serving.Listen[0], "http://" + serving.Admin, nil
}

// Target is a proxy that runs already. admin is the URL of its admin API, if it is a Triage whose limits are to be noted.
func Target(target, admin string) func(context.Context, Trial, Backend) (Front, error) {
	return func(ctx context.Context, _ Trial, _ Backend) (Front, error) {
		u, err := url.Parse(target)
		if err != nil || u.Host == "" {
			return Front{}, fmt.Errorf("target %q: want a URL such as http://127.0.0.1:8080", target)
		}
		address := u.Host
		if u.Port() == "" {
			address = net.JoinHostPort(u.Hostname(), u.Scheme)
		}
		dialer := net.Dialer{Timeout: 2 * time.Second}
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return Front{}, fmt.Errorf("nobody answers at the target %s: %w", target, err)
		}
		connection.Close()
		f := Front{URLs: []string{target}, Stop: func() error { return nil }}
		if admin != "" {
			f.Admins = []string{admin}
			if _, err := limitAt(ctx, http.DefaultClient, admin); err != nil {
				return Front{}, fmt.Errorf("the target's admin API: %w", err)
			}
		}
		return f, nil
	}
}
