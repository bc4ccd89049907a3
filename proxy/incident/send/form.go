package send

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"triage/proxy/incident"
)

// form makes the path, from the address on, and the body of a message.
type form func(m message) (path string, body any)

var forms = map[string]form{"generic": generic, "slack": slack, "alertmanager": alertmanager, "grafana": grafana}

// request makes one try's request.
func request(ctx context.Context, receiver Receiver, m message) (*http.Request, error) {
	path, value := forms[receiver.Kind](m)
	body, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(receiver.Address, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "triage")
	switch {
	case receiver.Kind == "generic":
		r.Header.Set("Idempotency-Key", fmt.Sprintf("%s/%d", m.incident.ID, m.entry.Seq))
		if receiver.Secret != "" {
			r.Header.Set("X-Triage-Signature", Sign(receiver.Secret, time.Now(), body))
		}
	case receiver.Secret != "":
		r.Header.Set("Authorization", "Bearer "+receiver.Secret)
	}
	return r, nil
}

// Sign is the signature of a body at a time: "t=SECONDS,v1=HEX", HMAC-SHA-256 over SECONDS, a dot and the body.
func Sign(key string, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(seconds + "."))
	h.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(h.Sum(nil))
}

func generic(m message) (string, any) {
	i := m.incident
	i.Entries = nil
	return "", struct {
		Version  int               `json:"version"`
		Incident incident.Incident `json:"incident"`
		Entry    incident.Entry    `json:"entry"`
		Update   incident.Update   `json:"update"`
		Text     string            `json:"text"`
	}{1, i, m.entry, incident.UpdateOf(m.incident, m.at, nil), incident.UpdateOf(m.incident, m.at, nil).Text()}
}

// Slack's limits in characters: of a header, and of a section's text.
const (
	slackHeader  = 150
	slackSection = 3000
)

func slack(m message) (string, any) {
	u := incident.UpdateOf(m.incident, m.at, nil)
	// What comes from people and requests must neither be markup nor call anybody (api.slack.com, "Formatting text").
	text := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@\u200b").Replace(u.Text())
	type object map[string]any
	return "", object{
		"text": clip(text, slackSection),
		"blocks": []object{
			{"type": "header", "text": object{"type": "plain_text", "text": clip("Incident "+u.Incident+": "+string(u.State), slackHeader)}},
			{"type": "section", "text": object{"type": "mrkdwn", "text": clip(text, slackSection)}},
		},
	}
}

func clip(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

// alertLasts is how long an alert counts as open without word of it.
const alertLasts = 5 * time.Minute

func alertmanager(m message) (string, any) {
	i, u := m.incident, incident.UpdateOf(m.incident, m.at, nil)
	ends := time.Now().Add(alertLasts)
	if i.State == incident.Resolved {
		ends = i.ResolvedAt
	}
	type alert struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		StartsAt    time.Time         `json:"startsAt"`
		EndsAt      time.Time         `json:"endsAt"`
	}
	// Labels are the same for the life of the incident, or it would be another alert.
	return "/api/v2/alerts", []alert{{
		map[string]string{"alertname": "TriageIncident", "incident": i.ID},
		map[string]string{"summary": i.Title, "description": u.Text(), "state": string(i.State)},
		i.OpenedAt, ends,
	}}
}

func grafana(m message) (string, any) {
	i := m.incident
	type annotation struct {
		Time    int64    `json:"time"`
		TimeEnd int64    `json:"timeEnd,omitempty"`
		Tags    []string `json:"tags"`
		Text    string   `json:"text"`
	}
	a := annotation{Time: m.entry.Time.UnixMilli(), Tags: []string{"triage", "incident", i.ID, string(i.State)}, Text: m.entry.Line()}
	if i.State == incident.Resolved {
		a.Time, a.TimeEnd, a.Text = i.OpenedAt.UnixMilli(), i.ResolvedAt.UnixMilli(), i.Title
	}
	return "/api/annotations", a
}
