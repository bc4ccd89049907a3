package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"triage/config"
	"triage/proxy"
	"triage/proxy/edge"
)

// reload puts the file in force as it is now: built completely, then swapped. On an error the running configuration stays.
func (s *server) reload(who string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.loaded
	changed, err := s.swap()
	if err != nil {
		s.lastError = err.Error()
		s.telemetry.Reloaded(false, "", time.Now())
		s.options.logger.Error("the configuration was not loaded; the running one stays in force", "file", s.options.path, "by", who, "error", err)
		return err
	}
	s.lastError = ""
	s.telemetry.Reloaded(true, s.loaded.Hash, s.loadedAt)
	if changed {
		changes := config.Diff(before, s.loaded)
		s.options.logger.Info("configuration loaded", "file", s.options.path, "by", who, "hash", s.loaded.Hash, "changes", changes)
		s.history.wentLive(who, before.Hash, s.loaded.Hash, changes)
	}
	return nil
}

func (s *server) swap() (changed bool, err error) {
	if s.proxy.Draining() {
		return false, errors.New("the process is about to end; it takes no other configuration")
	}
	loaded, err := s.load()
	if err != nil {
		return false, err
	}
	if err := s.access.Reopen(); err != nil {
		return false, err
	}
	f := &loaded.File
	settings, err := proxySettings(f, s.key, s.recorder, s.options.logger)
	if err != nil {
		return false, err
	}
	collector, err := s.tracing(f, &settings)
	if err != nil {
		return false, err
	}
	next := map[string]*edge.Listener{}
	for _, l := range f.Listen {
		if old := s.listeners[l.Address]; old != nil {
			next[l.Address] = old
		}
	}
	if err := s.bind(f.Listen, next); err != nil {
		return false, err
	}
	if err := s.apply(f, settings, next); err != nil {
		s.restore(next)
		return false, err
	}
	s.traces.Use(collector)
	changed = loaded.Hash != s.loaded.Hash
	s.warnOfRest(&s.loaded.File, f)
	s.loaded, s.loadedAt = loaded, time.Now()
	return changed, nil
}

// apply swaps listeners' settings and the proxy's. Listeners that are new start to serve, those that are gone drain.
func (s *server) apply(f *config.File, settings proxy.Settings, next map[string]*edge.Listener) error {
	for _, l := range f.Listen {
		ls, err := s.listenerSettings(l)
		if err != nil {
			return err
		}
		if err := next[l.Address].Update(ls); err != nil {
			return fmt.Errorf("listener %s: %w", l.Address, err)
		}
	}
	if err := s.proxy.Apply(settings); err != nil {
		return err
	}
	var names []string
	for _, r := range f.Routes {
		names = append(names, r.Name)
	}
	s.telemetry.Retain(names)
	s.history.counter.Retain(names)
	for address, l := range next {
		if s.listeners[address] == nil && s.serving {
			go s.serve(l)
		}
	}
	for address, l := range s.listeners {
		if next[address] == nil {
			s.retired[address] = true
			s.retire(l, time.Duration(f.Drain.Timeout))
		}
	}
	s.listeners = next
	return nil
}

// restore undoes what an attempt to apply has done to listeners.
func (s *server) restore(next map[string]*edge.Listener) {
	for address, l := range next {
		if s.listeners[address] == nil {
			l.Close()
		}
	}
	for _, l := range s.loaded.File.Listen {
		settings, err := s.listenerSettings(l)
		if err == nil {
			err = s.listeners[l.Address].Update(settings)
		}
		if err != nil {
			s.options.logger.Error("putting a listener's settings back", "listener", l.Address, "error", err)
		}
	}
}

// warnOfRest names what a reload cannot change.
func (s *server) warnOfRest(old, new *config.File) {
	for what, same := range map[string]bool{
		"admin": reflect.DeepEqual(old.Admin, new.Admin), "session_key_file": old.SessionKeyFile == new.SessionKeyFile, "access_log": old.AccessLog == new.AccessLog,
		"incident": reflect.DeepEqual(old.Incident, new.Incident), "handover": old.Handover == new.Handover,
	} {
		if !same {
			s.options.logger.Warn("a reload does not change this; restart to put it in force", "key", what)
		}
	}
}

// retire gives what a listener serves its time, and ends it.
func (s *server) retire(l *edge.Listener, timeout time.Duration) {
	s.retiring.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		shutdown(ctx, l, (*edge.Listener).Shutdown)
	})
}
