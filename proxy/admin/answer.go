package admin

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"triage/shed"
)

// health answers the three probes, and reports whether the request was one.
func (a *Admin) health(w http.ResponseWriter, r *http.Request) bool {
	ready, why := true, ""
	switch r.URL.Path {
	case "/healthz", "/livez":
	case "/readyz":
		ready, why = a.settings.Ready()
	default:
		return false
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		methodNotAllowed(w, map[string]endpoint{"GET": {}, "HEAD": {}})
		return true
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if !ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, verbose := r.URL.Query()["verbose"]
	_, _ = w.Write([]byte(healthText(verbose, r.URL.Path == "/readyz", ready, why)))
	return true
}

// healthText is what Kubernetes' own components answer: ok, or with verbose a line a check.
func healthText(verbose, asksReady, ready bool, why string) string {
	switch {
	case !verbose && ready:
		return "ok\n"
	case !verbose:
		return "not ready: " + why + "\n"
	case !asksReady:
		return "[+] alive\nok\n"
	case ready:
		return "[+] alive\n[+] ready\nok\n"
	}
	return "[+] alive\n[-] ready: " + why + "\nnot ready\n"
}

func (a *Admin) status(w http.ResponseWriter, _ *http.Request) {
	answer(w, a.settings.Status())
}

// config gives YAML to those who do not say otherwise: a configuration is for people to read and to diff.
func (a *Admin) config(w http.ResponseWriter, r *http.Request) {
	c := a.settings.Config()
	if accepts(r, "application/json") {
		answer(w, struct {
			ConfigInForce
			YAML string `json:"yaml"`
		}{c, string(c.YAML)})
		return
	}
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	_, _ = w.Write(c.YAML)
}

func (a *Admin) entries(w http.ResponseWriter, r *http.Request) {
	var after uint64
	if text := r.URL.Query().Get("after"); text != "" {
		var err error
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			problem(w, http.StatusBadRequest, "after is not the number of an entry; want 0 or more")
			return
		}
	}
	entries := a.settings.Entries(after)
	if entries == nil {
		entries = []shed.Entry{}
	}
	answer(w, Entries{entries})
}

// Entries is the answer of /api/v1/entries.
type Entries struct {
	Entries []shed.Entry `json:"entries"`
}

// accepts reports whether the request names the media type in its Accept field; quality values are not weighed.
func accepts(r *http.Request, media string) bool {
	for _, field := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(field, ",") {
			if got, _, err := mime.ParseMediaType(part); err == nil && got == media {
				return true
			}
		}
	}
	return false
}

// answer sends JSON. The value is encoded before the status is sent, so that a defect is not a broken 200.
func answer(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		problem(w, http.StatusInternalServerError, "encoding the answer: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n'))
}

// Problem is the body of every error: problem details (RFC 9457).
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Problems lists each thing that is wrong with a configuration that was refused.
	Problems []string `json:"problems,omitempty"`
}

func problem(w http.ResponseWriter, status int, detail string) {
	refuse(w, Problem{Title: http.StatusText(status), Status: status, Detail: detail})
}

func refuse(w http.ResponseWriter, p Problem) {
	// A Problem has nothing that JSON cannot say.
	body, _ := json.Marshal(p)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}
