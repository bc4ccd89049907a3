//go:build e2e

package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"triage/bench/load"
	"triage/config"
	"triage/proxy/incident"
)

// tab is a page in a real browser, with all that it asks for and all that goes wrong in it.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu    sync.Mutex
	asked []string
	said  []string
}

// openTab starts Chromium and opens the page.
func openTab(t *testing.T, address string) *tab {
	t.Helper()
	p := &tab{t: t}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program(t, "chromium", "chromium")), chromedp.NoSandbox)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(stop)
	p.ctx, stop = chromedp.NewContext(ctx, chromedp.WithListener(p.listen))
	t.Cleanup(stop)
	p.must(chromedp.Do(p.ctx))
	_, err := chromedp.Call(p.ctx, network.Enable, network.EnableParams{})
	p.must(err)
	p.must(chromedp.Do(p.ctx, chromedp.EmulateViewport(1440, 900), chromedp.Navigate(address)))
	return p
}

func (p *tab) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.asked = append(p.asked, e.Request.URL)
	case *runtime.EventExceptionThrown:
		said := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			said += " " + x.Description
		}
		p.said = append(p.said, said)
	case *runtime.EventConsoleAPICalled:
		p.said = append(p.said, fmt.Sprint("console: ", e.Type))
	case *log.EventEntryAdded:
		p.said = append(p.said, e.Entry.Text)
	}
}

// heard is what the browser has said so far.
func (p *tab) heard() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.said)
}

func (p *tab) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// look evaluates an expression in the page.
func look[T any](p *tab, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// pagePatience is how long anything may take on a busy machine.
const pagePatience = 100 * time.Second

// until waits until an expression is true.
func (p *tab) until(what, expression string) {
	p.t.Helper()
	for end := time.Now().Add(pagePatience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if look[bool](p, "(async () => Boolean("+expression+"))()") {
			return
		}
	}
	p.t.Fatalf("%s: not in %v; the browser says %q, and the page:\n%s", what, pagePatience, p.heard(), look[string](p, "document.body.innerText"))
}

// press clicks a button as a person does: it has to be seen, and what is clicked is what is there.
func (p *tab) press(selector string) {
	p.t.Helper()
	p.must(chromedp.Do(p.ctx, chromedp.Click(selector)))
}

func (p *tab) write(selector, text string) {
	p.t.Helper()
	p.must(chromedp.Do(p.ctx, chromedp.SendKeys(selector, text)))
}

// size and scheme of a screen.
type screen struct {
	name, scheme string
	wide, tall   int64
}

var screens = []screen{{"desktop", "dark", 1440, 900}, {"desktop", "light", 1440, 900}, {"phone", "dark", 390, 844}, {"phone", "light", 390, 844}}

func (p *tab) turn(s screen) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.scheme}}})
	p.must(err)
	p.must(chromedp.Do(p.ctx, chromedp.EmulateViewport(s.wide, s.tall)))
	look[bool](p, "(scrollTo(0, 0), true)")
	p.until("the charts are drawn for this screen", `document.querySelector("#chart-rest").getAttribute("viewBox") === "0 0 " + document.querySelector("#chart-rest").clientWidth + " 132"`)
}

// shoot keeps a picture of what is seen first and of the whole page, on every screen, and audits each.
func (p *tab) shoot(what string) {
	p.t.Helper()
	for _, s := range screens {
		p.turn(s)
		p.audit(what, s)
		seen, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
		p.must(err)
		whole, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
		p.must(err)
		for suffix, picture := range map[string][]byte{"": seen, "-whole": whole} {
			name := fmt.Sprintf("console-%s-%s-%s%s.png", what, s.name, s.scheme, suffix)
			p.must(os.WriteFile(filepath.Join(p.t.ArtifactDir(), name), picture, 0o600)) // with -artifacts they stay, for people to look at
		}
	}
	p.turn(screens[0])
}

//go:embed testdata/audit.js
var auditScript string

// audit looks for what keeps people from using the page: no name, too little contrast, too small, cut off.
func (p *tab) audit(what string, s screen) {
	p.t.Helper()
	for _, problem := range look[[]string](p, auditScript) {
		p.t.Errorf("%s, %s %s: %s", what, s.name, s.scheme, problem)
	}
}

