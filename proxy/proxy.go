package proxy

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"triage/proxy/forward"
	"triage/shed"
)

// Proxy is the way of a request, as an http.Handler. Run has to be running for its limits to move.
type Proxy struct {
	logger   *slog.Logger
	table    atomic.Pointer[table]
	draining atomic.Bool
	changes  changes

	mu sync.Mutex // one Apply at a time; guards what is below
	// latest are the settings without what is set by hand.
	latest Settings
	hand   Hand
	// former are the forwarders of earlier configurations. Held weakly, each stays exactly as long as an exchange uses it.
	former []weak.Pointer[forward.Forwarder]
}

// New builds a proxy.
func New(s Settings) (*Proxy, error) {
	p := &Proxy{logger: s.Logger}
	if p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
	if err := p.Apply(s); err != nil {
		return nil, err
	}
	return p, nil
}

// Apply puts new settings in force: everything that can fail is built before anything moves, and on an error the old settings
// stay in force. Requests under way finish under the settings they began with.
func (p *Proxy) Apply(s Settings) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.applyLocked(s)
}

// applyLocked puts settings in force, under what is set by hand.
func (p *Proxy) applyLocked(s Settings) error {
	changed, err := p.hand.over(s)
	if err != nil {
		return err
	}
	old := p.table.Load()
	next, err := build(changed, old, &p.changes)
	if err != nil {
		return err
	}
	if err := next.takeOver(); err != nil {
		return err
	}
	p.latest = s
	p.table.Store(next)
	p.former = slices.DeleteFunc(p.former, func(f weak.Pointer[forward.Forwarder]) bool { return f.Value() == nil })
	if old != nil {
		for _, f := range old.retire(next) {
			p.former = append(p.former, weak.Make(f))
		}
	}
	return nil
}

// Run lets the limits move until the context ends.
func (p *Proxy) Run(ctx context.Context) error {
	ticker := time.NewTicker(shed.TickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			for _, up := range p.table.Load().upstreams {
				up.gate.Tick()
			}
		}
	}
}

// Drain makes every answer from now on ask its client to close the connection.
func (p *Proxy) Drain() { p.draining.Store(true) }

// Draining reports whether Drain was called.
func (p *Proxy) Draining() bool { return p.draining.Load() }

// closing asks the client to close the connection while draining. HTTP/2 has GOAWAY for that.
func (p *Proxy) closing(h http.Header) {
	if p.draining.Load() {
		h.Set("Connection", "close")
	}
}

// Upgraded is the number of upgraded connections.
func (p *Proxy) Upgraded() int {
	n := 0
	for _, f := range p.forwarders() {
		n += f.Upgraded()
	}
	return n
}

// CloseUpgraded ends every upgraded connection.
func (p *Proxy) CloseUpgraded() {
	for _, f := range p.forwarders() {
		f.CloseUpgraded()
	}
}

// forwarders are those in use, of earlier configurations too.
func (p *Proxy) forwarders() []*forward.Forwarder {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*forward.Forwarder
	for _, up := range p.table.Load().upstreams {
		all = append(all, up.forwarder)
	}
	for _, held := range p.former {
		if f := held.Value(); f != nil {
			all = append(all, f)
		}
	}
	return all
}

func (p *Proxy) dice() uint64 { return rand.Uint64() }

func stack() string { return string(debug.Stack()) }
