package main

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// message frames a message as gRPC does: a flag, the length, the bytes.
func message(text string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(text))), text...)
}

func readMessage(r io.Reader) (string, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[1:]))
	_, err := io.ReadFull(r, body)
	return string(body), err
}

// grpcShop answers each message with one, and with the deadline that it was told of; a message "fail" ends the call with a status.
func grpcShop(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 2 || r.Header.Get("Te") != "trailers" || r.Header.Get("Content-Type") != "application/grpc" {
		http.Error(w, "no gRPC", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("X-Deadline", r.Header.Get("Grpc-Timeout"))
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	status := "0"
	for {
		text, err := readMessage(r.Body)
		if err != nil {
			break
		}
		if text == "fail" {
			status = "9"
			break
		}
		_, _ = w.Write(message("re: " + text))
		w.(http.Flusher).Flush()
	}
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", status)
	w.Header().Set(http.TrailerPrefix+"Grpc-Message", "as asked")
}

// http2Backend is a backend that speaks HTTP/2 only; secure with TLS.
func http2Backend(t *testing.T, h http.HandlerFunc, secure bool) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	var protocols http.Protocols
	protocols.SetHTTP2(secure)
	protocols.SetUnencryptedHTTP2(!secure)
	s.Config.Protocols = &protocols
	if s.EnableHTTP2 = secure; secure {
		s.TLS = &tls.Config{NextProtos: []string{"h2"}}
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// h2cClient speaks HTTP/2 without TLS.
func h2cClient(t *testing.T) *http.Client {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

func grpcConf(upstream, routes string) string {
	text := conf("listen: {address: '127.0.0.1:0', h2c: true}", upstream, routes)
	return strings.Replace(text, "["+strconv.Quote(upstream)+"]", "[{url: "+strconv.Quote(upstream)+", protocol: h2}]", 1)
}

func grpcCall(t *testing.T, c *http.Client, url string, body io.Reader, timeout string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	if timeout != "" {
		req.Header.Set("Grpc-Timeout", timeout)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// wantTrailer reads the rest, and wants the status behind it.
func wantTrailer(t *testing.T, resp *http.Response, status string) {
	t.Helper()
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
		t.Errorf("after the messages came %q, %v", rest, err)
	}
	if got := resp.Trailer.Get("Grpc-Status"); got != status || resp.Trailer.Get("Grpc-Message") != "as asked" {
		t.Errorf("the trailer is %v, want the status %s", resp.Trailer, status)
	}
}

func TestGRPCUnary(t *testing.T) {
	t.Parallel()
	r := start(t, grpcConf(http2Backend(t, grpcShop, false).URL, everything))
	c := h2cClient(t)
	resp := grpcCall(t, c, r.url+"/shop.Cart/Add", strings.NewReader(string(message("apple"))), "5S")
	if got, err := readMessage(resp.Body); got != "re: apple" || err != nil {
		t.Fatalf("the answer is %q, %v", got, err)
	}
	wantTrailer(t, resp, "0")
	deadline, ok := strings.CutSuffix(resp.Header.Get("X-Deadline"), "m")
	if ms, err := strconv.Atoi(deadline); !ok || err != nil || ms <= 0 || ms > 5000 {
		t.Errorf("the backend was told of the deadline %q, want what is left of 5 s", resp.Header.Get("X-Deadline"))
	}
	failing := grpcCall(t, c, r.url+"/shop.Cart/Add", strings.NewReader(string(message("fail"))), "")
	wantTrailer(t, failing, "9")
	if line := logged(t, r.access, "/shop.Cart/Add"); line["proto"] != "HTTP/2.0" || line["result"] != "served" {
		t.Errorf("the log has %v", line)
	}
}

// Each side waits for the other's message before it sends the next: nothing may be held back.
func TestGRPCStreamsBothWays(t *testing.T) {
	t.Parallel()
	r := start(t, grpcConf(http2Backend(t, grpcShop, false).URL, everything))
	body, send := io.Pipe()
	defer send.Close()
	resp := grpcCall(t, h2cClient(t), r.url+"/shop.Chat/Talk", body, "")
	for i := range 50 {
		text := strings.Repeat("x", i*i)
		if _, err := send.Write(message(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := readMessage(resp.Body); got != "re: "+text || err != nil {
			t.Fatalf("message %d: %q, %v", i, got, err)
		}
		if i == 5 {
			// Longer than the time after which a body counts as slow.
			time.Sleep(100 * time.Millisecond)
		}
	}
	send.Close()
	wantTrailer(t, resp, "0")
}

// A client that hangs up, as it does at its deadline, ends the call at the backend, and the backend is not blamed.
func TestGRPCDeadlineEndsTheCall(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan struct{}), make(chan struct{})
	r := start(t, grpcConf(http2Backend(t, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(ended)
	}, false).URL, everything))
	c := h2cClient(t)
	ctx, hangUp := context.WithCancel(t.Context())
	go func() { <-begun; hangUp() }() // its deadline would be another one each time, or over before the call is there
	req, _ := http.NewRequestWithContext(ctx, "POST", r.url+"/shop.Cart/Slow", strings.NewReader(string(message("x"))))
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Grpc-Timeout", "4S")
	if _, err := c.Do(req); err == nil {
		t.Fatal("there was an answer")
	}
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the call goes on at the backend")
	}
	if line := logged(t, r.access, "/shop.Cart/Slow"); line["reason"] != "client_gone" || line["fault"] != "client" {
		t.Errorf("the log has %v, want the client's fault", line)
	}
}

func TestGRPCRefusals(t *testing.T) {
	t.Parallel()
	gone := http2Backend(t, grpcShop, false)
	r := start(t, grpcConf(gone.URL, "  - {name: few, match: {path: /shop.Few/*}, upstream: app, rate_limit: {rate: 1/m}}\n"+everything))
	c := h2cClient(t)
	grpcCall(t, c, r.url+"/shop.Few/Get", strings.NewReader(string(message("x"))), "")
	resp := grpcCall(t, c, r.url+"/shop.Few/Get", strings.NewReader(string(message("x"))), "")
	if resp.StatusCode != 200 || resp.Header.Get("Grpc-Status") != "8" || resp.Header.Get("Grpc-Message") != "triage: quota" {
		t.Errorf("over the quota: %d %v, want grpc-status 8", resp.StatusCode, resp.Header)
	}
	gone.CloseClientConnections()
	gone.Close()
	resp = grpcCall(t, c, r.url+"/shop.Cart/Add", strings.NewReader(string(message("x"))), "")
	if resp.StatusCode != 200 || resp.Header.Get("Grpc-Status") != "14" {
		t.Errorf("without a backend: %d %v, want grpc-status 14", resp.StatusCode, resp.Header)
	}
}

// A call that breaks in the middle must not look complete.
func TestGRPCBrokenStream(t *testing.T) {
	t.Parallel()
	r := start(t, grpcConf(http2Backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		_, _ = w.Write(message("first"))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, false).URL, everything))
	resp := grpcCall(t, h2cClient(t), r.url+"/shop.Cart/Watch", strings.NewReader(string(message("x"))), "")
	if got, err := readMessage(resp.Body); got != "first" || err != nil {
		t.Fatalf("the first message is %q, %v", got, err)
	}
	if _, err := readMessage(resp.Body); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the stream ended with %v, want a reset", err)
	}
	if line := logged(t, r.access, "/shop.Cart/Watch"); line["reason"] != "upstream_incomplete" {
		t.Errorf("the log has %v", line)
	}
}

// HTTP/1.1 in front, HTTP/2 behind, with and without a body.
func TestHTTP1ToHTTP2(t *testing.T) {
	t.Parallel()
	onBothLanes(t, func(t *testing.T) {
		text := grpcConf(http2Backend(t, echo, false).URL, everything)
		r := start(t, strings.Replace(text, ", h2c: true", "", 1))
		for _, body := range []string{"", "hello"} {
			if got := send(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}, "POST", r.url+"/x", body).seen(t); got.Body != body || got.Header.Get("X-Forwarded-For") != "127.0.0.1" {
				t.Errorf("the backend saw %+v, want the body %q", got, body)
			}
		}
	})
}