// TestE2EConsole drives a real incident through a real proxy, and takes a person's steps in a real browser.
func TestE2EConsole(t *testing.T) {
	triage, customers := consoleShop(t)
	p := openTab(t, "http://"+triage.adminAt.Addr().String()+"/")
	for end := time.Now().Add(pagePatience); time.Now().Before(end) && look[string](p, `document.querySelector("#alive").dataset.level`) != "calm"; time.Sleep(time.Second) {
		_ = triage.history.book.Resolve(time.Now(), "test", "this machine was busy", nil) // then the first seconds are not calm
	}
	p.until("calm", `document.querySelector("#alive").dataset.level === "calm"`)
	p.until("the charts have something", `document.querySelector("#chart-protected .served")?.getAttribute("d").length > 60`)
	if open := look[bool](p, `!document.querySelector("#no-incident").checkVisibility() || !document.querySelector("#given-none").checkVisibility()`); open {
		t.Errorf("in the calm the page shows an incident, or something given up:\n%s", look[string](p, "document.body.innerText"))
	}
	p.shoot("calm")
	p.tabs()

	customers <- struct{}{} // the crowd comes
	p.until("the incident is seen", `document.querySelector("#incident").checkVisibility() && !document.querySelector("#no-incident").checkVisibility()`)
	p.write("#my-name", "ana")
	p.press(`#roles li[data-key="commander"] button[aria-label="Take Commander"]`)
	p.until("ana has command", `document.querySelector('#roles li[data-key="commander"] b').textContent === "ana"`)
	p.until("a verdict", `document.querySelector("#why").checkVisibility() && document.querySelector("#where").textContent.startsWith("Something that")`)
	p.shoot("trouble")

	p.press(`#endpoints tr:nth-child(2) button`)
	p.until("the dialog", `document.querySelector("#ask").open`)
	p.audit("dialog", screens[0])
	p.press("#ask-yes")
	p.until("no reason is refused", `document.querySelector("#ask").open && document.querySelector("#ask-error").textContent.startsWith("Why")`)
	p.write("#field-why", "its disk is full")
	p.press("#ask-yes")
	p.until("the endpoint is drained", `!document.querySelector("#ask").open && document.querySelector("#endpoints tr:nth-child(2)").textContent.includes("drained by hand")`)
	if pulled := triage.history.levers.Pulled(); len(pulled) != 1 || pulled[0].Who != "ana" || pulled[0].Why != "its disk is full" || !triage.proxy.Snapshot().Upstreams[0].Endpoints[1].Drained {
		t.Errorf("what the proxy has: %+v", pulled)
	}
	p.until("the lever is listed", `document.querySelector("#levers li b")?.textContent.startsWith("drain ")`)
	p.press("#levers button")
	p.write("#field-why", "it was the other one")
	p.press("#ask-yes")
	p.until("it is taken back", `!document.querySelector("#ask").open && document.querySelectorAll("#levers li").length === 0`)
	if len(triage.history.levers.Pulled()) != 0 {
		t.Error("the lever is still pulled")
	}

	p.must(chromedp.Do(p.ctx, chromedp.Evaluate[chromedp.Void](`navigator.clipboard.writeText = (text) => { globalThis.copied = text; return Promise.resolve(); }`)))
	p.press("#copy-text")
	p.until("copied", `document.querySelector("#copied").textContent === "Copied."`)
	if text := look[string](p, "copied"); !strings.Contains(text, "Affected: ") || text != look[string](p, `document.querySelector("#update").textContent`) {
		t.Errorf("what was copied: %q", text)
	}
	p.write("#note", "the crowd is leaving")
	p.press("#note-form button")
	p.until("the note is on the timeline", `document.querySelector("#entries").textContent.includes("the crowd is leaving")`)

	customers <- struct{}{} // the crowd leaves
	p.until("watching", `document.querySelector('#states [data-state="watching"]').hasAttribute("aria-current")`)
	p.press("#resolve")
	p.write("#field-why", "the crowd has left")
	p.press("#ask-yes")
	p.until("resolved", `!document.querySelector("#ask").open && document.querySelector('#states [data-state="resolved"]').hasAttribute("aria-current")`)
	p.shoot("after")
	i, err := triage.history.book.Show("")
	if err != nil || i.State != incident.Resolved || i.Roles[incident.Commander] != "ana" {
		t.Errorf("on record: %v, %s, %v", err, i.State, i.Roles)
	}
	p.leaks()
	p.behaved("http://" + triage.adminAt.Addr().String())
}

