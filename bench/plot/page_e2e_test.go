//go:build e2e

package plot_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser starts a real Chromium for the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed: run 'make e2e', or 'apt-get install chromium'")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(stop)
	return ctx
}

// watched is what a page did that it should not.
type watched struct {
	mu    sync.Mutex
	asked []string
	said  []string
}

func (w *watched) listen(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		w.asked = append(w.asked, e.Request.URL)
	case *runtime.EventExceptionThrown:
		w.said = append(w.said, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		w.said = append(w.said, fmt.Sprint("console: ", e.Type))
	case *log.EventEntryAdded:
		w.said = append(w.said, e.Entry.Text)
	}
}

// seen is what a browser measures on a page.
type seen struct {
	Wide       float64  `json:"wide"`    // of the document
	Charts     int      `json:"charts"`  // that take room
	Clipped    []string `json:"clipped"` // texts that stand out of their drawing
	Tiny       []string `json:"tiny"`    // texts too small to be read
	Background string   `json:"background"`
	Stops      []string `json:"-"` // what the tab key reaches first
}

const measure = `(() => {
	for (const d of document.querySelectorAll("details")) d.open = true;
	const clipped = [], tiny = [];
	for (const svg of document.querySelectorAll("svg")) {
		const box = svg.getBoundingClientRect();
		for (const text of svg.querySelectorAll("text")) {
			const r = text.getBoundingClientRect();
			if (!r.width) continue;
			if (r.left < box.left - 1.5 || r.right > box.right + 1.5 || r.top < box.top - 2 || r.bottom > box.bottom + 2) clipped.push(text.textContent);
			if (r.height < 9) tiny.push(text.textContent + " " + r.height);
		}
	}
	return {
		wide: document.documentElement.scrollWidth, clipped, tiny,
		charts: [...document.querySelectorAll("svg")].filter(s => s.getBoundingClientRect().height > 60).length,
		background: getComputedStyle(document.body || document.documentElement).backgroundColor,
	};
})()`

func (w *watched) visit(t *testing.T, browsers context.Context, file, scheme string, wide int64) (s seen) {
	t.Helper()
	ctx, stop := chromedp.NewContext(browsers, chromedp.WithListener(w.listen))
	defer stop()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(chromedp.Do(ctx))
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	check(err)
	_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	check(err)
	address := (&url.URL{Scheme: "file", Path: file}).String()
	check(chromedp.Do(ctx, chromedp.EmulateViewport(wide, 900), chromedp.Navigate(address)))
	s, err = chromedp.Run(ctx, chromedp.Evaluate[seen](measure))
	check(err)
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	check(err)
	name := fmt.Sprintf("%s-%s-%d.png", strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), scheme, wide)
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name), picture, 0o600); err != nil { // with -artifacts they stay, for people to look at
		t.Fatal(err)
	}
	for range 4 {
		check(chromedp.Do(ctx, chromedp.KeyEvent("\t")))
		at, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.activeElement.tagName + " " + document.activeElement.textContent.slice(0, 40)`))
		check(err)
		s.Stops = append(s.Stops, at)
	}
	return s
}

// A real browser shows the page in both schemes and at both widths: without an error, without asking for anything, with nothing cut off.
func TestE2EPage(t *testing.T) {
	browsers := browser(t)
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(written(t, asHTML)), 0o600); err != nil {
		t.Fatal(err)
	}
	backgrounds := map[string]string{}
	for _, scheme := range []string{"light", "dark"} {
		for _, wide := range []int64{390, 1280} {
			t.Run(fmt.Sprintf("%s %d", scheme, wide), func(t *testing.T) {
				var w watched
				s := w.visit(t, browsers, file, scheme, wide)
				if len(w.said) > 0 {
					t.Errorf("the browser says %q", w.said)
				}
				for _, address := range w.asked {
					if !strings.HasPrefix(address, "data:") && !strings.HasSuffix(address, "/report.html") {
						t.Errorf("the page asked for %s", address)
					}
				}
				if len(w.asked) == 0 {
					t.Error("not even the page was asked for: nothing was watched")
				}
				if s.Wide > float64(wide) {
					t.Errorf("the page is %.0f wide in a window of %d: it has to be scrolled sideways", s.Wide, wide)
				}
				if len(s.Clipped) > 0 || len(s.Tiny) > 0 {
					t.Errorf("cut off: %q; too small: %q", s.Clipped, s.Tiny)
				}
				if want := strings.Count(written(t, asHTML), "<figure"); s.Charts != want || want < 8 {
					t.Errorf("%d charts are seen; want the %d that are there", s.Charts, want)
				}
				if !strings.HasPrefix(s.Stops[0], "A To the results") || s.Stops[1] == s.Stops[2] {
					t.Errorf("the tab key goes to %q; want first the way to the results, then on", s.Stops)
				}
				backgrounds[scheme] = s.Background
			})
		}
	}
	if backgrounds["light"] == backgrounds["dark"] {
		t.Errorf("the same ground in both schemes: %v", backgrounds)
	}
}

func TestE2ECosts(t *testing.T) {
	browsers := browser(t)
	file := filepath.Join(t.TempDir(), "costs.html")
	if err := os.WriteFile(file, []byte(shown(t, asHTML, inventedCost())), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, wide := range []int64{390, 1280} {
		var w watched
		s := w.visit(t, browsers, file, "light", wide)
		if len(w.said) > 0 || len(s.Clipped) > 0 || len(s.Tiny) > 0 || s.Wide > float64(wide) || s.Charts != 8 {
			t.Errorf("%d: the browser says %q; %+v; want eight charts, whole", wide, w.said, s)
		}
	}
}

func TestE2EPicture(t *testing.T) {
	browsers := browser(t)
	folder := t.TempDir()
	many := invented(1)
	for i := range 5 {
		many.Scenarios = append(many.Scenarios, many.Scenarios[0])
		many.Scenarios[i+2].Name = fmt.Sprintf("scenario-with-a-name-%d", i)
		for _, run := range many.Runs[:3] {
			run.Scenario = i + 2
			many.Runs = append(many.Runs, run)
		}
	}
	for name, text := range map[string]string{"two": written(t, asPicture), "seven": shown(t, asPicture, many)} {
		page := filepath.Join(folder, name+".html")
		if err := os.WriteFile(page, []byte(`<link rel="icon" href="data:,">`+text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, scheme := range []string{"light", "dark"} {
			var w watched
			s := w.visit(t, browsers, page, scheme, 900)
			if len(w.said) > 0 || len(s.Clipped) > 0 || s.Charts != 1 {
				t.Errorf("%s, %s: the browser says %q; cut off: %q; %d drawings", name, scheme, w.said, s.Clipped, s.Charts)
			}
		}
	}
}
