package lever

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"triage/proxy"
)

// Settings join a Book to the proxy.
type Settings struct {
	// Path is the audit log; "" keeps none.
	Path string
	// Set puts in force what is set by hand; Snapshot says what there is to be set.
	Set      func(proxy.Hand) error
	Snapshot func() proxy.Snapshot
	// Notify is told of every line of the audit log that changed something. nil: nobody is.
	Notify func(Line)
	// Logger is told of everything, and of trouble with the file; nil discards that.
	Logger *slog.Logger
}

// Line is one line of the audit log.
type Line struct {
	Time time.Time `json:"time"`
	// Did is pulled, undone, expired, replaced or refused; of what is no lever, another word.
	Did   string `json:"did"`
	Who   string `json:"who"`
	Role  string `json:"role,omitempty"`
	Lever Lever  `json:"lever,omitzero"`
	// Before and After are what was pulled, or what else has changed, in words.
	Before []string `json:"before"`
	After  []string `json:"after"`
	Why    string   `json:"why,omitempty"`
}

// Book is what is pulled. Its methods may be called by many goroutines.
type Book struct {
	settings Settings

	mu     sync.Mutex
	next   uint64
	pulled []Lever

	writing sync.Mutex // may be taken below mu
	trouble string
}

// The errors that somebody may want to tell apart.
var (
	ErrNotAllowed = errors.New("not allowed")
	ErrUnknown    = errors.New("there is no such lever")
)

// New reads the audit log and pulls again what was pulled and is not over.
func New(now time.Time, s Settings) (*Book, error) {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	b := &Book{settings: s, next: 1}
	if s.Path == "" {
		return b, nil
	}
	if err := b.read(); err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	over := b.drop(func(l Lever) bool { return !now.Before(l.Until) })
	for _, l := range over {
		b.log(Line{Time: now, Did: "expired", Who: "triage", Lever: l})
	}
	if len(b.pulled) == 0 {
		return b, nil
	}
	if err := b.set(b.pulled); err != nil {
		s.Logger.Error("levers that were pulled before the restart cannot be pulled again; they are dropped", "error", err, "levers", words(b.pulled))
		b.pulled = nil
		return b, nil
	}
	s.Logger.Warn("levers that were pulled before the restart are still pulled", "levers", words(b.pulled))
	return b, nil
}

// read follows the audit log. A line that is none, such as a torn last one, is left out.
func (b *Book) read() error {
	info, err := os.Stat(b.settings.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil
	}
	text, err := os.ReadFile(b.settings.Path)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for lines.Scan() {
		var l Line
		if json.Unmarshal(lines.Bytes(), &l) != nil || l.Lever.ID == 0 {
			continue
		}
		b.next = max(b.next, l.Lever.ID+1)
		b.drop(func(o Lever) bool { return o.ID == l.Lever.ID })
		if l.Did == "pulled" {
			b.pulled = append(b.pulled, l.Lever)
		}
	}
	if n := len(text); n > 0 && text[n-1] != '\n' {
		b.append([]byte("\n"))
	}
	return nil
}

// drop takes out the levers for which f is true and gives them.
func (b *Book) drop(f func(Lever) bool) (dropped []Lever) {
	var kept []Lever
	for _, l := range b.pulled {
		if f(l) {
			dropped = append(dropped, l)
		} else {
			kept = append(kept, l)
		}
	}
	b.pulled = kept
	return dropped
}

func (b *Book) set(levers []Lever) error {
	return b.settings.Set(handOf(levers, b.settings.Snapshot().Priorities))
}

// Pulled gives the levers that are pulled, oldest first.
func (b *Book) Pulled() []Lever {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.pulled)
}

// InForce says in words what is pulled, by whom and until when.
func (b *Book) InForce() (out []string) {
	for _, l := range b.Pulled() {
		out = append(out, fmt.Sprintf("%s, by %s until %s", l, l.Who, l.Until.UTC().Format("15:04 UTC")))
	}
	return out
}

// Trouble says what is wrong with the audit log, "" if nothing is.
func (b *Book) Trouble() string {
	b.writing.Lock()
	defer b.writing.Unlock()
	return b.trouble
}

