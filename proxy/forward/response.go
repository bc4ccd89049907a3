package forward

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"triage/proxy/reason"
)

// pass carries a response over to the client.
func (a *attempt) pass(res *http.Response) {
	defer closeQuietly(res.Body)
	a.out.Status = res.StatusCode
	a.out.FirstByte = time.Since(a.begun)
	_, a.out.ClientWait = a.upload.progress()
	if a.to.OnHeader != nil {
		a.to.OnHeader(res.StatusCode)
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		a.switchProtocols(res)
		return
	}
	a.passHeader(res)
	if !a.passBody(res) {
		return
	}
	a.passTrailer(res)
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
}

// passBody copies the body and reports whether all of it went over.
func (a *attempt) passBody(res *http.Response) bool {
	if res.Body == http.NoBody {
		return true
	}
	buf := a.f.buffers.Get().(*[copyBuffer]byte)
	defer a.f.buffers.Put(buf)
	n, readErr := a.readFirst(res.Body, buf[:])
	for {
		if err := a.deliver(buf[:n], readErr == io.EOF || a.out.BytesOut+int64(n) == res.ContentLength); err != nil {
			a.fail(reason.ClientGone, fmt.Errorf("writing the response: %w", err))
			return false
		}
		if readErr == io.EOF {
			return true
		}
		if readErr != nil {
			a.fail(a.blameBody(readErr))
			return false
		}
		a.watch.wait(moreBody, a.f.settings.IdleTimeout)
		n, readErr = res.Body.Read(buf[:])
		a.watch.rest()
	}
}

// readFirst reads the first piece of the body. If that takes longer than a moment, the header goes ahead.
func (a *attempt) readFirst(body io.Reader, buf []byte) (int, error) {
	a.head.mayFlush(true)
	a.watch.wait(firstBody, min(headerHold, a.f.settings.IdleTimeout))
	n, err := body.Read(buf)
	a.watch.rest()
	a.head.mayFlush(false)
	return n, err
}

// deliver writes a piece and sends it off at once: nobody knows when the next one comes. The last piece need not be sent
// off, the end of the response does that.
func (a *attempt) deliver(piece []byte, last bool) error {
	if len(piece) == 0 {
		return nil
	}
	n, err := a.w.Write(piece)
	a.out.BytesOut += int64(n)
	if err != nil || last {
		return err
	}
	return a.flush()
}

func (a *attempt) passTrailer(res *http.Response) {
	if len(res.Trailer) == 0 {
		return
	}
	// A response that fits into net/http's buffer would get a Content-Length, and no trailers.
	if err := a.flush(); err != nil {
		a.fail(reason.ClientGone, fmt.Errorf("writing the response: %w", err))
		return
	}
	sendTrailer(a.w.Header(), res.Trailer)
}
