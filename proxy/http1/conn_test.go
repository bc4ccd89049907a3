package http1_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"triage/proxy/http1"
)

// pair is two ends of one connection, the first of them ours.
func pair(t *testing.T) (*http1.Conn, *net.TCPConn) {
	t.Helper()
	near, far := ends(t)
	s, err := http1.Take(near, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http1.Conn{}
	c.Reset(s)
	t.Cleanup(func() { c.Close() })
	return c, far
}

// ends are two ends of one connection.
func ends(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

// sleeper hands a connection on that was woken.
type sleeper struct {
	http1.Conn
	woken chan struct{}
}

func (s *sleeper) Awake() { s.woken <- struct{}{} }

// sleeping is a connection whose owner is told, and its other end.
func sleeping(t *testing.T) (*sleeper, *net.TCPConn) {
	t.Helper()
	near, far := ends(t)
	s := &sleeper{woken: make(chan struct{}, 1)}
	socket, err := http1.Take(near, s)
	if err != nil {
		t.Fatal(err)
	}
	s.Reset(socket)
	return s, far
}

// drowse has read all there is and sleeps, however often it is told of what it knows already.
func (s *sleeper) drowse(t *testing.T) {
	t.Helper()
	for {
		if some, err := s.FillNow(); some || err != nil {
			t.Fatalf("there is something: %v, %v", some, err)
		}
		if s.Sleep() {
			return
		}
	}
}

func TestSleepers(t *testing.T) {
	s, far := sleeping(t)
	for range 3 {
		s.drowse(t)
		say(t, far, "x")
		<-s.woken
		if some, err := s.FillNow(); !some || err != nil || string(s.Buffered()) != "x" {
			t.Fatalf("woken for %q: %v, %v", s.Buffered(), some, err)
		}
		s.Skip(1)
	}
	at := until(20 * time.Millisecond)
	s.ReadBy(at, at)
	s.drowse(t)
	<-s.woken
	if !s.Overdue() {
		t.Error("woken before its time, and by nobody")
	}
	s.Unbound()
	s.drowse(t)
	s.Hurry(0)
	<-s.woken
	if !s.Overdue() {
		t.Error("one that is in a hurry is not told so")
	}
	s.Unbound()
	s.drowse(t)
	far.Close()
	<-s.woken
	if _, err := s.FillNow(); err != io.EOF {
		t.Errorf("after the other side has gone: %v", err)
	}
	s.Close()
}

// A connection goes between this package and package net as often as it likes, and nothing is lost on the way.
func TestGiveAndTake(t *testing.T) {
	s, far := sleeping(t)
	say(t, far, "one ")
	tcp, err := s.Give()
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	got := make([]byte, 16)
	n, err := io.ReadAtLeast(tcp, got, len("one "))
	if err != nil {
		t.Fatal(err)
	}
	say(t, far, "two")
	socket, err := http1.Take(tcp, s)
	if err != nil {
		t.Fatal(err)
	}
	s.Reset(socket)
	for len(s.Buffered()) < len("two") {
		if err := s.Fill(); err != nil {
			t.Fatal(err)
		}
	}
	if all := string(got[:n]) + string(s.Buffered()); all != "one two" {
		t.Errorf("%q", all)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Many connections that come and go, wait and are hurried at once: nobody waits for ever.
func TestManyWait(t *testing.T) {
	var all sync.WaitGroup
	for range 40 {
		c, far := pair(t)
		all.Go(func() {
			for range 20 {
				if err := c.Fill(); err != nil {
					t.Error(err)
					return
				}
				c.Skip(len(c.Buffered()))
				if _, err := c.Write([]byte("y")); err != nil {
					t.Error(err)
					return
				}
			}
			c.Unbound()
			c.ReadBy(until(time.Hour), until(time.Hour))
			go c.Hurry(http1.Now() + 5*time.Millisecond)
			if err := c.Fill(); !http1.Late(err) {
				t.Errorf("hurried: %v", err)
			}
		})
		all.Go(func() {
			var answer [1]byte
			for range 20 {
				if _, err := io.WriteString(far, "x"); err != nil {
					t.Error(err)
					return
				}
				if _, err := io.ReadFull(far, answer[:]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
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
		socket, err := http1.Take(near.(*net.TCPConn), nil)
		if err != nil {
			t.Fatal(err)
		}
		var c http1.Call
		c.Take(socket)
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
