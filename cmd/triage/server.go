package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"triage/config"
	"triage/proxy"
	"triage/proxy/admin"
	"triage/proxy/console"
	"triage/proxy/edge"
	"triage/proxy/incident"
	"triage/proxy/shortage"
	"triage/proxy/telemetry"
	"triage/proxy/telemetry/otlp"
	"triage/shed"
)

// options are what the command line and the environment say over the file.
type options struct {
	path   string
	listen string // instead of the file's listeners, if not ""
	admin  string // instead of the file's admin address, if not ""
	lane   string // instead of the lanes of the file's listeners, if not ""
	// source gives the configuration; nil reads path.
	source func() (*config.Loaded, error)
	stdout io.Writer
	logger *slog.Logger
}

// server is one running Triage: everything that `triage run` starts, and what the end-to-end tests start.
type server struct {
	options   options
	started   time.Time
	proxy     *proxy.Proxy
	telemetry *telemetry.Telemetry
	traces    *otlp.Exporter
	history   history
	access    *logWriter
	console   *console.Console
	admin     *http.Server
	adminAt   net.Listener
	key       shed.CohortKey
	program   string // this program's file, as it was called when it was started
	short     shortage.Watch
	inherited *inheritance
	successor chan takenOver // a process that has taken over
	serveErr  chan error     // a listener that died
	retiring  sync.WaitGroup // listeners that a reload removed, until what they serve has ended

	mu        sync.Mutex // one reload at a time; guards what is below
	loaded    *config.Loaded
	loadedAt  time.Time
	lastError string
	listeners map[string]*edge.Listener // by configured address
	retired   map[string]bool           // addresses whose listener a reload has removed
	serving   bool
}

// newServer loads the configuration, builds everything and binds every address. Nothing is served before Run.
func newServer(o options) (_ *server, err error) {
	s := &server{options: o, traces: otlp.New(o.logger), started: time.Now(), history: history{counter: incident.NewCounter()}, listeners: map[string]*edge.Listener{}, retired: map[string]bool{}, serveErr: make(chan error, 1), successor: make(chan takenOver, 1)}
	defer func() {
		if err != nil {
			s.closeAll()
			s.inherited.giveUp()
		}
	}()
	s.program, _ = os.Executable()
	if s.loaded, err = s.load(); err != nil {
		return nil, err
	}
	s.loadedAt = time.Now()
	f := &s.loaded.File
	if s.key, err = sessionKey(f.SessionKeyFile); err != nil {
		return nil, err
	}
	if s.access, err = openLog(f.AccessLog.To, o.stdout, os.Stderr); err != nil {
		return nil, err
	}
	if s.telemetry, err = s.newTelemetry(f); err != nil {
		return nil, err
	}
	settings, err := proxySettings(f, s.key, s.recorder, o.logger)
	if err != nil {
		return nil, err
	}
	collector, err := s.tracing(f, &settings)
	if err != nil {
		return nil, err
	}
	s.traces.Use(collector)
	if s.proxy, err = proxy.New(settings); err != nil {
		return nil, err
	}
	if err = s.newHistory(f); err != nil {
		return nil, err
	}
	if s.inherited, err = inherit(f.Handover); err != nil {
		return nil, err
	}
	if err = s.bind(f.Listen, s.listeners); err != nil {
		return nil, err
	}
	if err = s.newAdmin(f); err != nil {
		return nil, err
	}
	if err = s.inherited.settle(); err != nil {
		return nil, err
	}
	s.telemetry.Reloaded(true, s.loaded.Hash, s.loadedAt)
	return s, nil
}

// load reads the file and lets the command line have the last word.
func (s *server) load() (*config.Loaded, error) {
	read := s.options.source
	if read == nil {
		read = func() (*config.Loaded, error) { return loadConfig(s.options.path) }
	}
	loaded, err := read()
	if err != nil {
		return nil, err
	}
	if s.options.listen != "" {
		first := loaded.File.Listen[0]
		first.Address = s.options.listen
		loaded.File.Listen = []config.Listener{first}
	}
	if s.options.lane != "" {
		for i := range loaded.File.Listen {
			loaded.File.Listen[i].Lane = s.options.lane
		}
	}
	if s.options.admin != "" {
		loaded.File.Admin.Address = s.options.admin
	}
	return loaded, nil
}

func (s *server) newTelemetry(f *config.File) (*telemetry.Telemetry, error) {
	refusals := float64(f.AccessLog.Refusals)
	if refusals == 0 {
		refusals = -1 // none, where telemetry's 0 means its default
	}
	b := thisBuild()
	return telemetry.New(telemetry.Settings{
		Snapshot: func() proxy.Snapshot { return s.proxy.Snapshot() }, Server: s.serverSnapshot, Incidents: s.incidentSnapshot, Traces: s.traceSnapshot,
		Version: b.Version, Commit: b.Commit, Logger: s.options.logger,
		Log: telemetry.LogSettings{Writer: s.access, Refusals: refusals, Buffer: f.AccessLog.Buffer, Disabled: f.AccessLog.To == "off"},
	})
}

func (s *server) recorder(route, priority, upstream string) proxy.Recorder {
	return tee{s.telemetry.Route(route, priority, upstream), s.history.counter.Route(route)}
}

