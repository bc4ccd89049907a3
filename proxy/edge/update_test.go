package edge_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"triage/proxy/edge"
)

func TestUpdate(t *testing.T) {
	l, _ := serve(t, edge.Settings{}, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, edge.ClientOf(r).Addr)
	})
	ask := "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n"
	old := dial(t, l)
	old.send(ask)
	if _, body := old.response("GET"); body != "127.0.0.1" {
		t.Errorf("client %s before the update, want the peer", body)
	}
	next := edge.Settings{Address: "127.0.0.1:0", TrustedProxies: loopback, Idle: 60 * time.Millisecond, MaxHeader: 8 << 10}
	if err := l.Update(next); err != nil {
		t.Fatal(err)
	}
	fresh := dial(t, l)
	fresh.send(ask)
	if _, body := fresh.response("GET"); body != "192.0.2.7" {
		t.Errorf("client %s on a new connection, want what the peer, trusted now, says", body)
	}
	fresh.wantClosed()

	old.send(ask)
	if _, body := old.response("GET"); body != "192.0.2.7" {
		t.Errorf("client %s on the old connection, which is to live on with the new trust", body)
	}
	big := dial(t, l)
	big.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 10<<10) + "\r\n\r\n")
	if resp, _ := big.response("GET"); resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header over the new limit: %s, want 431", resp.Status)
	}
}

func TestUpdateRefuses(t *testing.T) {
	l, _ := serve(t, edge.Settings{MaxConnections: 7}, hello)
	for name, s := range map[string]edge.Settings{
		"address": {Address: "127.0.0.1:1"},
		"tls":     {Address: "127.0.0.1:0", TLS: pemFiles(t, t.TempDir(), "a.example")},
		"wrong":   {Address: "127.0.0.1:0", Read: -1},
	} {
		if err := l.Update(s); err == nil {
			t.Errorf("%s: Update accepted it", name)
		}
	}
	if got := l.Snapshot().Limit; got != 7 {
		t.Errorf("limit %d after refused updates, want 7", got)
	}
	get(t, l, "/")
}

func TestManyUpdatesKeepNoOldServers(t *testing.T) {
	l, _ := serve(t, edge.Settings{}, hello)
	for i := range 50 {
		if err := l.Update(edge.Settings{Address: "127.0.0.1:0", Idle: time.Duration(i+1) * time.Second}); err != nil {
			t.Fatal(err)
		}
		get(t, l, "/")
	}
	eventually(t, "old servers to go", func() bool {
		if err := l.Update(edge.Settings{Address: "127.0.0.1:0", Idle: time.Minute + time.Duration(time.Now().Nanosecond())}); err != nil {
			t.Fatal(err)
		}
		return edge.Servers(l) <= 2
	})
}
