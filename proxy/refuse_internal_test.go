package proxy

import (
	"encoding/json"
	"testing"

	"triage/proxy/reason"
)

// A refusal's body is what the JSON package would write, whatever a trusted peer has for an id.
func TestProblem(t *testing.T) {
	for _, why := range reason.All() {
		for _, id := range []string{"0123abcd", "", `a"b\c`, "<&>", "ü\u2028", "\xff"} {
			for _, wait := range []int{0, 7} {
				want, err := json.Marshal(struct {
					Type       string `json:"type"`
					Title      string `json:"title"`
					Status     int    `json:"status"`
					Detail     string `json:"detail"`
					Instance   string `json:"instance"`
					Reason     string `json:"reason"`
					RetryAfter int    `json:"retry_after,omitempty"`
				}{problemType(why), why.Title(), why.Status(), why.Doc(), "urn:request:" + id, why.String(), wait})
				if err != nil {
					t.Fatal(err)
				}
				if got := problems[why].append(nil, id, wait); string(got) != string(want) {
					t.Errorf("%v of %q: %s; want %s", why, id, got, want)
				}
			}
		}
	}
}

func TestPrefersHTML(t *testing.T) {
	for accept, want := range map[string]bool{
		"":          false,
		"*/*":       false,
		"text/html": true,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": true,
		"application/json":                          false,
		"application/json, text/html":               false,
		"application/json;q=0.5, text/html":         true,
		"text/html;q=0.1, application/problem+json": false,
		"TEXT/HTML":            true,
		"text/html;q=0":        false,
		"text/html;q=nonsense": true,
	} {
		if got := prefersHTML([]string{accept}); got != want {
			t.Errorf("Accept %q: HTML %v; want %v", accept, got, want)
		}
	}
}

func TestLooped(t *testing.T) {
	var via []string
	for range maxPasses {
		via = append(via, "1.1 triage, 2 other", "HTTP/1.1 cdn (triage)")
	}
	if looped(via, "triage") {
		t.Errorf("%d passes count as a loop; want more than %d", maxPasses, maxPasses)
	}
	if !looped(append(via, "1.1 TRIAGE"), "triage") {
		t.Errorf("%d passes do not count as a loop", maxPasses+1)
	}
}

func TestToken(t *testing.T) {
	for name, want := range map[string]string{
		"triage": "triage", "edge-1.shop": "edge-1.shop", "ünï": "triage-n-", "1st": "triage1st", "": "triage", "a b,c": "a-b-c",
	} {
		if got := token(name); got != want {
			t.Errorf("token(%q) is %q; want %q", name, got, want)
		}
	}
}

func TestBackendFailed(t *testing.T) {
	for status, want := range map[int]bool{200: false, 404: false, 429: false, 499: false, 500: true, 501: false, 502: true, 503: true, 504: true, 505: false, 599: true} {
		if got := backendFailed(status); got != want {
			t.Errorf("status %d: failed %v; want %v", status, got, want)
		}
	}
}
