package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var updateDesync = flag.Bool("update-desync", false, "write what the table of ambiguous messages gives, and its page")

// desync is one message that two parties could read in two ways, or that leaves a connection out of step.
type desync struct {
	family, name string
	// send is what the client sends at once; a plain GET /probe that closes follows in the same write. With after it follows that, which
	// is sent when an answer has begun.
	send, after string
	// reply is what the backend sends to the first request, instead of a plain answer; early before it has read the body. late comes when the answer was
	// read, before the probe is sent. hangUp: then it closes; cut: it closes when the client has the beginning.
	reply, late        string
	early, hangUp, cut bool
	// breaks: the answer is bound to break off. race: whether the connection goes on depends on who comes first.
	breaks, race bool
	// request is set if the poison is a request by every reading.
	request bool
}

const (
	probe = "GET /probe HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
	// poison is a request, or what would be one, that nobody has sent who may.
	poison = "GET /poison HTTP/1.1\r\nHost: h\r\n\r\n"
)

func (c desync) title() string { return c.family + ": " + c.name }

// desyncRun is what became of one case.
type desyncRun struct {
	answers string   // every byte that the client got
	seen    []string // the whole requests that the backend got, a byte for a byte but for the frames of chunks
	broken  error    // the client waited in vain
}

// recorder is a raw backend that keeps what it gets.
type recorder struct {
	mu   sync.Mutex
	now  desync
	used bool
	seen []string
	told chan struct{} // closed when late was written
	come chan struct{} // closed when the client has got something
}

func (r *recorder) begin(c desync) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now, r.used, r.seen = c, false, nil
	r.told, r.come = make(chan struct{}), make(chan struct{})
}

func (r *recorder) got(request string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, request)
}

// first gives the case to the first request that is not the probe.
func (r *recorder) first(target string) (c desync, told, come chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.used || target == "/probe" || r.now.reply == "" {
		return desync{}, nil, nil
	}
	r.used = true
	return r.now, r.told, r.come
}

// serve answers what comes on one connection.
func (r *recorder) serve(w *wire) {
	_ = w.SetDeadline(time.Time{}) // a proxy may keep it for as long as it likes
	for {
		head := w.header()
		if !strings.HasSuffix(head, "\r\n\r\n") {
			return
		}
		method, rest, _ := strings.Cut(head, " ")
		target, _, _ := strings.Cut(rest, " ")
		c, told, come := r.first(target)
		if !c.early {
			body, err := framedBody(w.r, head)
			if err != nil {
				return
			}
			head += body
		}
		r.got(head)
		if c.reply == "" {
			text := method + " " + target
			c.reply = fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(text))
			if method != "HEAD" {
				c.reply += text
			}
		}
		w.say("%s", c.reply)
		if c.late != "" {
			w.say("%s", c.late)
			close(told)
		}
		if c.cut {
			<-come
		}
		if c.hangUp || c.cut {
			return
		}
		if c.early {
			if _, err := framedBody(w.r, head); err != nil {
				return
			}
		}
	}
}

// framedBody reads a body as RFC 9112 frames it, and gives it without the frames of chunks, trailers behind it.
func framedBody(r *bufio.Reader, head string) (string, error) {
	lower := strings.ToLower(head)
	if strings.Contains(lower, "\r\ntransfer-encoding:") {
		return chunkedBody(r)
	}
	_, after, ok := strings.Cut(lower, "\r\ncontent-length:")
	if !ok {
		return "", nil
	}
	value, _, _ := strings.Cut(after, "\r\n")
	n, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil {
		return "", err
	}
	body := make([]byte, n)
	_, err = io.ReadFull(r, body)
	return string(body), err
}

func chunkedBody(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		digits, _, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ";")
		size, err := strconv.ParseInt(strings.TrimSpace(digits), 16, 32)
		if err != nil {
			return "", err
		}
		if size == 0 {
			break
		}
		if _, err := io.CopyN(&b, r, size); err != nil {
			return "", err
		}
		if _, err := r.Discard(len("\r\n")); err != nil {
			return "", err
		}
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == "\r\n" {
			return b.String(), nil
		}
		b.WriteString("\n[trailer] " + line)
	}
}

