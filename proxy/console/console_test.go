package console_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"triage/proxy"
	"triage/proxy/console"
	"triage/proxy/incident"
	"triage/proxy/lever"
)

// shop is a proxy whose checkout serves ten requests a second and whose reviews refuse as many.
type shop struct {
	*console.Console
	book  *incident.Book
	began time.Time
}

func newShop(t *testing.T, viewers int) *shop {
	t.Helper()
	book, err := incident.New(incident.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	levers, err := lever.New(time.Now(), lever.Settings{Set: func(proxy.Hand) error { return nil }, Snapshot: func() proxy.Snapshot { return proxy.Snapshot{} }})
	if err != nil {
		t.Fatal(err)
	}
	var seen proxy.Snapshot
	if err := json.Unmarshal([]byte(`{
		"priorities": ["critical", "sheddable"],
		"routes": [{"name": "checkout", "priority": "critical", "shed": {"in_flight": 3}}, {"name": "reviews", "priority": "sheddable", "shed": {"queued": 2}}],
		"upstreams": [{"name": "shop", "groups": [{"limit": 8, "in_flight": 3}]}]
	}`), &seen); err != nil {
		t.Fatal(err)
	}
	s := &shop{book: book, began: time.Now()}
	s.Console, err = console.New(console.Settings{
		Incidents: book, Levers: levers, Viewers: viewers, About: func() console.About { return console.About{Version: "1.2.3"} },
		Totals: func() map[string]incident.Counts {
			n := uint64(time.Since(s.began).Seconds() * 10)
			return map[string]incident.Counts{"checkout": {Served: n}, "reviews": {Refused: n}}
		},
		Snapshot: func() proxy.Snapshot {
			snapshot := seen
			snapshot.Time = time.Now()
			return snapshot
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sink is a viewer: it counts events and keeps the last one. While held it takes nothing.
type sink struct {
	httptest.ResponseRecorder
	mu     sync.Mutex
	events map[string]int
	last   map[string]string
	hold   chan struct{}
}

func newSink() *sink {
	return &sink{ResponseRecorder: *httptest.NewRecorder(), events: map[string]int{}, last: map[string]string{}}
}

func (s *sink) Write(p []byte) (int, error) {
	if s.hold != nil {
		<-s.hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, rest, _ := strings.Cut(string(p), "event: ")
	name, data, _ := strings.Cut(rest, "\ndata: ")
	s.events[name]++
	s.last[name] = data
	return len(p), nil
}

func (s *sink) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events[name]
}

func last[T any](t *testing.T, s *sink, name string) (v T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := json.Unmarshal([]byte(s.last[name]), &v); err != nil {
		t.Fatalf("event %s, %q: %v", name, s.last[name], err)
	}
	return v
}

// watch begins a stream; leave ends it.
func (s *shop) watch(w http.ResponseWriter) (leave func()) {
	ctx, leave := context.WithCancel(context.Background())
	go s.Stream(w, httptest.NewRequest("GET", "/api/v1/stream", nil).WithContext(ctx), console.Who{Name: "ana", Role: "operator"}, false)
	return leave
}

func TestAFrameHasEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, 0)
		ctx, stop := context.WithCancel(t.Context())
		go s.Run(ctx)
		time.Sleep(20*time.Second + time.Millisecond)
		early := newSink()
		leaveEarly := s.watch(early)
		time.Sleep(2 * time.Second)
		if _, err := s.book.Open(time.Now(), "ana", "carts are empty"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := s.book.Note(time.Now(), "ben", "I look at the database"); err != nil {
			t.Fatal(err)
		}
		late := newSink()
		leaveLate := s.watch(late)
		time.Sleep(2 * time.Second)

		hello := last[console.Hello](t, early, "hello")
		if hello.Who != (console.Who{Name: "ana", Role: "operator"}) || len(hello.Points) != 20 {
			t.Errorf("the stream begins with %v and %d points; want ana, operator, and 20", hello.Who, len(hello.Points))
		}
		if p := hello.Points[19]; p.Classes["critical"].Served != 10 || p.Classes["sheddable"].Refused != 10 || p.Lasted != 1 || p.Limit != 8 || p.Held != 3 || p.InFlight != 3 || p.Queued != 2 {
			t.Errorf("a second is shown as %+v", p)
		}
		f := last[console.Frame](t, late, "frame")
		if f.Recent["checkout"].Served != 100 || f.Recent["reviews"].Refused != 100 || f.Seconds != 10 {
			t.Errorf("in %v s: %+v; want a hundred each in ten", f.Seconds, f.Recent)
		}
		if f.Incident == nil || f.Incident.Title != "carts are empty" || f.State != incident.Open || !strings.Contains(f.Update.Text, "carts are empty") || f.About.Version != "1.2.3" {
			t.Errorf("the frame has %+v, %s, %+v", f.Incident, f.State, f.Update)
		}
		if late.count("frame") != 2 || len(f.Past) != 1 {
			t.Errorf("%d frames in two seconds, %d incidents", late.count("frame"), len(f.Past))
		}
		leaveEarly()
		leaveLate()
		stop()
		synctest.Wait()
	})
}

func TestEveryViewerGetsEveryEntryOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, 0)
		ctx, stop := context.WithCancel(t.Context())
		go s.Run(ctx)
		synctest.Wait()
		if _, err := s.book.Open(time.Now(), "ana", "carts are empty"); err != nil {
			t.Fatal(err)
		}
		v := newSink()
		leave := s.watch(v)
		time.Sleep(time.Second + time.Millisecond)
		if got := last[console.Frame](t, v, "frame").Entries; len(got) != 1 || got[0].Kind != incident.Opened {
			t.Errorf("who comes gets %v; want the entry that is there", got)
		}
		for range 3 {
			if err := s.book.Note(time.Now(), "ben", "nothing yet"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if got := last[console.Frame](t, v, "frame").Entries; len(got) != 1 || got[0].Reason != "nothing yet" {
				t.Errorf("after a note: %v; want the note alone", got)
			}
		}
		time.Sleep(time.Second)
		if got := last[console.Frame](t, v, "frame").Entries; len(got) != 0 {
			t.Errorf("without news: %v", got)
		}
		leave()
		stop()
		synctest.Wait()
	})
}

func TestViewersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, 2)
		ctx, stop := context.WithCancel(t.Context())
		go s.Run(ctx)
		slow := newSink()
		slow.hold = make(chan struct{})
		quick := newSink()
		leaveSlow, leaveQuick := s.watch(slow), s.watch(quick)
		time.Sleep(time.Second)
		if third := newSink(); s.Stream(third, httptest.NewRequest("GET", "/", nil), console.Who{}, false) {
			t.Error("a third viewer is let in where two may look")
		}
		time.Sleep(10 * time.Second)
		if n := s.Viewers(); n != 1 {
			t.Errorf("%d viewers after ten seconds in which one takes nothing; want it to be let go", n)
		}
		if n := quick.count("frame"); n < 10 {
			t.Errorf("the quick viewer has %d frames; the slow one held it up", n)
		}
		close(slow.hold)
		leaveSlow()
		leaveQuick()
		synctest.Wait()
		if n := s.Viewers(); n != 0 {
			t.Errorf("%d viewers after all have left", n)
		}
		stop()
		synctest.Wait()
	})
}

func TestTheEndLetsEverybodyGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, 0)
		ctx, stop := context.WithCancel(t.Context())
		go s.Run(ctx)
		v := newSink()
		defer s.watch(v)()
		time.Sleep(time.Second)
		stop()
		synctest.Wait()
		if n := s.Viewers(); n != 0 {
			t.Errorf("%d viewers when the process ends", n)
		}
		if s.Stream(newSink(), httptest.NewRequest("GET", "/", nil), console.Who{}, false) {
			t.Error("somebody is let in after the end")
		}
	})
}

// Consoles are left open for hours, while others come and go. What is kept has its full size after 20 minutes.
func TestHoursLeakNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, 0)
		ctx, stop := context.WithCancel(t.Context())
		go s.Run(ctx)
		var before runtime.MemStats
		streams := 0
		const hours = 4
		for hour := range hours {
			wall := newSink()
			leave := s.watch(wall)
			streams++
			for range 4 { // the others
				guest := newSink()
				gone := s.watch(guest)
				time.Sleep(2 * time.Second)
				gone()
			}
			time.Sleep(time.Minute)
			leave()
			wall = nil
			time.Sleep(time.Hour - 68*time.Second)
			if hour == 0 {
				runtime.GC()
				runtime.ReadMemStats(&before)
			}
		}
		synctest.Wait()
		var after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
			t.Errorf("the heap has grown by %d bytes in three hours", grown)
		}
		if n := s.Viewers(); n != 0 || streams != hours {
			t.Errorf("%d viewers at the end", n)
		}
		stop()
		synctest.Wait() // and the bubble ends only if no goroutine is left
	})
}

func TestAStreamEndsAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, 0)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go s.Run(ctx)
		v := newSink()
		defer s.watch(v)()
		time.Sleep(61 * time.Minute)
		if n := v.count("frame"); n < 3590 || n > 3601 || s.Viewers() != 0 {
			t.Errorf("%d frames and %d viewers after 61 minutes; want an hour of frames, and nobody", n, s.Viewers())
		}
		stop()
		synctest.Wait()
	})
}

// named are the files that the page names.
var namedFiles = regexp.MustCompile(`(?:src|href)="(/[^"]+)"`)

func TestThePage(t *testing.T) {
	get := func(method, path string) (*http.Response, bool) {
		w := httptest.NewRecorder()
		ours := console.Page(w, httptest.NewRequest(method, path, nil))
		return w.Result(), ours
	}
	r, ours := get("GET", "/")
	page := new(strings.Builder)
	if _, err := io.Copy(page, r.Body); err != nil || !ours || r.Header.Get("Content-Type") != "text/html; charset=utf-8" || r.Header.Get("Content-Security-Policy") != console.Policy {
		t.Fatalf("/ gives %v, %v, %v", ours, err, r.Header)
	}
	for _, unsafe := range []string{"unsafe", "*", "http:", "https:", "data:"} {
		if strings.Contains(console.Policy, unsafe) {
			t.Errorf("the policy has %s: %s", unsafe, console.Policy)
		}
	}
	for _, word := range []string{"<style", " style=", " onclick=", "http://", "https://", "javascript:"} {
		if strings.Contains(page.String(), word) {
			t.Errorf("the page has %q", word)
		}
	}
	named := namedFiles.FindAllStringSubmatch(page.String(), -1)
	if len(named) < 3 {
		t.Fatalf("the page names only %q", named)
	}
	for _, n := range named {
		if r, ours := get("HEAD", n[1]); !ours || r.StatusCode != 200 || r.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %v %d %q", n[1], ours, r.StatusCode, r.Header.Get("Content-Type"))
		}
	}
	for _, path := range []string{"/console/", "/console/nothing.js", "/console/../doc.go", "/console/page/index.html", "/index.html", "/console"} {
		if _, ours := get("GET", path); ours {
			t.Errorf("%s is served", path)
		}
	}
	if _, ours := get("POST", "/"); ours {
		t.Error("POST / is served")
	}
}