// Note puts a change that is no lever's into the audit log: a configuration, a role, the end of an incident.
func (b *Book) Note(l Line) {
	if b.settings.Path != "" {
		text, _ := json.Marshal(l) // a Line has nothing that JSON cannot say
		b.append(append(text, '\n'))
	}
}

// Pull pulls a lever for a while; 0 is an hour. Who may not is refused, and the audit log says so.
func (b *Book) Pull(now time.Time, l Lever, lasts time.Duration, role string) (Lever, error) {
	if lasts == 0 {
		lasts = usualFor
	}
	if lasts < shortestIn || lasts > longestFor {
		return l, fmt.Errorf("it is to last %v; want %v to %v", lasts, shortestIn, longestFor)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	critical, err := l.check(b.settings.Snapshot())
	if err != nil {
		return l, err
	}
	l.ID, l.Since, l.Until = b.next, now, now.Add(lasts)
	if critical && role != "admin" {
		b.log(Line{Time: now, Did: "refused", Who: l.Who, Role: role, Lever: Lever{Kind: l.Kind, Target: l.Target, Value: l.Value, Who: l.Who, Why: l.Why}, Before: words(b.pulled), After: words(b.pulled)})
		return l, fmt.Errorf("%w: %s gives up what is most important, or all protection; the role %s may not, want admin", ErrNotAllowed, l, role)
	}
	same := func(o Lever) bool { return o.Kind == l.Kind && o.Target == l.Target }
	next := append(slices.DeleteFunc(slices.Clone(b.pulled), same), l)
	if err := b.set(next); err != nil {
		return l, err
	}
	before := words(b.pulled)
	for _, o := range b.drop(same) {
		b.log(Line{Time: now, Did: "replaced", Who: l.Who, Role: role, Lever: o, Before: before, After: words(next)})
	}
	b.pulled = next
	b.next++
	b.log(Line{Time: now, Did: "pulled", Who: l.Who, Role: role, Lever: l, Before: before, After: words(next)})
	return l, nil
}

// Undo takes a lever back.
func (b *Book) Undo(now time.Time, id uint64, who, why, role string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.pulled, func(l Lever) bool { return l.ID == id })
	if at < 0 {
		return fmt.Errorf("%w: number %d is not pulled", ErrUnknown, id)
	}
	return b.takeBack(now, b.pulled[at], "undone", who, why, role)
}

func (b *Book) takeBack(now time.Time, l Lever, did, who, why, role string) error {
	next := slices.DeleteFunc(slices.Clone(b.pulled), func(o Lever) bool { return o.ID == l.ID })
	if err := b.set(next); err != nil {
		return err
	}
	before := words(b.pulled)
	b.pulled = next
	b.log(Line{Time: now, Did: did, Who: who, Role: role, Lever: l, Before: before, After: words(next), Why: why})
	return nil
}

// Tick takes back what has expired. The wall's clock counts, as the people mean it who say until when; if it is set back, a lever lasts longer by that.
func (b *Book) Tick(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range slices.Clone(b.pulled) {
		if now.Before(l.Until) {
			continue
		}
		if err := b.takeBack(now, l, "expired", "triage", "its time is over", ""); err != nil {
			b.settings.Logger.Error("a lever that has expired cannot be taken back", "lever", l.String(), "error", err)
		}
	}
}

// log writes a line to the audit log and tells of it.
func (b *Book) log(l Line) {
	b.settings.Logger.Warn("lever", "did", l.Did, "lever", l.Lever.String(), "who", l.Who, "role", l.Role, "why", strings.TrimSpace(l.Lever.Why+" "+l.Why), "until", l.Lever.Until)
	b.Note(l)
	if b.settings.Notify != nil && l.Did != "refused" {
		b.settings.Notify(l)
	}
}

// append writes to the file. Levers are few, and a person waits, so it is opened each time.
func (b *Book) append(text []byte) {
	b.writing.Lock()
	defer b.writing.Unlock()
	f, err := os.OpenFile(b.settings.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.Write(text)
		err = errors.Join(err, f.Close())
	}
	b.trouble = ""
	if err != nil {
		b.trouble = err.Error()
		b.settings.Logger.Error("the audit log is not written", "file", b.settings.Path, "error", err)
	}
}

func words(levers []Lever) []string {
	out := []string{}
	for _, l := range levers {
		out = append(out, l.String())
	}
	return out
}
