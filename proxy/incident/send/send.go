package send

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"sync"
	"time"

	"triage/proxy/incident"
)

// Receiver is one who is told.
type Receiver struct {
	// Kind is generic, slack, alertmanager or grafana.
	Kind string
	// Address is where to post; of alertmanager and grafana without /api.
	Address string
	// Secret is the key of the signature (generic) or the bearer token (alertmanager, grafana); "": none.
	Secret string
}

// Settings of a Sender.
type Settings struct {
	Receivers []Receiver
	// DeadLetters is the file of what nobody took; "" only counts.
	DeadLetters string
	// Said is told what became of a message: taken, or given up and why; outside any lock, but not of what is buried when the queue is full or the
	// process ends. nil: nobody is.
	Said func(incident, receiver, became, why string)
	// Transport carries requests; nil is net/http's own.
	Transport http.RoundTripper
	// Logger is told of receivers that do not listen; nil discards that.
	Logger *slog.Logger
}

const (
	queued    = 1000
	tryFor    = 10 * time.Second
	firstWait = time.Second
	longest   = 5 * time.Minute
	tooOld    = 2 * time.Hour
	again     = time.Minute // an alert that is open
)

// Sender tells receivers.
type Sender struct {
	settings Settings
	client   *http.Client
	queues   []chan message

	mu     sync.Mutex
	counts map[string]Counts            // by kind of receiver
	open   map[string]incident.Incident // for those who want to be told again
}

// message is what is told: the incident, and what happened to it.
type message struct {
	incident incident.Incident
	entry    incident.Entry
	at       time.Time
}

// New checks the settings.
func New(s Settings) (*Sender, error) {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	out := &Sender{settings: s, counts: map[string]Counts{}, open: map[string]incident.Incident{}}
	out.client = &http.Client{Transport: s.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for i, r := range s.Receivers {
		if forms[r.Kind] == nil {
			return nil, fmt.Errorf("receiver %d: kind %q; want generic, slack, alertmanager or grafana", i, r.Kind)
		}
		if _, err := http.NewRequest(http.MethodPost, r.Address, nil); err != nil || r.Address == "" {
			return nil, fmt.Errorf("receiver %d: its address is none", i) // which may be a secret
		}
		out.counts[r.Kind] = Counts{}
		out.queues = append(out.queues, make(chan message, queued))
	}
	return out, nil
}

// Tell tells everybody, if it is worth a word. It never waits.
func (s *Sender) Tell(i incident.Incident, e incident.Entry) {
	worth := e.Kind == incident.Opened || e.Kind == incident.Moved || e.Kind == incident.Judged && i.Verdict.Isolated()
	if !worth {
		return
	}
	s.mu.Lock()
	if s.open[i.ID] = i; i.State == incident.Resolved {
		delete(s.open, i.ID)
	}
	s.mu.Unlock()
	m := message{i, e, time.Now()}
	for n := range s.queues {
		s.offer(n, m)
	}
}

// Keep goes on with an incident that is open already: whoever wants to be told again is.
func (s *Sender) Keep(i incident.Incident) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[i.ID] = i
}

func (s *Sender) offer(n int, m message) {
	select {
	case s.queues[n] <- m:
	default:
		s.bury(n, m, "the queue is full")
	}
}

// Counts are of messages: taken, tried again, and given up.
type Counts struct{ Taken, Retried, Dead uint64 }

// Counts gives them by kind of receiver.
func (s *Sender) Counts() map[string]Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

func (s *Sender) count(n int, c Counts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.countLocked(n, c)
}

func (s *Sender) countLocked(n int, c Counts) {
	kind := s.settings.Receivers[n].Kind
	old := s.counts[kind]
	s.counts[kind] = Counts{old.Taken + c.Taken, old.Retried + c.Retried, old.Dead + c.Dead}
}

// Run sends until the context ends.
func (s *Sender) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for n, r := range s.settings.Receivers {
		all.Go(func() { s.serve(ctx, n) })
		if r.Kind == "alertmanager" {
			all.Go(func() { s.remind(ctx, n) })
		}
	}
	all.Wait()
	return nil
}

