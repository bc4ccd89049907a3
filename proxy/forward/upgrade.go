package forward

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"triage/proxy/reason"
)

var (
	errUnasked = errors.New("the endpoint switched to a protocol that nobody asked for")
	errEarly   = errors.New("the client sent bytes before the upgrade was agreed")
)

// switchProtocols passes a 101 on and becomes the tunnel.
func (a *attempt) switchProtocols(res *http.Response) {
	endpoint, ok := res.Body.(io.ReadWriteCloser)
	if !ok || !a.websocket || !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") {
		a.fail(reason.UpstreamGarbage, errUnasked)
		return
	}
	client, buffered, err := a.rc.Hijack()
	if err != nil {
		a.fail(reason.Internal, fmt.Errorf("taking over the client's connection: %w", err))
		return
	}
	defer closeQuietly(client)
	a.out.Started, a.out.Upgraded = true, true
	if buffered.Reader.Buffered() > 0 {
		a.fail(reason.BadRequest, errEarly)
		return
	}
	t := newTunnel(client, endpoint, a.f)
	defer a.f.drop(t)
	defer context.AfterFunc(a.r.Context(), t.close)()
	if err := a.agree(client, buffered.Writer, res.Header); err != nil {
		a.fail(reason.ClientGone, fmt.Errorf("writing the 101: %w", err))
		return
	}
	// A tunnel that breaks is nobody's fault in particular: either side may end it as it likes.
	a.out.Err = t.run()
	a.out.BytesIn, a.out.BytesOut = t.in.Load(), t.out.Load()
}

// agree writes the 101 to the client.
func (a *attempt) agree(client net.Conn, w *bufio.Writer, header http.Header) error {
	h := a.w.Header()
	copyHeader(h, header)
	if a.to.Header != nil {
		a.to.Header(h)
	}
	// Last, because a proxy that is about to end asks for close, and a handshake without these two is none.
	h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	// RFC 9110, section 8.6: none of this belongs to a 1xx response.
	delete(h, "Content-Length")
	if err := client.SetWriteDeadline(time.Now().Add(a.f.settings.IdleTimeout)); err != nil {
		return err
	}
	_, err := w.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	err = errors.Join(err, h.Write(w))
	_, endErr := w.WriteString("\r\n")
	if err := errors.Join(err, endErr, w.Flush()); err != nil {
		return err
	}
	return client.SetWriteDeadline(time.Time{})
}

// Upgraded is the number of upgraded connections at the moment.
func (f *Forwarder) Upgraded() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.tunnels)
}

// CloseUpgraded closes every upgraded connection on both sides. Their calls of Forward then return.
func (f *Forwarder) CloseUpgraded() {
	f.mu.Lock()
	open := make([]*tunnel, 0, len(f.tunnels))
	for t := range f.tunnels {
		open = append(open, t)
	}
	f.mu.Unlock()
	for _, t := range open {
		t.close()
	}
}

func (f *Forwarder) drop(t *tunnel) {
	t.close()
	f.mu.Lock()
	delete(f.tunnels, t)
	f.mu.Unlock()
}
