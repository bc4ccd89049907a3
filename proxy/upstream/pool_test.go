package upstream_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"triage/proxy/upstream"
)

func parse(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// pool makes a pool with one endpoint a weight.
func pool(t testing.TB, weights ...int) *upstream.Pool {
	t.Helper()
	s := upstream.Settings{Name: "shop"}
	for i, w := range weights {
		s.Endpoints = append(s.Endpoints, upstream.EndpointSettings{URL: parse(t, fmt.Sprintf("http://10.0.0.%d:80", i+1)), Weight: w})
	}
	p, err := upstream.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNewRefuses(t *testing.T) {
	good := upstream.EndpointSettings{URL: parse(t, "http://a:80")}
	tests := []struct {
		name string
		bad  upstream.EndpointSettings
		want string
	}{
		{"no url", upstream.EndpointSettings{}, "there is no URL"},
		{"scheme", upstream.EndpointSettings{URL: parse(t, "ftp://b")}, `scheme "ftp"`},
		{"no host", upstream.EndpointSettings{URL: parse(t, "http://:80")}, "no host"},
		{"path", upstream.EndpointSettings{URL: parse(t, "http://b/x")}, "more than a host"},
		{"query", upstream.EndpointSettings{URL: parse(t, "http://b?x")}, "more than a host"},
		{"user", upstream.EndpointSettings{URL: parse(t, "http://u:secret@b")}, "more than a host"},
		{"twice", upstream.EndpointSettings{URL: parse(t, "http://a:80")}, "stands twice"},
		{"twice, other spelling", upstream.EndpointSettings{URL: parse(t, "http://A/")}, "stands twice"},
		{"negative weight", upstream.EndpointSettings{URL: parse(t, "http://b"), Weight: -1}, "weight -1"},
		{"great weight", upstream.EndpointSettings{URL: parse(t, "http://b"), Weight: 1001}, "weight 1001"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := upstream.New(upstream.Settings{Name: "shop", Endpoints: []upstream.EndpointSettings{good, tt.bad}})
			if err == nil {
				t.Fatal("New accepted it")
			}
			for _, want := range []string{`upstream "shop": endpoint 1: `, tt.want} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("New = %q, want it to say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("New = %q, which shows a password", err)
			}
		})
	}
}

func TestEndpoints(t *testing.T) {
	settings := upstream.Settings{Endpoints: []upstream.EndpointSettings{
		{URL: parse(t, "http://a:80"), Zone: "eu", Version: "v1"},
		{URL: parse(t, "https://b"), Weight: 3},
	}}
	p, err := upstream.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	settings.Endpoints[0].URL.Host = "changed"
	es := p.Endpoints()
	if len(es) != 2 || es[0].Index != 0 || es[1].Index != 1 {
		t.Fatalf("Endpoints = %v, want two in order", es)
	}
	if got := es[0].URL().String(); got != "http://a:80" {
		t.Errorf("URL = %s, want what the pool was made with", got)
	}
	if got := es[0].Settings(); got.Weight != 1 || got.Zone != "eu" || got.Version != "v1" {
		t.Errorf("Settings = %+v, want weight 1, zone eu, version v1", got)
	}
}

func TestUpdateKeepsCounters(t *testing.T) {
	old := pool(t, 1, 1)
	stays, goes := old.Endpoints()[1], old.Endpoints()[0]
	stays.Begin()
	stays.Begin()
	goes.Begin()

	next, err := old.Update(upstream.Settings{Endpoints: []upstream.EndpointSettings{
		{URL: parse(t, "http://10.0.0.2"), Weight: 7},
		{URL: parse(t, "http://10.0.0.9")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	es := next.Endpoints()
	if got := es[0].InFlight(); got != 2 {
		t.Errorf("in flight at the endpoint that stays: %d, want 2", got)
	}
	if got := es[1].InFlight(); got != 0 {
		t.Errorf("in flight at the new endpoint: %d, want 0", got)
	}
	stays.End()
	if got := es[0].InFlight(); got != 1 {
		t.Errorf("in flight after a request of the old pool ended: %d, want 1", got)
	}
	if es[0].Index != 0 || es[0].Settings().Weight != 7 || stays.Settings().Weight != 1 {
		t.Error("the new settings are not the new endpoint's alone")
	}
	if _, err := old.Update(upstream.Settings{Endpoints: []upstream.EndpointSettings{{}}}); err == nil {
		t.Error("Update accepted an endpoint without URL")
	}
}
