package load

import (
	"net/http"
	"testing"
	"time"
)

type constant struct{ response http.Response }

func (c *constant) RoundTrip(*http.Request) (*http.Response, error) { return &c.response, nil }

// BenchmarkSend is the generator's own part of a request: everything but the client and its sockets.
func BenchmarkSend(b *testing.B) {
	g, err := New(Settings{
		Target:    "http://shop",
		Requests:  []Request{{Route: "cart", Class: "important", Path: "/cart", SessionCookie: "sid"}},
		Phases:    []Phase{{For: time.Second, Rates: map[string]float64{"cart": 1}}},
		Transport: &constant{http.Response{StatusCode: 200, Body: http.NoBody}},
	})
	if err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		g.send(b.Context(), begun, Arrival{At: time.Since(begun)})
	}
}
