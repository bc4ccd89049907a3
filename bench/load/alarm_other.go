//go:build !linux

package load

import (
	"context"
	"time"
)

// alarm waits for an instant, as exactly as the runtime's timers do.
type alarm struct{}

func newAlarm() *alarm { return nil }

func (*alarm) wait(ctx context.Context, d time.Duration) bool {
	return sleepUntil(ctx, time.Now().Add(d))
}

func (*alarm) interrupt() {}

func (*alarm) close() {}
