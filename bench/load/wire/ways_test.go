package wire_test

import (
	"sync"
	"testing"
	"time"

	"triage/bench/load/wire"
)

// opener makes a client that is closed at the test's end.
type opener func(*testing.T, wire.Settings) *sender

// ways runs a test with clients whose connections have goroutines, and with clients of a loop where there is one.
func ways(t *testing.T, test func(*testing.T, opener)) {
	t.Run("goroutines", func(t *testing.T) { test(t, client) })
	t.Run("loop", func(t *testing.T) { test(t, loopedClient) })
}

// sender is a client, and what lets its loop turn.
type sender struct {
	*wire.Client
	loop    *wire.Loop
	waiting chan *wire.Exchange
	over    chan struct{}
	turning sync.WaitGroup
	once    sync.Once
}

func client(t *testing.T, s wire.Settings) *sender {
	t.Helper()
	c := &sender{Client: wire.New(s)}
	t.Cleanup(c.Close)
	return c
}

func loopedClient(t *testing.T, s wire.Settings) *sender {
	t.Helper()
	c := &sender{Client: wire.New(s), loop: wire.NewLoop(), waiting: make(chan *wire.Exchange, 10_000), over: make(chan struct{})}
	if c.loop != nil {
		c.Join(c.loop)
		c.turning.Go(c.turn)
	}
	t.Cleanup(c.Close)
	return c
}

// turn sends and reads until the client is closed.
func (c *sender) turn() {
	for {
		select {
		case e := <-c.waiting:
			c.Client.Send(e)
		case <-c.over:
			c.loop.Close()
			return
		default:
			c.loop.Turn(time.Minute)
		}
	}
}

func (c *sender) Send(e *wire.Exchange) {
	if c.loop == nil {
		c.Client.Send(e)
		return
	}
	select {
	case <-c.over:
		c.turning.Wait()
		c.Client.Send(e)
	default:
		c.waiting <- e
		c.loop.Wake()
	}
}

func (c *sender) Close() {
	c.once.Do(func() {
		if c.loop != nil {
			close(c.over)
			c.loop.Wake()
			c.turning.Wait()
		}
		c.Client.Close()
	})
}
