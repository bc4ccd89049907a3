package telemetry_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"triage/proxy"
	"triage/proxy/reason"
	"triage/proxy/telemetry"
)

func typical() *proxy.Exchange {
	return &proxy.Exchange{
		ID: "0192f3a4-5b6c-7d8e-9f00-112233445566", Start: time.Unix(1700000000, 0), Client: netip.MustParseAddr("192.0.2.7"),
		Method: "POST", Host: "shop.example", Path: "/checkout/payment", Proto: "HTTP/1.1",
		Route: "checkout", Priority: "critical", Upstream: "shop", Endpoint: "http://127.0.0.1:9000",
		Status: 200, UpstreamStatus: 200, FirstByte: 12 * time.Millisecond, Total: 13 * time.Millisecond, BytesIn: 512, BytesOut: 2048,
	}
}

func refused() *proxy.Exchange {
	x := typical()
	x.Status, x.UpstreamStatus, x.Result, x.Reason, x.FirstByte = 503, 0, proxy.Refused, reason.Limit, 0
	return x
}

func BenchmarkRecord(b *testing.B) {
	for _, c := range []struct {
		name     string
		exchange *proxy.Exchange
		log      telemetry.LogSettings
	}{
		{"metrics only", typical(), telemetry.LogSettings{Disabled: true}},
		{"logged", typical(), telemetry.LogSettings{}},
		{"refused", refused(), telemetry.LogSettings{}},
	} {
		b.Run(c.name, func(b *testing.B) {
			tel := newTelemetry(b, telemetry.Settings{Log: c.log})
			ctx, stop := context.WithCancel(b.Context())
			done := make(chan error)
			go func() { done <- tel.Run(ctx) }()
			rec := tel.Route("checkout", "critical", "shop")
			b.ReportAllocs()
			for b.Loop() {
				rec.Record(c.exchange)
			}
			stop()
			<-done
		})
	}
}
