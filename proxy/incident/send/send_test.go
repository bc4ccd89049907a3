package send_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"triage/proxy/incident"
	"triage/proxy/incident/send"
)

// posted is a transport that remembers, and answers as told.
type posted struct {
	answer func(host string) (status int, hang bool)

	mu     sync.Mutex
	hosts  map[string]int
	bodies map[string][]byte
	header http.Header
}

func (p *posted) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	status, hang := p.answer(r.URL.Host)
	p.mu.Lock()
	if p.hosts == nil {
		p.hosts, p.bodies = map[string]int{}, map[string][]byte{}
	}
	p.hosts[r.URL.Host]++
	p.bodies[r.URL.Host+r.URL.Path] = body
	if r.URL.Host == "generic" {
		p.header = r.Header
	}
	p.mu.Unlock()
	if hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: io.NopCloser(bytes.NewReader(nil)), Header: http.Header{}}, nil
}

func (p *posted) tries(host string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hosts[host]
}

// body is what was last posted there, field a header field of what the generic receiver got.
func (p *posted) body(at string) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bodies[at]
}

func (p *posted) field(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.header.Get(name)
}

// open is an incident that has just been opened.
func open() (incident.Incident, incident.Entry) {
	at := time.Now()
	i := incident.Incident{ID: "20261127-030000-1", Title: "recs <!channel> are refused @here", State: incident.Open, OpenedAt: at}
	return i, incident.Entry{Seq: 1, Incident: i.ID, Time: at, Kind: incident.Opened, Actor: incident.Machine, To: i.Title}
}

// running is a sender at work in a bubble.
func running(t *testing.T, s send.Settings) *send.Sender {
	t.Helper()
	sender, err := send.New(s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = sender.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return sender
}

func TestAReceiverThatFailsForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p := &posted{answer: func(host string) (int, bool) {
			if host == "slack" && time.Since(began) < time.Hour {
				return 500, false
			}
			return 200, host == "grafana" && time.Since(began) < time.Hour
		}}
		letters := filepath.Join(t.TempDir(), "dead.jsonl")
		sender := running(t, send.Settings{Transport: p, DeadLetters: letters, Receivers: []send.Receiver{
			{Kind: "generic", Address: "http://generic/x"}, {Kind: "slack", Address: "http://slack/s"}, {Kind: "grafana", Address: "http://grafana"},
		}})
		sender.Tell(open())
		time.Sleep(time.Second)
		synctest.Wait()
		if p.tries("generic") != 1 {
			t.Errorf("the one that listens was asked %d times while another fails and another hangs, want 1", p.tries("generic"))
		}
		time.Sleep(time.Hour + 10*time.Minute)
		synctest.Wait()
		if n := p.tries("slack"); n < 10 || n > 40 {
			t.Errorf("%d tries in an hour, want a few", n)
		}
		before := p.tries("slack")
		time.Sleep(time.Hour)
		synctest.Wait()
		if p.tries("slack") != before || dead(sender) != 0 {
			t.Errorf("after it was taken: %d more tries, %d dead", p.tries("slack")-before, dead(sender))
		}
	})
}

func TestDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &posted{answer: func(host string) (int, bool) {
			return map[string]int{"never": 503, "no": 403, "moved": 302}[host], false
		}}
		letters := filepath.Join(t.TempDir(), "dead.jsonl")
		sender := running(t, send.Settings{Transport: p, DeadLetters: letters, Receivers: []send.Receiver{
			{Kind: "generic", Address: "http://never"}, {Kind: "slack", Address: "http://no"}, {Kind: "slack", Address: "http://moved"},
		}})
		sender.Tell(open())
		time.Sleep(time.Minute)
		synctest.Wait()
		if p.tries("no") != 1 || p.tries("moved") != 1 || dead(sender) != 2 {
			t.Errorf("a no was tried %d times, a redirect %d, %d dead; want once each", p.tries("no"), p.tries("moved"), dead(sender))
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		text, err := os.ReadFile(letters)
		if err != nil || dead(sender) != 3 || strings.Count(string(text), "\n") != 3 || !strings.Contains(string(text), "nobody took it") {
			t.Errorf("%d dead, %v:\n%s", dead(sender), err, text)
		}
	})
}

func TestTellNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &posted{answer: func(string) (int, bool) { return 0, true }}
		sender := running(t, send.Settings{Transport: p, Receivers: []send.Receiver{{Kind: "generic", Address: "http://hangs"}}})
		began := time.Now()
		for range 5000 {
			sender.Tell(open())
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v of virtual time", took)
		}
		if dead(sender) < 3900 {
			t.Errorf("%d dead letters, want what found the queue full", dead(sender))
		}
	})
}