// run sends a case to a proxy in front of the recorder.
func (r *recorder) run(t *testing.T, address string, c desync) desyncRun {
	t.Helper()
	r.begin(c)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	var out desyncRun
	var begun []byte
	first := func() {
		begun = make([]byte, 1)
		if _, err := io.ReadFull(conn, begun); err != nil {
			begun = nil
		}
	}
	switch {
	case c.late != "":
		_, _ = io.WriteString(conn, c.send)
		select {
		case <-r.told:
		case <-time.After(patience):
			t.Fatalf("%s: the backend was not asked", c.name)
		}
		_, _ = io.WriteString(conn, probe)
	case c.after != "":
		_, _ = io.WriteString(conn, c.send)
		first()
		_, _ = io.WriteString(conn, c.after+probe)
	case c.cut:
		_, _ = io.WriteString(conn, c.send+probe)
		first()
		close(r.come)
	default:
		_, _ = io.WriteString(conn, c.send+probe)
	}
	rest, err := io.ReadAll(conn)
	out.answers = string(begun) + string(rest)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		out.broken = err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out.seen = slices.Clone(r.seen)
	return out
}

var (
	statusLine = regexp.MustCompile(`HTTP/1\.[01] (\d{3})`)
	// changing are the parts of messages that are new each time.
	changing = []struct {
		what *regexp.Regexp
		by   string
	}{
		{regexp.MustCompile(`Date: [^\r]*`), "Date: …"},
		{regexp.MustCompile(`[0-9a-f]{32}`), "…"},
		{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:…"},
	}
)

// statuses are those of all answers.
func (d desyncRun) statuses() string {
	var all []string
	for _, m := range statusLine.FindAllStringSubmatch(d.answers, -1) {
		all = append(all, m[1])
	}
	return strings.Join(all, " ")
}

// probed reports whether the connection went on to the probe.
func (d desyncRun) probed() bool {
	return slices.ContainsFunc(d.seen, func(s string) bool { return strings.HasPrefix(s, "GET /probe ") })
}

// short is a run in a few words: the statuses, what the backend got, whether the connection went on.
func (d desyncRun) short(c desync) string {
	words := []string{d.statuses()}
	if words[0] == "" {
		words[0] = "no answer"
	}
	for _, s := range d.seen {
		first, _, _ := strings.Cut(s, "\r\n")
		first = strings.TrimSuffix(first, " HTTP/1.1")
		if first == "GET /probe" {
			continue
		}
		_, body, _ := strings.Cut(s, "\r\n\r\n")
		if body != "" {
			first += fmt.Sprintf(" with %q", body)
		}
		words = append(words, first)
	}
	switch {
	case d.broken != nil:
		words = append(words, "waits")
	case c.race:
		words[0] = strings.TrimPrefix(words[0], "100 ") // the backend may refuse before the client was told to go on
		words[0], _, _ = strings.Cut(words[0], " ")
		words = append(words, "either way")
	case !d.probed():
		words = append(words, "closed")
	}
	return strings.Join(words, "; ")
}

// text is a run in full, but for what changes.
func (d desyncRun) text(t *testing.T, c desync) string {
	t.Helper()
	var b strings.Builder
	quote := func(what, s string) {
		for _, c := range changing {
			s = c.what.ReplaceAllString(s, c.by)
		}
		fmt.Fprintf(&b, "%s\n", what)
		for line := range strings.SplitAfterSeq(s, "\n") {
			if line != "" {
				fmt.Fprintf(&b, "  %s\n", strings.Trim(strconv.QuoteToGraphic(line), `"`))
			}
		}
	}
	for _, s := range d.seen {
		quote("the backend got", s)
	}
	r := bufio.NewReader(strings.NewReader(d.answers))
	for heads := strings.HasPrefix(c.send, "HEAD "); ; {
		a, err := wholeAnswer(r, heads)
		if a != "" {
			quote("the client got", a)
		}
		if err != nil {
			if err != io.EOF && !c.cut && !c.breaks {
				t.Errorf("%s: an answer is not whole: %v; got %q", c.title(), err, d.answers)
			}
			return b.String()
		}
		heads = heads && a[9] == '1' // a 1xx is not the answer yet
	}
}

// wholeAnswer reads one answer and gives it with its fields in order and its body without frames: how it is framed depends on when its pieces came.
func wholeAnswer(r *bufio.Reader, head bool) (string, error) {
	if _, err := r.Peek(1); err != nil {
		return "", err
	}
	lines, err := []string(nil), error(nil)
	for line := ""; line != "\r\n"; lines = append(lines, line) {
		if line, err = r.ReadString('\n'); err != nil {
			return strings.Join(lines, ""), io.ErrUnexpectedEOF
		}
	}
	text := strings.Join(lines, "")
	fields := slices.DeleteFunc(lines[1:len(lines)-1], func(l string) bool {
		return strings.HasPrefix(l, "Content-Length: ") || strings.HasPrefix(l, "Transfer-Encoding: ")
	})
	slices.Sort(fields)
	out := lines[0] + strings.Join(fields, "") + "\r\n"
	if status := text[9:12]; head || status[0] == '1' || status == "204" || status == "304" {
		return out, nil
	}
	if !strings.Contains(text, "\r\nContent-Length: ") && !strings.Contains(text, "\r\nTransfer-Encoding: ") {
		rest, err := io.ReadAll(r)
		return out + string(rest), err
	}
	body, err := framedBody(r, text)
	return out + body, err
}

// golden compares with a file, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *updateDesync {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, path, got)
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(b)
	if got == want {
		return
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("%s, line %d (go test -update-desync writes it):\n got %s\nwant %s", path, i+1, gotLines[i], wantLines[i])
		}
	}
	t.Fatalf("%s has %d lines, want %d", path, len(wantLines), len(gotLines))
}

