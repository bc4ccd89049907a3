package forward

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"triage/proxy/reason"
)

// errResponseTooLarge is a response of which nothing, or no more, is passed on.
var errResponseTooLarge = errors.New("the response body is larger than allowed")

// pass carries a response over to the client.
func (a *attempt) pass(res *http.Response) {
	defer a.letGo(res)
	a.out.Status = res.StatusCode
	a.out.FirstByte = time.Since(a.begun)
	_, a.out.ClientWait = a.upload.progress()
	if a.to.OnHeader != nil {
		a.to.OnHeader(res.StatusCode, a.out.ClientWait)
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		a.switchProtocols(res)
		return
	}
	if a.exceeds(res.ContentLength) && a.r.Method != http.MethodHead && res.StatusCode != http.StatusNotModified {
		a.fail(reason.ResponseTooLarge, errResponseTooLarge)
		return
	}
	a.passHeader(res)
	if !a.passBody(res) {
		return
	}
	a.passTrailer(res)
}

// letGo ends reading a response. After an error its body is left to the end of the context: one that is closed the transport drains, if that is
// not much, and uses the connection again.
func (a *attempt) letGo(res *http.Response) {
	if a.out.Reason == reason.None || a.to.HTTP2 || res.StatusCode == http.StatusSwitchingProtocols {
		closeQuietly(res.Body)
	}
}

func (a *attempt) passHeader(res *http.Response) {
	h := a.w.Header()
	copyHeader(h, res.Header)
	if _, ok := h["Content-Type"]; !ok {
		// Present without a value, or net/http guesses one from the body.
		h["Content-Type"] = nil
	}
	announceTrailer(h, res.Trailer)
	if a.upload.unfinished() {
		a.closeAfterReply()
	}
	if a.to.Header != nil {
		a.to.Header(h)
	}
	a.w.WriteHeader(res.StatusCode)
	a.out.Started = true
	a.head.wrote()
}

// exceeds reports whether a body of n bytes is larger than a response may be.
func (a *attempt) exceeds(n int64) bool { return a.to.ResponseLimit > 0 && n > a.to.ResponseLimit }

// passBody copies the body and reports whether all of it went over.
func (a *attempt) passBody(res *http.Response) bool {
	if res.Body == http.NoBody {
		return true
	}
	buf := a.f.buffers.Get().(*[copyBuffer]byte)
	defer a.f.buffers.Put(buf)
	for {
		n, readErr := a.readBody(res.Body, buf[:])
		if a.exceeds(a.out.BytesOut + int64(n)) {
			a.fail(reason.ResponseTooLarge, errResponseTooLarge)
			return false
		}
		if err := a.deliver(buf[:n]); err != nil {
			a.fail(sendReason(err), fmt.Errorf("writing the response: %w", err))
			return false
		}
		if readErr == io.EOF {
			return true
		}
		if readErr != nil {
			a.fail(a.blameBody(readErr))
			return false
		}
	}
}

// readBody reads a piece of the body. If it has to wait, what the client has not seen is sent off first.
func (a *attempt) readBody(body io.Reader, buf []byte) (int, error) {
	a.head.body(true)
	if a.to.HTTP2 {
		// What has arrived of a stream is not to be seen: it is taken as if it had to be waited for.
		a.head.beforeWait()
	}
	n, err := body.Read(buf)
	a.head.body(false)
	a.watch.stop()
	return n, err
}

func (a *attempt) deliver(piece []byte) error {
	if len(piece) == 0 {
		return nil
	}
	n, err := a.w.Write(piece)
	a.out.BytesOut += int64(n)
	a.head.wrote()
	return err
}

func (a *attempt) passTrailer(res *http.Response) {
	if len(res.Trailer) == 0 {
		return
	}
	// A response that fits into net/http's buffer would get a Content-Length, and no trailers.
	if err := a.rc.Flush(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		a.fail(sendReason(err), fmt.Errorf("writing the response: %w", err))
		return
	}
	sendTrailer(a.w.Header(), res.Trailer)
}
