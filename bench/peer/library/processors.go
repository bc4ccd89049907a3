package library

import (
	"bytes"
	"context"
	"math"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// watchProcessors measures the share of all processors that is in use, smoothed, until ctx is done. Where the system does not say (Linux
// does) it is 0.
func watchProcessors(ctx context.Context) func() float64 {
	var share atomic.Uint64
	go func() {
		ticker := time.NewTicker(250 * time.Millisecond)
		defer ticker.Stop()
		busy, all := processorTime()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			nowBusy, nowAll := processorTime()
			if nowAll > all {
				before := math.Float64frombits(share.Load())
				share.Store(math.Float64bits(processDecay*before + (1-processDecay)*float64(nowBusy-busy)/float64(nowAll-all)))
			}
			busy, all = nowBusy, nowAll
		}
	}()
	return func() float64 { return math.Float64frombits(share.Load()) }
}

// processorTime is the first line of /proc/stat: user nice system idle iowait irq softirq steal, in ticks (proc(5)).
func processorTime() (busy, all int64) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	for i, field := range bytes.Fields(line) {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if i == 0 || i > 8 || err != nil {
			continue
		}
		all += n
		if i != 4 && i != 5 {
			busy += n
		}
	}
	return busy, all
}
