package console

import (
	"embed"
	"fmt"
	"net/http"
	"path"
	"strings"
)

//go:embed page
var files embed.FS

// Policy is what the page may do: load its own files, and ask the server that it came from.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// media of the page's files, by their names' endings.
var media = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// Page answers a request for the page or one of its files, and reports whether it was one.
func Page(w http.ResponseWriter, r *http.Request) bool {
	name, ours := strings.CutPrefix(r.URL.Path, "/console/")
	if r.URL.Path == "/" {
		name, ours = "index.html", true
	}
	if !ours || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	text, err := files.ReadFile("page/" + name)
	if err != nil {
		return false
	}
	w.Header().Set("Content-Type", media[path.Ext(name)])
	w.Header().Set("Content-Security-Policy", Policy)
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
	if r.Method == http.MethodGet {
		_, _ = w.Write(text)
	}
	return true
}