func (s *server) serverSnapshot() telemetry.ServerSnapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := telemetry.ServerSnapshot{Shortage: s.short.Snapshot()}
	for address, l := range s.listeners {
		c := l.Snapshot()
		out.Listeners = append(out.Listeners, telemetry.ListenerSnapshot{
			Address: address, Connections: c.Connections, Accepted: c.Accepted, AcceptErrors: c.AcceptErrors, Refused: c.Refused,
			Closed: map[string]uint64{
				"per_client": c.TooMany, "no_proxy_header": c.Unintroduced, "slow_header": c.SlowHeader, "room": c.ForRoom, "shortage": c.ForShortage, "flood": c.Floods,
			},
		})
	}
	return out
}

// bind listens on every address that is not in into yet, and puts the listeners there. On an error those it bound are closed.
func (s *server) bind(listeners []config.Listener, into map[string]*edge.Listener) error {
	var bound []string
	for _, l := range listeners {
		if into[l.Address] != nil {
			continue
		}
		settings, err := s.listenerSettings(l)
		if err == nil {
			into[l.Address], err = s.listen(settings)
		}
		if err != nil {
			delete(into, l.Address)
			for _, address := range bound {
				into[address].Close()
				delete(into, address)
			}
			return err
		}
		bound = append(bound, l.Address)
	}
	return nil
}

// givenBack is how long an address may take to be free again whose listener was removed: that one still takes in what had connected, and a busy
// machine may keep it from ending.
const (
	givenBack     = 2 * time.Second
	givenBackPoll = 10 * time.Millisecond
)

// listen binds an address, patiently if a reload has taken it from another listener.
func (s *server) listen(settings edge.Settings) (*edge.Listener, error) {
	for deadline := time.Now().Add(givenBack); ; time.Sleep(givenBackPoll) {
		l, err := s.inherited.listenAt(settings)
		if !errors.Is(err, syscall.EADDRINUSE) || !s.retired[settings.Address] || time.Now().After(deadline) {
			return l, err
		}
	}
}

func (s *server) newAdmin(f *config.File) error {
	var tokens []admin.Token
	var err error
	if f.Admin.TokensFile != "" {
		if tokens, err = admin.LoadTokens(f.Admin.TokensFile); err != nil {
			return err
		}
	}
	if s.console, err = s.newConsole(); err != nil {
		return err
	}
	api, err := admin.New(admin.Settings{
		Status: s.status, Metrics: s.telemetry.Handler(), Ready: s.ready, Config: s.inForce, Entries: s.proxy.Entries,
		Reload:    func(_ context.Context, who string) error { return s.reload(who) },
		Incidents: s.history.book, Levers: s.history.levers, Console: s.console, Tokens: tokens, Hosts: f.Admin.Hosts, Logger: s.options.logger,
	})
	if err != nil {
		return err
	}
	if s.adminAt = s.inherited.claim(ofAdmin, f.Admin.Address); s.adminAt == nil {
		if s.adminAt, err = admin.Listen(f.Admin.Address, len(tokens) > 0); err != nil {
			return err
		}
	}
	s.admin = admin.Server(api.Handler())
	return nil
}

func (s *server) newConsole() (*console.Console, error) {
	return console.New(console.Settings{
		Snapshot: s.proxy.Snapshot, Totals: s.history.counter.Totals, Incidents: s.history.book, Levers: s.history.levers, Logger: s.options.logger,
		About: func() console.About {
			c := s.inForce()
			return console.About{Version: thisBuild().Version, Started: s.started, Config: c.Hash, LastError: c.LastError}
		},
	})
}

// closeAll gives back what newServer bound.
func (s *server) closeAll() {
	for _, l := range s.listeners {
		l.Close()
	}
	if s.adminAt != nil {
		s.adminAt.Close()
	}
	if s.access != nil {
		s.access.Close()
	}
}

// statusEntries is how many of the newest entries a status shows.
const statusEntries = 50

func (s *server) status() admin.Status {
	entries := s.proxy.Entries(0)
	return admin.Status{
		Incident: s.history.current(), Levers: s.history.levers.Pulled(),
		Version: thisBuild().Version, Started: s.started, Uptime: time.Since(s.started).Seconds(), Config: s.inForce(),
		Snapshot: s.proxy.Snapshot(), Entries: entries[max(0, len(entries)-statusEntries):],
	}
}

func (s *server) inForce() admin.ConfigInForce {
	s.mu.Lock()
	defer s.mu.Unlock()
	yaml, err := s.loaded.File.YAML()
	if err != nil {
		s.options.logger.Error("writing the configuration in force", "error", err)
	}
	return admin.ConfigInForce{Hash: s.loaded.Hash, LoadedAt: s.loadedAt, File: s.options.path, LastError: s.lastError, YAML: yaml}
}

func (s *server) inForceFile() *config.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &s.loaded.File
}

func (s *server) ready() (bool, string) {
	if s.proxy.Draining() {
		return false, "draining"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.serving {
		return false, "starting"
	}
	return true, ""
}

// serve runs one listener to its end. One that dies by itself takes the process down: a proxy that does not listen is none.
func (s *server) serve(l *edge.Listener) {
	err := l.Serve(s.proxy, s.options.logger)
	if err == nil || errors.Is(err, http.ErrServerClosed) {
		return
	}
	select {
	case s.serveErr <- fmt.Errorf("listener %s: %w", l.Addr(), err):
	default:
	}
}

// addresses are where the server listens, in order.
func (s *server) addresses() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, l := range s.listeners {
		out = append(out, l.Addr().String())
	}
	slices.Sort(out)
	return out
}
