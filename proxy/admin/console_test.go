package admin_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"triage/proxy"
	"triage/proxy/admin"
	"triage/proxy/console"
	"triage/proxy/incident"
	"triage/proxy/lever"
)

// withConsole adds the books and a console that runs until the context ends.
func withConsole(ctx context.Context, t *testing.T, f *fixture) *console.Console {
	t.Helper()
	book, err := incident.New(incident.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	snapshot := func() proxy.Snapshot { return storm().Snapshot }
	levers, err := lever.New(time.Now(), lever.Settings{Set: func(proxy.Hand) error { return nil }, Snapshot: snapshot})
	if err != nil {
		t.Fatal(err)
	}
	c, err := console.New(console.Settings{
		Snapshot: snapshot, Incidents: book, Levers: levers, Viewers: 1,
		Totals: func() map[string]incident.Counts { return nil }, About: func() console.About { return console.About{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	f.settings.Incidents, f.settings.Levers, f.settings.Console = book, levers, c
	go c.Run(ctx)
	return c
}

func TestAttacksOnTheConsole(t *testing.T) {
	f := newFixture()
	f.settings.Tokens = tokens()
	withConsole(t.Context(), t, f)
	h := f.handler(t)
	bearer := "Authorization: Bearer " + viewerToken
	for _, tt := range []struct {
		name, request string
		header        []string
		status        int
	}{
		{"the page needs no token, for it says nothing", "GET /", nil, 200},
		{"nor do its files", "GET /console/console.js", nil, 200},
		{"HEAD", "HEAD /", nil, 200},
		{"rebound page", "GET /", []string{"Host: evil.example"}, 421},
		{"rebound stream", "GET /api/v1/stream", []string{"Host: evil.example", bearer}, 421},
		{"stream without a token", "GET /api/v1/stream", nil, 401},
		{"stream with a wrong one", "GET /api/v1/stream", []string{"Authorization: Bearer nonsense-0123456789"}, 401},
		{"token in the query", "GET /api/v1/stream?token=" + viewerToken, nil, 401},
		{"stream by POST", "POST /api/v1/stream", []string{bearer}, 405},
		{"page by POST", "POST /", []string{bearer}, 404},
		{"a file that is not the page's", "GET /console/doc.go", []string{bearer}, 404},
		{"the source", "GET /console/../console.go", []string{bearer}, 404},
		{"viewer pulls", "POST /api/v1/lever", []string{bearer, "Content-Type: application/json"}, 403},
		{"viewer resolves", "POST /api/v1/incident/resolve", []string{bearer, "Content-Type: application/json"}, 403},
		{"foreign page pulls", "POST /api/v1/lever", []string{"Authorization: Bearer " + operatorToken, "Content-Type: application/json", "Sec-Fetch-Site: cross-site"}, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := call(h, tt.request, tt.header...)
			if r.StatusCode != tt.status {
				t.Errorf("%s %v: status %d, want %d", tt.request, tt.header, r.StatusCode, tt.status)
			}
			if policy := r.Header.Get("Content-Security-Policy"); r.StatusCode == 200 && policy != console.Policy || policy == "" {
				t.Errorf("the policy is %q", policy)
			}
			for name, want := range map[string]string{"X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store", "Access-Control-Allow-Origin": ""} {
				if got := r.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
}

// events reads the names of a stream's events until it ends.
func events(r *http.Response) <-chan string {
	names := make(chan string, 100)
	go func() {
		defer close(names)
		lines := bufio.NewScanner(r.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				names <- name
			}
		}
	}()
	return names
}

// The stream over a served connection: it outlives the server's deadlines, one viewer too many is refused, and it ends with its token.
func TestTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture()
		const lasts = 90 * time.Second
		f.settings.Tokens = append(tokens(), admin.Token{Role: admin.Viewer, Name: "guest", Token: "guest-0123456789", Expires: time.Now().Add(lasts)})
		ctx, stop := context.WithCancel(t.Context())
		c := withConsole(ctx, t, f)
		listener := &pipe{make(chan net.Conn, 2), make(chan struct{})}
		server := admin.Server(f.handler(t))
		served := make(chan error)
		go func() { served <- server.Serve(listener) }()
		open := func(token string) (net.Conn, *http.Response) {
			client, far := net.Pipe()
			listener.conns <- far
			go io.WriteString(client, "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "+token+"\r\n\r\n")
			r, err := http.ReadResponse(bufio.NewReader(client), nil)
			if err != nil {
				t.Fatal(err)
			}
			return client, r
		}
		began := time.Now()
		client, guest := open("guest-0123456789")
		if guest.StatusCode != 200 || guest.Header.Get("Content-Type") != "text/event-stream" || !strings.Contains(guest.Header.Get("Cache-Control"), "no-transform") {
			t.Fatalf("the stream is %d %v", guest.StatusCode, guest.Header)
		}
		names := events(guest)
		if a, b := <-names, <-names; a != "hello" || b != "frame" {
			t.Errorf("the stream begins with %q, %q", a, b)
		}
		other, second := open(viewerToken)
		if second.StatusCode != 503 || second.Header.Get("Retry-After") == "" {
			t.Errorf("one viewer too many gets %d %v", second.StatusCode, second.Header)
		}
		frames := 0
		for range names {
			frames++
		}
		if lasted := time.Since(began); lasted != lasts || frames < 85 || c.Viewers() != 0 {
			t.Errorf("the stream lasted %v with %d frames and left %d viewers; want %v, as its token", lasted, frames, c.Viewers(), lasts)
		}
		_, _ = client.Close(), other.Close()
		_ = server.Close()
		<-served
		stop()
		time.Sleep(time.Second)
	})
}