func TestForms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &posted{answer: func(string) (int, bool) { return 200, false }}
		sender := running(t, send.Settings{Transport: p, Receivers: []send.Receiver{
			{Kind: "generic", Address: "http://generic/x", Secret: "key"}, {Kind: "slack", Address: "http://slack/s"},
			{Kind: "alertmanager", Address: "http://am/", Secret: "token"}, {Kind: "grafana", Address: "http://grafana"},
		}})
		i, e := open()
		sender.Tell(i, e)
		sender.Tell(i, incident.Entry{Kind: incident.Noted}) // nobody's business
		time.Sleep(time.Second)
		synctest.Wait()
		for _, at := range []string{"generic/x", "slack/s", "am/api/v2/alerts", "grafana/api/annotations"} {
			if !json.Valid(p.body(at)) {
				t.Errorf("%s got %q", at, p.body(at))
			}
		}
		if got := p.field("X-Triage-Signature"); got != send.Sign("key", time.Now().Add(-time.Second), p.body("generic/x")) || p.field("Idempotency-Key") != i.ID+"/1" {
			t.Errorf("signature %q, idempotency key %q", got, p.field("Idempotency-Key"))
		}
		if s := string(p.body("slack/s")); strings.Contains(s, "<!channel>") || strings.Contains(s, `\u003c!channel`) || strings.Contains(s, " @here") {
			t.Errorf("a title calls everybody: %s", s)
		}
		var alerts []struct {
			Labels           map[string]string
			StartsAt, EndsAt time.Time
		}
		if err := json.Unmarshal(p.body("am/api/v2/alerts"), &alerts); err != nil || len(alerts) != 1 || alerts[0].Labels["alertname"] != "TriageIncident" || !alerts[0].EndsAt.After(time.Now()) {
			t.Errorf("alerts %+v, %v", alerts, err)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if n := p.tries("am"); n != 6 {
			t.Errorf("in five minutes the alert was told %d times, want once and again every minute", n)
		}
		i.State, i.ResolvedAt = incident.Resolved, time.Now()
		sender.Tell(i, incident.Entry{Seq: 2, Kind: incident.Moved, Time: time.Now()})
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if err := json.Unmarshal(p.body("am/api/v2/alerts"), &alerts); err != nil || alerts[0].EndsAt.After(time.Now()) || p.tries("am") != 7 {
			t.Errorf("resolved: told %d times, ends %v", p.tries("am"), alerts[0].EndsAt)
		}
		if !strings.Contains(string(p.body("grafana/api/annotations")), "timeEnd") {
			t.Errorf("resolved: %s", p.body("grafana/api/annotations"))
		}
	})
}

func TestWhatBecameOfWordIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &posted{answer: func(host string) (int, bool) { return map[string]int{"am": 200, "slack": 200, "no": 403}[host], false }}
		var mu sync.Mutex
		said := map[string]int{}
		sender := running(t, send.Settings{Transport: p, Receivers: []send.Receiver{
			{Kind: "alertmanager", Address: "http://am"}, {Kind: "slack", Address: "http://slack"}, {Kind: "generic", Address: "http://no"},
		}, Said: func(id, receiver, became, why string) {
			mu.Lock()
			defer mu.Unlock()
			said[receiver+" "+became]++
		}})
		i, e := open()
		sender.Keep(i) // it was open before a restart: Alertmanager is told within a minute
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if p.tries("am") != 1 || p.tries("slack") != 0 {
			t.Errorf("after a restart Alertmanager was told %d times, Slack %d; want once and not again", p.tries("am"), p.tries("slack"))
		}
		sender.Tell(i, e)
		time.Sleep(time.Second)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if want := map[string]int{"alertmanager taken": 1, "slack taken": 1, "generic given up": 1}; !maps.Equal(said, want) {
			t.Errorf("said %v, want %v", said, want)
		}
	})
}

func TestReceiversThatCannotBe(t *testing.T) {
	for _, r := range []send.Receiver{{Kind: "pigeon", Address: "http://x"}, {Kind: "slack"}, {Kind: "slack", Address: "http://secret\x7f"}} {
		_, err := send.New(send.Settings{Receivers: []send.Receiver{r}})
		if err == nil || strings.Contains(err.Error(), "secret") || errors.Is(err, io.EOF) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// dead is how many messages nobody took.
func dead(s *send.Sender) (n uint64) {
	for _, c := range s.Counts() {
		n += c.Dead
	}
	return n
}
