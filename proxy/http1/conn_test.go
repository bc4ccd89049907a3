package http1_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"triage/proxy/http1"
)

// pair is two ends of one connection, the first of them ours.
func pair(t *testing.T) (*http1.Conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := &http1.Conn{}
	if err := c.Reset(near.(*net.TCPConn)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close(); c.Close() })
	return c, far.(*net.TCPConn)
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func until(d time.Duration) time.Duration { return http1.Now() + d }

func TestFillWaits(t *testing.T) {
	c, far := pair(t)
	if some, err := c.FillNow(); some || err != nil {
		t.Fatalf("without data: %v, %v", some, err)
	}
	go func() { time.Sleep(20 * time.Millisecond); say(t, far, "hello") }()
	if err := c.Fill(); err != nil || string(c.Buffered()) != "hello" {
		t.Fatalf("%q, %v", c.Buffered(), err)
	}
	say(t, far, " again")
	if err := c.Fill(); err != nil || string(c.Buffered()) != "hello again" {
		t.Fatalf("%q, %v", c.Buffered(), err)
	}
	c.Skip(len("hello again"))
	far.Close()
	if err := c.Fill(); err != io.EOF {
		t.Fatalf("at the end: %v", err)
	}
	if c.Peek() != http1.Ended {
		t.Error("a look does not see the end")
	}
}

func TestDeadlines(t *testing.T) {
	c, far := pair(t)
	at := until(30 * time.Millisecond)
	c.ReadBy(at, at)
	if err := c.Fill(); !http1.Late(err) {
		t.Fatalf("%v, want the deadline", err)
	}
	c.ReadBy(until(time.Minute), until(2*time.Minute))
	say(t, far, "x")
	if err := c.Fill(); err != nil {
		t.Fatalf("after the deadline was moved: %v", err)
	}
	// A side that does not read stops the writer, and what was written is told.
	at = until(50 * time.Millisecond)
	c.WriteBy(at, at)
	n, err := c.Write(make([]byte, 64<<20))
	if !http1.Late(err) || n == 0 || n == 64<<20 {
		t.Errorf("%d, %v; want a part and the deadline", n, err)
	}
}

// Texts of a message stay what they are while its body is read, however large that is.
func TestPin(t *testing.T) {
	c, far := pair(t)
	const head = "POST /path HTTP/1.1\r\nHost: shop\r\nContent-Length: 300000\r\n\r\n"
	body := strings.Repeat("b", 300_000)
	go func() { _, _ = io.WriteString(far, head+body+"GET /next HTTP/1.1\r\n") }()
	var r http1.Request
	n := 0
	for n == 0 {
		if err := c.Fill(); err != nil {
			t.Fatal(err)
		}
		var err error
		if n, err = http1.ParseRequest(c.Buffered(), &r, 10); err != nil {
			t.Fatal(err)
		}
	}
	c.Skip(n)
	c.Pin()
	var b http1.Body
	b.Reset(c, r.Framing)
	got := 0
	for !b.Whole() {
		piece, err := b.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got += len(piece); len(piece) == 0 && !b.Whole() {
			if err := c.Fill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got != len(body) || r.Target != "/path" || r.Host != "shop" || r.Values("Content-Length")[0] != "300000" {
		t.Errorf("%d bytes of %s %s", got, r.Target, r.Host)
	}
	c.Unpin()
	for !strings.HasSuffix(string(c.Buffered()), "\r\n") {
		if err := c.Fill(); err != nil {
			t.Fatal(err)
		}
	}
	if string(c.Buffered()) != "GET /next HTTP/1.1\r\n" {
		t.Errorf("behind the body %q", c.Buffered())
	}
}

func TestHeadGrowsUpToALimit(t *testing.T) {
	c, far := pair(t)
	go func() { _, _ = io.WriteString(far, strings.Repeat("x", 1<<20)) }()
	var err error
	for err == nil {
		err = c.Fill()
	}
	if err != http1.ErrTooLarge || len(c.Buffered()) != http1.LargeBuffer {
		t.Errorf("%v with %d bytes, want %v with %d", err, len(c.Buffered()), http1.ErrTooLarge, http1.LargeBuffer)
	}
}

// A connection is used again only if there is nothing to read on it.
func TestPool(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	connect := func() (*http1.Peer, net.Conn) {
		raw, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		p, err := http1.NewPeer(raw.(*net.TCPConn))
		if err != nil {
			t.Fatal(err)
		}
		return p, far
	}
	pool := &http1.Pool{Most: 2, Idle: time.Minute}
	defer pool.Close()
	first, _ := connect()
	second, far2 := connect()
	third, far3 := connect()
	pool.Put(first, http1.Now())
	pool.Put(second, http1.Now())
	pool.Put(third, http1.Now()) // one too many
	if n, err := far3.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("a third of two: %d, %v; want it closed", n, err)
	}
	say(t, far2, "HTTP/1.1 200 OK\r\n")
	for second.Peek() == http1.Quiet {
		time.Sleep(time.Millisecond)
	}
	if got := pool.Get(http1.Now()); got != first || !got.Used {
		t.Errorf("got another connection than the one on which nothing has come")
	}
	if pool.Get(http1.Now()) != nil {
		t.Error("there was one more")
	}
	if n, err := far2.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the connection on which something came unasked: %d, %v; want it closed", n, err)
	}
}

// A call is the context of its request: it ends when the client leaves, and only then.
func TestCallEndsWithItsClient(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, leaves := range []bool{true, false} {
		far, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		near, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		var c http1.Call
		if err := c.Take(near.(*net.TCPConn)); err != nil {
			t.Fatal(err)
		}
		done := c.Done()
		if leaves {
			far.Close()
			<-done
			c.Settle()
			if c.Err() == nil || !c.Gone() {
				t.Error("the client has left, and the call does not say so")
			}
		} else {
			c.Settle()
			say(t, far, "more")
			if err := c.Fill(); err != nil || c.Err() != nil || c.Gone() {
				t.Errorf("after nobody waits any more: %v, %v", err, c.Err())
			}
			far.Close()
		}
		c.Close()
	}
}
