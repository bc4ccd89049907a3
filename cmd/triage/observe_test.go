package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// would waits until the metric says how many requests would have been refused.
func (r *running) would(t *testing.T, route, why string, least float64) {
	t.Helper()
	eventually(t, fmt.Sprintf("triage_would_refuse_total of %s and %s to be %v", route, why, least), func() bool {
		return metric(t, r.adminURL, "triage_would_refuse_total", "route", route, "reason", why) >= least
	})
	if got := metric(t, r.adminURL, "triage_decisions_total", "route", route, "reason", why); got != 0 {
		t.Errorf("triage_decisions_total of %s and %s is %v in mode observe, want 0", route, why, got)
	}
}

// In mode observe quotas and breakers refuse nothing and say what they would have done; a reload turns it on and off.
func TestModeObserve(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	app := backend(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	const routes = `  - {name: few, match: {path: /few}, upstream: app, rate_limit: {rate: 1/h, burst: 1}}
  - {name: broken, match: {path: /broken}, upstream: app, breaker: {open_for: 30s}}
`
	r := start(t, conf("mode: observe", app, routes))
	for i := range 5 {
		get(t, fmt.Sprintf("%s/few?%d", r.url, i))
	}
	r.would(t, "few", "quota", 4)
	if line := logged(t, r.access, "/few"); line["result"] != "served" || line["reason"] != nil {
		t.Errorf("the access log says %v; want it to be served", line)
	}
	eventually(t, "four lines of the access log with would_refuse quota and status 200", func() bool {
		quota := 0
		for _, line := range r.access.lines() {
			if line["would_refuse"] == "quota" && line["status"] == 200.0 {
				quota++
			}
		}
		return quota == 4
	})
	for range 60 {
		if a := call(t, "GET", r.url+"/broken"); a.status != http.StatusInternalServerError {
			t.Fatalf("with an open breaker: %d %q; want the backend's 500", a.status, a.body)
		}
	}
	r.would(t, "broken", "breaker", 20)
	if got := asked.Load(); got != 65 {
		t.Errorf("the backend was asked %d times, want all 65", got)
	}
	if _, stdout, _ := command(t, "status", "--admin", r.adminAt.Addr().String()); !strings.Contains(stdout, "! app: mode observe: it decides and reports, and refuses nothing") {
		t.Errorf("the status does not say that it only observes:\n%s", stdout)
	}
	if got := statusOf(t, r.adminURL).Upstreams[0].Mode; got != "observe" {
		t.Errorf("the status says mode %q, want observe", got)
	}

	// The upstream's own word goes over the file's.
	enforcing := strings.Replace(conf("mode: observe", app, routes), "timeout: 5s", "timeout: 5s, mode: enforce", 1)
	reload := func(text string) {
		t.Helper()
		write(t, r.options.path, text)
		if a := call(t, "POST", r.adminURL+"/api/v1/reload"); a.status != http.StatusOK {
			t.Fatalf("reload: %d %q", a.status, a.body)
		}
	}
	reload(enforcing)
	if a := call(t, "GET", r.url+"/few"); a.status != http.StatusTooManyRequests {
		t.Errorf("after the reload: %d, want 429", a.status)
	}
	if a := call(t, "GET", r.url+"/broken"); a.status != http.StatusServiceUnavailable {
		t.Errorf("after the reload: %d, want the breaker's 503", a.status)
	}
	reload(conf("mode: observe", app, routes))
	get(t, r.url+"/few")
}

// Under overload nothing is refused and nobody waits in mode observe, and it is told who would have been.
func TestModeObserveUnderOverload(t *testing.T) {
	r := start(t, conf("mode: observe", shop(t).URL(), shopRoutes))
	g := rush(t, r.url)
	if err := g.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := g.Snapshot()
	for _, class := range s.Classes {
		if n := class.Total.Refused; n != 0 {
			t.Errorf("%d of %s were refused, although it only observes", n, class.Class)
		}
	}
	would := map[string]float64{}
	for _, route := range []string{"checkout", "recommendations"} {
		would[route] = metric(t, r.adminURL, "triage_would_refuse_total", "route", route)
	}
	if offered := float64(s.Classes[1].Phases[1].Offered); would["recommendations"] < offered/10 || would["checkout"] > would["recommendations"]/10 {
		t.Errorf("would refuse %v of %v recommendations; want many, and hardly a checkout", would, offered)
	}
	if got := metric(t, r.adminURL, "triage_queue_wait_seconds_sum"); got > 0.5 {
		t.Errorf("requests waited %v s in all; want none to wait", got)
	}
}

func TestModeIsChecked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		conf("mode: shadow", "http://127.0.0.1:9000", everything):                                       `mode: "shadow"`,
		strings.Replace(conf("", "http://127.0.0.1:9000", everything), "timeout: 5s", "mode: quiet", 1): "upstreams.app.mode",
	} {
		if code, stdout, _ := command(t, "check", "-c", configFile(t, text)); code != 1 || !strings.Contains(stdout, want) || !strings.Contains(stdout, "observe") {
			t.Errorf("exit %d, %q; want 1 and a line with %q and the words that there are", code, stdout, want)
		}
	}
}
