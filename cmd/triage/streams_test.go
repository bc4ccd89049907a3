package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
)

// brief makes streams end soon that stand still.
func brief(t *testing.T, app string) *running {
	t.Helper()
	return start(t, strings.Replace(conf("", app, everything), "timeout: 5s", "timeout: 5s, idle_timeout: 300ms", 1))
}

// events serves a stream of what comes from next, and closes cut when it is broken off.
func events(next <-chan string, cut chan<- struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		http.NewResponseController(w).Flush()
		for {
			select {
			case event := <-next:
				fmt.Fprintf(w, "data: %s\n", event)
				http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				close(cut)
				return
			}
		}
	}
}

// Each event is there before the next one is said, and who leaves the stream takes the endpoint's along, also while nothing is said.
func TestServerSentEvents(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testServerSentEvents)
}

func testServerSentEvents(t *testing.T) {
	t.Parallel()
	next, cut := make(chan string), make(chan struct{})
	r := start(t, conf("", backend(t, events(next, cut)), everything))
	response, err := http.Get(r.url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	for i := range 5 {
		next <- fmt.Sprint(i)
		if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("event %d: %q, %v", i, line, err)
		}
	}
	response.Body.Close()
	wantCut(t, cut)
}

// A stream in which nothing is said is broken off, and not ended as if it were whole.
func TestSilentStream(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testSilentStream)
}

func testSilentStream(t *testing.T) {
	t.Parallel()
	cut := make(chan struct{})
	r := brief(t, backend(t, events(nil, cut)))
	response, err := http.Get(r.url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if rest, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("the stream ends as if it were whole: %q", rest)
	}
	wantCut(t, cut)
	if line := logged(t, r.access, "/events"); line["reason"] != "upstream_incomplete" {
		t.Errorf("the log says %v, want upstream_incomplete", line)
	}
}

func wantCut(t *testing.T, cut <-chan struct{}) {
	t.Helper()
	select {
	case <-cut:
	case <-time.After(patience):
		t.Error("the endpoint's stream is still open")
	}
}

// What goes through a websocket comes out byte for byte, in both directions at once, in whatever pieces it is sent, and each side may end first.
func TestWebsocketByteForByte(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testWebsocketByteForByte)
}

func testWebsocketByteForByte(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	noise := func(of uint64) []byte {
		b := make([]byte, 1<<20)
		random := rand.NewPCG(seed, of)
		for i := range b {
			b[i] = byte(random.Uint64())
		}
		return b
	}
	pieces := func(to io.Writer, all []byte, of uint64) {
		random := rand.New(rand.NewPCG(seed, of))
		for len(all) > 0 {
			n := min(len(all), 1+random.IntN(1<<random.IntN(16)))
			if _, err := to.Write(all[:n]); err != nil {
				return
			}
			all = all[n:]
		}
	}
	up, down := noise(1), noise(2)
	heard := make(chan []byte, 1)
	r := start(t, conf("", backend(t, func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		go pieces(c, down, 3)
		all, _ := io.ReadAll(rw) // until the client has ended its half
		heard <- all
	}), everything))
	w := dial(t, r.url)
	w.say(opening)
	if header := w.header(); !strings.HasPrefix(header, "HTTP/1.1 101 ") {
		t.Fatalf("upgrade: %q, want 101", header)
	}
	got := make(chan []byte, 1)
	go func() {
		b := make([]byte, len(down))
		n, _ := io.ReadFull(w.r, b)
		got <- b[:n]
	}()
	pieces(w, up, 4)
	if b := <-got; !bytes.Equal(b, down) {
		t.Errorf("seed %d: %d bytes came down, want the %d that were sent", seed, len(b), len(down))
	}
	if err := w.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b := <-heard; !bytes.Equal(b, up) {
		t.Errorf("seed %d: %d bytes came up, want the %d that were sent", seed, len(b), len(up))
	}
	if rest, err := io.ReadAll(w.r); err != nil || len(rest) > 0 {
		t.Errorf("seed %d: after the end %q, %v; want the end", seed, rest, err)
	}
}

// A websocket on which nobody says anything is closed, on both sides.
func TestIdleWebsocket(t *testing.T) {
	t.Parallel()
	onBothLanes(t, testIdleWebsocket)
}

func testIdleWebsocket(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{})
	r := brief(t, backend(t, func(w http.ResponseWriter, q *http.Request) {
		websocket(w, q)
		close(closed)
	}))
	w := dial(t, r.url)
	w.say(opening)
	if header := w.header(); !strings.HasPrefix(header, "HTTP/1.1 101 ") {
		t.Fatalf("upgrade: %q, want 101", header)
	}
	if rest, err := io.ReadAll(w.r); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v; want the end", rest, err)
	}
	wantCut(t, closed)
}
