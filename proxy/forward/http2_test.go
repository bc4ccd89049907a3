package forward_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"triage/proxy/forward"
	"triage/proxy/reason"
)

// framed is an HTTP/2 endpoint, frame by frame: serve is called when the first request's header has come.
func framed(t *testing.T, serve func(c *wire, f *http2.Framer)) *url.URL {
	return endpoint(t, func(_ int, c *wire) {
		f := http2.NewFramer(c, c.r)
		c.read(len(http2.ClientPreface))
		_ = f.WriteSettings()
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			if _, ok := frame.(*http2.HeadersFrame); ok {
				serve(c, f)
				return
			}
		}
	})
}

func TestHTTP2Blame(t *testing.T) {
	for name, tt := range map[string]struct {
		to   func(t *testing.T) *url.URL
		want reason.Reason
	}{
		"reset stream": {func(t *testing.T) *url.URL {
			return framed(t, func(c *wire, f *http2.Framer) { _ = f.WriteRSTStream(1, http2.ErrCodeInternal); c.rest() })
		}, reason.UpstreamReset},
		"connection closed": {func(t *testing.T) *url.URL {
			return framed(t, func(*wire, *http2.Framer) {})
		}, reason.UpstreamReset},
		"connection dead: nobody answers the ping": {func(t *testing.T) *url.URL {
			return framed(t, func(c *wire, _ *http2.Framer) { c.rest() })
		}, reason.UpstreamReset},
		"HTTP/1.1": {func(t *testing.T) *url.URL {
			return endpoint(t, func(_ int, c *wire) {
				c.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
				c.rest()
			})
		}, reason.UpstreamGarbage},
		"not there": {func(*testing.T) *url.URL { return &url.URL{Scheme: "http", Host: "127.0.0.1:1"} }, reason.ConnectRefused},
	} {
		t.Run(name, func(t *testing.T) {
			ping := patience / 2
			if strings.HasPrefix(name, "connection dead") {
				ping = 50 * time.Millisecond
			}
			fr := newFront(t, forward.Settings{PingAfter: ping, PingTimeout: ping}, forward.Target{URL: tt.to(t), HTTP2: true})
			_, _ = fr.exchange(get)
			wantReason(t, fr.outcome(), tt.want)
		})
	}
}

// An endpoint that does not agree to HTTP/2 has failed at TLS, and is not spoken to in another way.
func TestHTTP2ByTLS(t *testing.T) {
	for _, agrees := range []bool{true, false} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
		s.EnableHTTP2 = agrees
		s.StartTLS()
		t.Cleanup(s.Close)
		to, _ := url.Parse(s.URL)
		settings := forward.Settings{TLS: s.Client().Transport.(*http.Transport).TLSClientConfig}
		fr := newFront(t, settings, forward.Target{URL: to, HTTP2: true})
		answer, _ := fr.exchange(get)
		if agrees {
			wantContains(t, "the answer", answer, "HTTP/2.0")
			wantReason(t, fr.outcome(), reason.None)
			continue
		}
		wantReason(t, fr.outcome(), reason.TLS)
	}
}
