package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"triage/config"
	"triage/proxy/edge"
	"triage/proxy/shortage"
)

func newRun() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Serve: stand in front of the upstreams of the configuration",
		Long: `Serve until SIGTERM or SIGINT: readiness fails, new requests go on for drain.delay, then no connection
is accepted any more and those under way have drain.timeout to end. A second signal ends at once.
SIGHUP, a change of the file and POST /api/v1/reload load the configuration again. SIGUSR2 starts the program again, as it is
on disk now: with handover in the configuration the new process takes the listeners over, and this one drains.`,
		Args: cobra.NoArgs,
	}
	path := configFlag(cmd)
	listen := cmd.Flags().String("listen", flagDefault("TRIAGE_LISTEN", ""), "listen here instead of where the file says (TRIAGE_LISTEN)")
	admin := cmd.Flags().String("admin", flagDefault("TRIAGE_ADMIN", ""), "admin address instead of the file's (TRIAGE_ADMIN)")
	lane := cmd.Flags().String("lane", flagDefault("TRIAGE_LANE", ""), "auto, fast or standard for every listener instead of what the file says (TRIAGE_LANE)")
	level := cmd.Flags().String("log-level", flagDefault("TRIAGE_LOG_LEVEL", "info"), "debug, info, warn or error (TRIAGE_LOG_LEVEL)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var minimum slog.Level
		if err := minimum.UnmarshalText([]byte(*level)); err != nil {
			return misuse("--log-level %q: want debug, info, warn or error", *level)
		}
		if !slices.Contains([]string{"", "auto", "fast", "standard"}, *lane) {
			return misuse("--lane %q: want auto, fast or standard", *lane)
		}
		logger := slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: minimum}))
		return runServer(options{path: *path, listen: *listen, admin: *admin, lane: *lane, stdout: cmd.OutOrStdout(), logger: logger})
	}
	return cmd
}

func runServer(o options) error {
	var watcher *config.Watcher
	if o.path != "-" {
		var err error
		if watcher, err = config.NewWatcher(o.path); err != nil {
			return err
		}
	}
	s, err := newServer(o)
	if err != nil {
		return err
	}
	if limit := shortage.LimitMemory(); limit > 0 {
		o.logger.Info("memory is limited", "bytes", limit)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, append([]os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}, replaceSignals...)...)
	defer signal.Stop(signals)
	go s.obey(signals, stop)
	if watcher != nil {
		go watcher.Run(ctx)
		go s.follow(ctx, watcher.Changed())
	}
	return s.Run(ctx)
}

// obey acts on signals: HUP reloads, USR2 starts a successor, the first TERM or INT drains, the second ends at once.
func (s *server) obey(signals <-chan os.Signal, stop context.CancelFunc) {
	draining := false
	for sig := range signals {
		switch {
		case sig == syscall.SIGHUP:
			s.reload("SIGHUP")
		case slices.Contains(replaceSignals, sig):
			s.replace()
		case draining:
			s.options.logger.Warn("a second signal: ending at once", "signal", sig.String())
			os.Exit(exitFailed)
		default:
			draining = true
			s.options.logger.Info("draining", "signal", sig.String())
			stop()
		}
	}
}

// follow reloads when the file has changed.
func (s *server) follow(ctx context.Context, changed <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			s.reload("file change")
		}
	}
}

// Run serves until the context ends, then drains. It returns nil when everything under way had its time.
func (s *server) Run(ctx context.Context) error {
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	// What only one process may do ends when another has taken over.
	sole, leave := context.WithCancel(inner)
	defer leave()
	var background sync.WaitGroup
	background.Go(func() { s.short.Run(inner) })
	background.Go(func() { s.proxy.Run(inner) })
	background.Go(func() { s.telemetry.Run(inner) })
	background.Go(func() { s.traces.Run(inner) })
	background.Go(func() { s.tell(inner) })
	background.Go(func() { s.look(sole) })
	background.Go(func() { s.console.Run(sole) })
	background.Go(func() { s.history.book.Run(inner) })
	background.Go(func() { s.history.sender.Run(inner) })
	go s.admin.Serve(s.adminAt)
	s.mu.Lock()
	for _, l := range s.listeners {
		go s.serve(l)
	}
	s.serving = true
	s.mu.Unlock()
	s.options.logger.Info("serving", "listen", s.addresses(), "admin", s.adminAt.Addr().String(), "version", thisBuild().Version, "config", s.options.path, "hash", s.inForce().Hash)
	s.begin(sole)

	var err error
	select {
	case <-ctx.Done():
		s.notify(daemon.SdNotifyStopping)
		s.drain(false)
	case to := <-s.successor:
		leave()
		s.handedOver(to)
		s.drain(true)
	case err = <-s.serveErr:
	}
	stop()
	background.Wait()
	s.admin.Close()
	s.closeAll()
	return err
}

// drain fails readiness, goes on serving for the delay, then closes the listeners and waits for what is under way. Where another process has
// the listeners, new connections are its, and the kept ones have all the time to come to their end.
func (s *server) drain(handed bool) {
	s.mu.Lock()
	delay, timeout := time.Duration(s.loaded.File.Drain.Delay), time.Duration(s.loaded.File.Drain.Timeout)
	listeners := s.listeners
	s.proxy.Drain() // under the lock: no reload changes anything from here on
	s.mu.Unlock()
	end := (*edge.Listener).Shutdown
	if handed {
		delay = 0
		end = func(l *edge.Listener, ctx context.Context) error {
			return l.Leave(ctx, timeout-min(timeout/2, lastWords))
		}
	}
	time.Sleep(delay)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var wg sync.WaitGroup
	for _, l := range listeners {
		wg.Go(func() { shutdown(ctx, l, end) })
	}
	wg.Wait()
	s.waitForRetired(ctx)
	s.waitForUpgraded(ctx)
	s.options.logger.Info("drained", "in_time", ctx.Err() == nil)
}

// lastWords is what is left of drain.timeout, when kept connections are closed, for an answer that has just begun.
const lastWords = time.Second

func shutdown(ctx context.Context, l *edge.Listener, end func(*edge.Listener, context.Context) error) {
	if err := end(l, ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
		l.Close()
	}
}

// waitForRetired waits until the deadline for listeners that a reload removed.
func (s *server) waitForRetired(ctx context.Context) {
	ended := make(chan struct{})
	go func() { s.retiring.Wait(); close(ended) }()
	select {
	case <-ctx.Done():
	case <-ended:
	}
}

// waitForUpgraded gives upgraded connections until the deadline to end by themselves.
func (s *server) waitForUpgraded(ctx context.Context) {
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for s.proxy.Upgraded() > 0 {
		select {
		case <-ctx.Done():
			s.proxy.CloseUpgraded()
			return
		case <-poll.C:
		}
	}
}

// tell writes what the control law does to the log: verdicts as information, mere moves of a limit for who debugs.
func (s *server) tell(ctx context.Context) {
	var seen uint64
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		for _, e := range s.proxy.Entries(seen) {
			seen = e.Seq
			level := slog.LevelInfo
			if e.Kind == "limit" {
				level = slog.LevelDebug
			}
			s.options.logger.Log(ctx, level, "control", "kind", e.Kind, "upstream", e.Upstream, "subject", e.Subject, "from", e.From, "to", e.To, "reason", e.Reason)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
