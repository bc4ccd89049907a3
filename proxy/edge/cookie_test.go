package edge_test

import (
	"net/http"
	"strings"
	"testing"

	"triage/proxy/edge"
)

// FuzzCookie: a cookie is what net/http says it is.
func FuzzCookie(f *testing.F) {
	for _, seed := range []string{"sid=a", "a=b; sid=c", "sid=a; sid=b", "sid=\"q\"", "sid=\"", " sid = x ", "sid", "sid=a\\b", ";;sid=;", "sid=a\nsid=b", "Sid=x", "sid=\xe4", "=sid", "sid=a=b", "a b=c; sid=d"} {
		f.Add(seed, "sid")
	}
	f.Add(strings.Repeat("a=b;", 2998)+"sid=x", "sid")
	f.Add(strings.Repeat("a=b;", 3001)+"sid=x", "sid")
	f.Fuzz(func(t *testing.T, text, name string) {
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") != "" {
			return // the configuration allows tokens only
		}
		h := http.Header{"Cookie": strings.Split(text, "\n")}
		r := http.Request{Header: h}
		theirs := r.CookiesNamed(name)
		value, n := edge.Cookie(h, name)
		if n != len(theirs) || n > 0 && value != theirs[n-1].Value {
			t.Errorf("%q, cookie %s: %q, %d of them; net/http finds %v", text, name, value, n, theirs)
		}
	})
}