// serve sends one receiver's messages, one after the other.
func (s *Sender) serve(ctx context.Context, n int) {
	for {
		select {
		case <-ctx.Done():
			s.buryRest(n)
			return
		case m := <-s.queues[n]:
			err := s.deliver(ctx, n, m)
			if err != nil {
				s.bury(n, m, err.Error())
			}
			s.said(n, m, err)
		}
	}
}

// said says what became of a message that was not told before.
func (s *Sender) said(n int, m message, err error) {
	switch {
	case s.settings.Said == nil, m.entry.Seq == 0:
	case err != nil:
		s.settings.Said(m.incident.ID, s.settings.Receivers[n].Kind, "given up", err.Error())
	default:
		s.settings.Said(m.incident.ID, s.settings.Receivers[n].Kind, "taken", "that it is "+string(m.incident.State))
	}
}

func (s *Sender) buryRest(n int) {
	for {
		select {
		case m := <-s.queues[n]:
			s.bury(n, m, "the process ended")
		default:
			return
		}
	}
}

// remind tells of open incidents again.
func (s *Sender) remind(ctx context.Context, n int) {
	ticker := time.NewTicker(again)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		s.mu.Lock()
		for _, i := range s.open {
			if len(s.queues[n]) == 0 { // else it is told anyway
				s.queues[n] <- message{i, incident.Entry{Kind: incident.Moved, Incident: i.ID}, time.Now()}
			}
		}
		s.mu.Unlock()
	}
}

// errRefused is an answer that no further try will change.
var errRefused = errors.New("refused for good")

// deliver tries until the message is taken.
func (s *Sender) deliver(ctx context.Context, n int, m message) error {
	wait, told := firstWait, false
	for {
		err := s.try(ctx, n, m)
		switch {
		case err == nil:
			s.count(n, Counts{Taken: 1})
			return nil
		case errors.Is(err, errRefused):
			return err
		case ctx.Err() != nil:
			return fmt.Errorf("the process ended, after: %w", err)
		case time.Since(m.at) > tooOld:
			return fmt.Errorf("nobody took it for %v: %w", tooOld, err)
		case !told:
			told = true
			s.settings.Logger.Warn("a receiver does not take word of an incident; it is tried again", "kind", s.settings.Receivers[n].Kind, "error", err)
		}
		s.count(n, Counts{Retried: 1})
		select {
		case <-ctx.Done():
		case <-time.After(jittered(wait)):
		}
		wait = min(2*wait, longest)
	}
}

// jittered takes up to a fifth off, so that many instances do not come together.
func jittered(d time.Duration) time.Duration {
	var b [8]byte
	rand.Read(b[:])
	return d - time.Duration(float64(d)/5*float64(binary.LittleEndian.Uint64(b[:])>>11)/(1<<53))
}

// try posts once.
func (s *Sender) try(ctx context.Context, n int, m message) error {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	receiver := s.settings.Receivers[n]
	r, err := request(ctx, receiver, m)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	response, err := s.client.Do(r)
	if err != nil {
		return errors.New("no answer") // the error names the address, which may be a secret
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	switch status := response.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooEarly && status != http.StatusTooManyRequests:
		return fmt.Errorf("%w: %s", errRefused, response.Status)
	default:
		return errors.New(response.Status)
	}
}

// letter is a line of the file of dead letters.
type letter struct {
	Time  time.Time       `json:"time"`
	Kind  string          `json:"kind"`
	Why   string          `json:"why"`
	Entry incident.Entry  `json:"entry"`
	Told  incident.Update `json:"told"`
}

// bury puts a message with the dead letters.
func (s *Sender) bury(n int, m message, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.countLocked(n, Counts{Dead: 1})
	kind := s.settings.Receivers[n].Kind
	s.settings.Logger.Error("word of an incident was not taken", "kind", kind, "incident", m.incident.ID, "error", why)
	if s.settings.DeadLetters == "" {
		return
	}
	text, err := json.Marshal(letter{time.Now().UTC(), kind, why, m.entry, incident.UpdateOf(m.incident, m.at, nil)})
	if err == nil {
		err = appendTo(s.settings.DeadLetters, append(text, '\n'))
	}
	if err != nil {
		s.settings.Logger.Error("the file of dead letters is not written", "file", s.settings.DeadLetters, "error", err)
	}
}

func appendTo(path string, line []byte) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = bytes.NewReader(line).WriteTo(f)
	return errors.Join(err, f.Close())
}
