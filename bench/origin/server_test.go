package origin_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"triage/bench/origin"
)

func TestServerAnswersAndEndsWithServicesInFlight(t *testing.T) {
	defer goleak.VerifyNone(t)
	o, err := origin.New(origin.Settings{Routes: []origin.RouteSettings{
		{Name: "fast", Path: "/fast", Body: 5},
		{Name: "endless", Path: "/endless", Service: time.Hour},
	}})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	server, err := origin.Listen("", o)
	if err != nil {
		t.Fatalf("Listen: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()

	if status, body := get(t, client, server.URL()+"/fast"); status != 200 || body != "xxxxx" {
		t.Errorf("GET /fast: got %d %q, want 200 and five bytes", status, body)
	}
	endless := make(chan int, 1)
	go func() {
		status, _ := get(t, client, server.URL()+"/endless")
		endless <- status
	}()
	for o.Snapshot().Routes[1].Begun == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: got %v, want nil", err)
	}
	if status := <-endless; status != 503 {
		t.Errorf("GET /endless when the server ended: got %d, want 503", status)
	}
}

func get(t *testing.T, client *http.Client, url string) (status int, body string) {
	res, err := client.Get(url)
	if err != nil {
		t.Errorf("GET %s: %v", url, err)
		return 0, ""
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Errorf("reading %s: %v", url, err)
	}
	return res.StatusCode, string(data)
}

func TestListenSaysWhatIsWrong(t *testing.T) {
	if _, err := origin.Listen("256.0.0.1:x", nil); err == nil {
		t.Error("a bad address: got no error")
	}
}
