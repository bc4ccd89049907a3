package admin_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"triage/proxy"
	"triage/proxy/admin"
	"triage/shed"
)

var update = flag.Bool("update", false, "write golden files")

var night = time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)

func calm() admin.Status {
	return admin.Status{
		Version: "1.4.2", Started: night.Add(-26 * time.Hour), Uptime: (26 * time.Hour).Seconds(),
		Config: admin.ConfigInForce{Hash: "3f9a1c2e77aa", LoadedAt: night.Add(-26 * time.Hour), File: "triage.yaml"},
		Snapshot: proxy.Snapshot{
			Time: night, Priorities: []string{"critical", "important", "normal", "sheddable"},
			Routes: []proxy.RouteSnapshot{
				{Name: "recommendations", Priority: "sheddable", Upstream: "shop", Breaker: "closed", Shed: shed.RouteSnapshot{InFlight: 2}},
				{Name: "checkout", Priority: "critical", Upstream: "shop", Breaker: "closed", Shed: shed.RouteSnapshot{InFlight: 9, Baseline: 0.02, Latency: 1.04, Ceiling: 32, Errors: 0.0004}},
			},
			Upstreams: []proxy.UpstreamSnapshot{{Name: "shop", Endpoints: []proxy.EndpointSnapshot{{URL: "http://127.0.0.1:9000", InFlight: 11, Breaker: "closed"}}}},
		},
	}
}

func storm() admin.Status {
	s := calm()
	s.Draining = true
	s.Config.LastError = "triage.yaml:12:5: routes[3].priority: \"hihg\" is no class; want one of critical, important, normal, sheddable\ntriage.yaml:14:5: another\ntriage.yaml:15:5: another"
	s.Routes = append(s.Routes,
		proxy.RouteSnapshot{Name: "cart", Priority: "critical", Breaker: "half-open", Shed: shed.RouteSnapshot{InFlight: 14, Queued: 3, Ceiling: 48.5, Latency: 3.62, Errors: 0.031, Group: "shop/cart+checkout"}},
		proxy.RouteSnapshot{Name: "a-route-with-a-very-long-name-that-nobody-can-read", Priority: "experimental-class", Breaker: "open", RetryIn: 11.2, Shed: shed.RouteSnapshot{InFlight: 12345, Queued: 12345, Ceiling: 99999, Latency: 123.4, Errors: 1, Group: "shop/cart+checkout", Refusing: "queue_timeout"}},
		proxy.RouteSnapshot{Name: "forged\n\x1b[2Jname", Priority: "normal"},
	)
	s.Routes[0].Shed.Refusing, s.Routes[0].Shed.Group = "limit", "shop/cart+checkout"
	s.Routes[0].Shed.Relief = &shed.ReliefSnapshot{Gain: 0.59, Error: 0.08, Looks: 2, HeldAt: 33, Of: "shop/cart+checkout"}
	shop := &s.Upstreams[0]
	shop.Panic, shop.Broken = true, "index out of range [3] with length 3"
	shop.Endpoints = append(shop.Endpoints, proxy.EndpointSnapshot{URL: "http://10.0.0.2:9000", Zone: "eu-1b", Version: "2026-11-26", InFlight: 4, Breaker: "open"})
	shop.Groups = []shed.GroupSnapshot{{
		Name: "shop/cart+checkout", Since: night.Add(-250 * time.Second), Limit: 23.7, InFlight: 23, Queued: 3, Pressure: 1.08, Slowness: 1.5,
		State: "verifying", Reason: "cut from 36 to 24 because the time to first byte of cart and checkout is 3.6 times the baseline; looking whether it follows", ShedFrom: 2,
	}, {Name: "odd", Since: night.Add(time.Second), Limit: 8, ShedFrom: -1, State: "held"}, {Name: "new", Since: night, Limit: 140.4, ShedFrom: 7}}
	for i := range 12 {
		s.Entries = append(s.Entries, shed.Entry{
			Seq: uint64(i), Time: night.Add(time.Duration(i-12) * time.Minute), Subject: "shop/cart+checkout", Kind: "limit",
			From: float64(40 - i), To: float64(40-i) * 0.9, Reason: "latency 3.6 × baseline over 20 samples, errors 0.4 %, and a tail that is too long for this table",
		})
	}
	s.Entries = append(s.Entries, shed.Entry{Time: night, Subject: "search", Kind: "level", From: 0, To: 1, Reason: "errors"})
	return s
}

func TestTable(t *testing.T) {
	for name, c := range map[string]struct {
		status admin.Status
		color  bool
	}{
		"calm": {calm(), false}, "storm": {storm(), false}, "storm-color": {storm(), true}, "empty": {admin.Status{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			c.status.Table(&b, c.color)
			golden := "testdata/" + name + ".golden"
			if *update {
				if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
		})
	}
}

func TestTableFits(t *testing.T) {
	var b bytes.Buffer
	storm().Table(&b, false)
	for line := range strings.Lines(b.String()) {
		if got := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); got > 100 {
			t.Errorf("%d columns, want at most 100: %s", got, line)
		}
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("an escape sequence of a name reached the terminal")
	}
}

func TestTableOfAnObservedUpstream(t *testing.T) {
	s := calm()
	s.Upstreams[0].Mode = "observe"
	s.Routes[0].Shed.WouldRefuse = "displaced"
	var b bytes.Buffer
	s.Table(&b, false)
	for _, want := range []string{"! shop: mode observe: it decides and reports, and refuses nothing\n", "would: displaced\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table does not say %q:\n%s", want, b.String())
		}
	}
}