// With a tokens file the page asks for a token, and shows what its role may do.
func TestE2EConsoleTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte("viewer wall viewer-0123456789\noperator ana operator-0123456789\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, address := serveE2E(t, fmt.Sprintf(`
listen: 127.0.0.1:0
admin: {address: "127.0.0.1:0", tokens_file: %s}
access_log: {to: "off"}
upstreams: {app: {endpoints: ["http://127.0.0.1:9"]}}
routes: [{name: checkout, match: {path: /*}, upstream: app, priority: critical}]
`, file))
	p := openTab(t, address+"/")
	give := func(token string) {
		p.until("the page asks who it is", `document.querySelector("#ask")?.open && document.querySelector("#field-token")?.value === "" && !document.querySelector("#ask-yes").disabled`)
		p.write("#field-token", token)
		p.press("#ask-yes")
	}
	give("nonsense-0123456789")
	give("viewer-0123456789")
	p.until("a viewer sees", `document.querySelector("#my-role").textContent === "wall, viewer" && document.querySelector("#alive-h").textContent.startsWith("No requests")`)
	if acts := look[[]string](p, `[...document.querySelectorAll("main button, main select, main input")].filter((n) => n.checkVisibility()).map((n) => n.id)`); slices.Contains(acts, "open") || slices.Contains(acts, "lever-kind") || !slices.Contains(acts, "show-all") {
		t.Errorf("a viewer may use %q; want nothing that changes something", acts)
	}
	look[bool](p, `(sessionStorage.clear(), location.reload(), true)`)
	give("operator-0123456789")
	p.until("an operator may act", `document.querySelector("#my-role").textContent === "ana, operator" && document.querySelector("#open").checkVisibility() && document.querySelector("#lever-kind").checkVisibility()`)
}

// tabs walks by the tab key: the order is the page's, and where it stands is seen.
func (p *tab) tabs() {
	p.t.Helper()
	look[bool](p, "(document.activeElement.blur(), scrollTo(0, 0), true)")
	var stops []string
	for range 18 {
		p.must(chromedp.Do(p.ctx, chromedp.KeyEvent("\t")))
		at := look[string](p, `(() => {
			const node = document.activeElement, before = globalThis.lastStop;
			if (node === document.body) return "";
			globalThis.lastStop = node;
			const name = (node.id || node.textContent.trim().slice(0, 30) || node.tagName);
			if (getComputedStyle(node).outlineStyle === "none") return "unseen: " + name;
			if (before && !(before.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING)) return "back: " + name;
			return name;
		})()`)
		if at == "" { // behind the last one the focus leaves the page
			break
		}
		stops = append(stops, at)
	}
	for _, s := range stops {
		if strings.HasPrefix(s, "unseen: ") || strings.HasPrefix(s, "back: ") {
			p.t.Errorf("by the tab key: %q", stops)
			break
		}
	}
	if stops[0] != "To the levers" || !slices.Contains(stops, "lever-kind") || !slices.Contains(stops, "open") {
		p.t.Errorf("by the tab key one comes to %q; want first the way to the levers, then among others open and lever-kind", stops)
	}
}

// leaks shows the page as many frames as come in an hour, each with news, twice.
func (p *tab) leaks() {
	p.t.Helper()
	type held struct{ nodes, heap float64 }
	round := func(from int) held {
		nodes := look[float64](p, fmt.Sprintf(`(async () => {
			const { frame } = await import("/console/console.js");
			const { listen } = await import("/console/talk.js");
			const stop = new AbortController();
			let one;
			await listen((name, f) => { if (name === "frame") { one = f; stop.abort(); } }, stop.signal).catch(() => {});
			for (let n = 0; n < 1800; n++) {
				const f = structuredClone(one);
				const at = Date.parse(one.time) + n * 1000;
				f.time = new Date(at).toISOString();
				f.point = { ...one.point, at };
				f.recent = Object.fromEntries(Object.keys(one.recent).map((k, i) => [k, { served: (n * 7 + i) %% 90, refused: (n + i) %% 40 }]));
				f.entries = [{ seq: 1e6 + %d + n, incident: f.incident.id, time: f.time, kind: "note", actor: "ana", reason: "note " + n }];
				frame(f);
				if (n %% 50 === 0) await new Promise((r) => setTimeout(r));
			}
			return document.getElementsByTagName("*").length;
		})()`, from))
		_, err := chromedp.Call(p.ctx, heapprofiler.CollectGarbage, cdp.Empty{})
		p.must(err)
		usage, err := chromedp.Call(p.ctx, runtime.GetHeapUsage, cdp.Empty{})
		p.must(err)
		return held{nodes, usage.UsedSize}
	}
	first, second := round(0), round(10_000)
	p.t.Logf("after half an hour: %.0f elements, %.0f bytes; after an hour: %.0f, %.0f", first.nodes, first.heap, second.nodes, second.heap)
	if second.nodes > first.nodes+20 || second.heap > first.heap+1<<20 || first.nodes > 3000 {
		p.t.Errorf("the page grows: %+v after half an hour, %+v after an hour", first, second)
	}
}

// behaved says what the page did that it should not have done.
func (p *tab) behaved(origin string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.said) > 0 {
		p.t.Errorf("the browser says %q", p.said)
	}
	if len(p.asked) < 5 {
		p.t.Errorf("only %q were asked for: nothing was watched", p.asked)
	}
	for _, address := range p.asked {
		if !strings.HasPrefix(address, origin+"/") {
			p.t.Errorf("the page asked for %s", address)
		}
	}
}

// consoleShop is the demo's shop behind Triage, which knows it by two names. The crowd comes with the first word and leaves with the second.
func consoleShop(t *testing.T) (*server, chan<- struct{}) {
	t.Helper()
	shop, backend, err := newShop(1)
	if err != nil {
		t.Fatal(err)
	}
	address := backend.URL()
	two := strings.ReplaceAll(demoConfig, `["SHOP"]`, fmt.Sprintf("[%q, %q]", address, strings.Replace(address, "127.0.0.1", "localhost", 1)))
	triage, err := newServer(options{
		path: "demo.yaml", logger: slog.New(slog.DiscardHandler), stdout: io.Discard,
		source: func() (*config.Loaded, error) { return config.Parse("demo.yaml", []byte(two)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	target := "http://" + triage.addresses()[0]
	visitors := func(seed uint64, factor float64) *load.Generator {
		rates := map[string]float64{}
		for _, r := range demoRoutes {
			rates[r.name] = r.calm * factor
		}
		g, err := newVisitors(seed, target, []load.Phase{{Name: "visitors", For: 5 * time.Minute, Rates: rates}}, shop)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	usual, crowd := visitors(1, 1), visitors(2, demoCrowd-1)
	ctx, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() { backend.Run(ctx) })
	parts.Go(func() { triage.Run(ctx) })
	parts.Go(func() { _ = usual.Run(ctx) })
	words := make(chan struct{}, 2)
	parts.Go(func() {
		if !told(ctx, words) {
			return
		}
		here, leave := context.WithCancel(ctx)
		defer leave()
		parts.Go(func() { _ = crowd.Run(here) })
		_ = shop.Slow("database", demoSlow) // the pool exists and the factor is fine
		told(ctx, words)
		_ = shop.Slow("database", 1)
	})
	t.Cleanup(func() { stop(); parts.Wait() })
	return triage, words
}

// told waits for a word.
func told(ctx context.Context, words <-chan struct{}) bool {
	select {
	case <-words:
		return true
	case <-ctx.Done():
		return false
	}
}
