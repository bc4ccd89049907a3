package origin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"triage/bench/origin"
)

// serving runs an origin with one route behind a socket.
func serving(t *testing.T) (*origin.Origin, string) {
	t.Helper()
	o, err := origin.New(origin.Settings{Routes: []origin.RouteSettings{{Name: "cart", Path: "/cart", Body: 1000}}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := origin.Listen("", o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return o, s.URL()
}

func faulty(t *testing.T, o *origin.Origin, f origin.Faults) {
	t.Helper()
	if err := o.Set(f); err != nil {
		t.Fatal(err)
	}
}

// post gives the status and the length of the body that came.
func post(url string) (status, length int, err error) {
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(must(http.NewRequest("POST", url+"/cart", nil)))
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, len(body), err
}

func must(r *http.Request, _ error) *http.Request { return r }

func TestResetsAndHalfAnswers(t *testing.T) {
	o, url := serving(t)
	faulty(t, o, origin.Faults{Reset: map[string]float64{"cart": 1}})
	if _, _, err := post(url); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset: got %v, want %v", err, syscall.ECONNRESET)
	}
	faulty(t, o, origin.Faults{Half: map[string]float64{"cart": 1}})
	if status, length, err := post(url); status != 200 || length != 500 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half: got status %d, %d bytes, %v, want 200, 500 and an unexpected end", status, length, err)
	}
	faulty(t, o, origin.Faults{})
	if status, length, err := post(url); status != 200 || length != 1000 || err != nil {
		t.Errorf("afterwards: got %d, %d bytes, %v", status, length, err)
	}
	if r := o.Snapshot().Routes[0]; r.Failed != 2 || r.Served != 1 || r.InFlight() != 0 {
		t.Errorf("got %+v, want two failed and one served", r)
	}
}

func TestSharesOfFaultsAreDrawn(t *testing.T) {
	o, url := serving(t)
	faulty(t, o, origin.Faults{Reset: map[string]float64{"cart": 0.3}, Half: map[string]float64{"cart": 0.3}})
	reset, half, served := 0, 0, 0
	for range 300 {
		switch status, _, err := post(url); {
		case errors.Is(err, syscall.ECONNRESET):
			reset++
		case status == 200 && err != nil:
			half++
		case err == nil:
			served++
		}
	}
	if reset+half+served != 300 || reset < 50 || half < 50 || served < 70 {
		t.Errorf("got %d reset, %d half, %d served of 300, want about 90, 90 and 120", reset, half, served)
	}
}

func TestConnectionsAreRefusedAndTakenAgain(t *testing.T) {
	o, url := serving(t)
	if _, _, err := post(url); err != nil {
		t.Fatal(err)
	}
	until := func(what string, fine func(error) bool) {
		t.Helper()
		var err error
		for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(time.Millisecond) {
			if _, _, err = post(url); fine(err) {
				return
			}
		}
		t.Fatalf("%s: got %v", what, err)
	}
	for range 2 {
		faulty(t, o, origin.Faults{Refuse: true})
		until("refused", func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) })
		faulty(t, o, origin.Faults{})
		until("taken again", func(err error) bool { return err == nil })
	}
}

func TestTheControlStaysWhenConnectionsAreRefused(t *testing.T) {
	o, _ := serving(t)
	control, err := origin.ListenControl("", o, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- control.Run(ctx) }()
	defer func() { stop(); <-ended }()
	faulty(t, o, origin.Faults{Refuse: true})
	res, err := http.Get(control.URL() + "/truth")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	faulty(t, o, origin.Faults{})
}