// Every message that can be read in two ways is read in one, or refused: the whole answers and every byte that the backend got are as the file
// has them, what was smuggled is nowhere, and nobody gets the answer of another.
func TestDesync(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testDesync)
}

func testDesync(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	r := start(t, conf("listen: {address: '127.0.0.1:0', timeouts: {read: 2s}}", rawBackend(t, rec.serve), "  - {name: all, upstream: app, breaker: {disabled: true}}\n"))
	address := strings.TrimPrefix(r.url, "http://")
	var all strings.Builder
	for _, c := range desyncs {
		d := rec.run(t, address, c)
		if d.broken != nil {
			t.Errorf("%s: %v; sent %q, got %q, and the backend got %q", c.title(), d.broken, c.send, d.answers, d.seen)
		}
		for _, s := range d.seen {
			if head, _, _ := strings.Cut(s, "\r\n\r\n"); strings.HasPrefix(head, "GET /poison") && !c.request {
				t.Errorf("%s: the backend got %q", c.title(), s)
			}
		}
		if d.probed() && !strings.HasSuffix(d.answers, "\r\n\r\nGET /probe") {
			t.Errorf("%s: the probe got another's answer: %q", c.title(), d.answers)
		}
		text := d.text(t, c)
		if c.race {
			text = ""
		}
		fmt.Fprintf(&all, "== %s\n%s\n%s\n", c.title(), d.short(c), text)
	}
	golden(t, filepath.Join("testdata", "desync", laneOf(t)+".txt"), all.String())
}

// An endpoint that answers every request twice: nobody gets another's answer, however soon the next request comes.
func TestDesyncTwiceAnswered(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testDesyncTwiceAnswered)
}

func testDesyncTwiceAnswered(t *testing.T) {
	t.Parallel()
	app := rawBackend(t, func(w *wire) {
		for {
			_, target, ok := strings.Cut(w.header(), " ")
			if !ok {
				return
			}
			target, _, _ = strings.Cut(target, " ")
			w.say("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s", len(target), target, strings.Replace(ok2, "ok", "no", 1))
		}
	})
	r := start(t, conf("", app, "  - {name: all, upstream: app, breaker: {disabled: true}}\n"))
	w := dial(t, r.url)
	for i := range 50 {
		_ = w.SetDeadline(time.Now().Add(patience))
		w.say("POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", i)
		if a := w.answer(); a.err != nil || a.status != 200 || a.body != fmt.Sprintf("/%d", i) {
			t.Fatalf("request %d: %d %q, %v", i, a.status, a.body, a.err)
		}
	}
}
