//go:build e2e

package peer

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Every installed program takes both of its configurations, forwards all routes, and ends when it is told to.
func TestE2EPeersForward(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "of ", r.URL.Path) }))
	defer backend.Close()
	for _, name := range []string{"nginx+", "haproxy+", "caddy+"} {
		chosen, err := Chosen("", []string{name})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range chosen {
			t.Run(c.Name(), func(t *testing.T) {
				if why := c.Absent(); why != "" {
					t.Fatal(why)
				}
				if v := c.Version(t.Context()); v == "" || v == "unknown" {
					t.Errorf("version %q", v)
				}
				running, err := c.Start(t.Context(), shop(backend.URL))
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range []string{"/checkout", "/cart", "/search", "/static"} {
					response, err := http.Get(running.URLs[0] + path)
					if err != nil {
						t.Fatal(err)
					}
					text, err := io.ReadAll(response.Body)
					response.Body.Close()
					if err != nil || response.StatusCode != http.StatusOK || string(text) != "of "+path {
						t.Errorf("%s: %s, %q, %v", path, response.Status, text, err)
					}
				}
				if err := running.Stop(); err != nil {
					t.Errorf("stop: %v", err)
				}
			})
		}
	}
}
