package cost

import "triage/bench/record"

// Names of what is measured.
const (
	mCPU         = "cpu"
	mThroughput  = "throughput"
	mBusy        = "proxy busy"
	mEndsBusy    = "harness busy"
	mP50         = "p50"
	mP99         = "p99"
	mAddedP50    = "added p50"
	mAddedP99    = "added p99"
	mIdle        = "memory an idle connection"
	mHeld        = "memory a busy connection"
	mMemory      = "memory"
	mPeak        = "peak memory"
	mOfForwarded = "of a forwarded one"
	mSpeed       = "speed"
	mWrk         = "cpu by wrk"
	mWrkRate     = "throughput by wrk"
)

// measures say what the values mean.
func measures() []record.Measure {
	return []record.Measure{
		{Name: mCPU, Unit: "µs", Doc: "processor time of the proxy's processes ÷ answers"},
		{Name: mThroughput, Unit: "/s", Doc: "answers a second; where the harness was the bottleneck (see the notes), the proxy can do more"},
		{Name: mBusy, Unit: "%", Doc: "processor time of the proxy's processes ÷ time"},
		{Name: mEndsBusy, Unit: "%", Doc: "processor time of clients and origin ÷ time"},
		{Name: mP50, Unit: "µs", Doc: "median latency from the intended instant"},
		{Name: mP99, Unit: "µs", Doc: "99th percentile of the same"},
		{Name: mAddedP50, Unit: "µs", Doc: "p50 less that without a proxy, at the same rate in the same round"},
		{Name: mAddedP99, Unit: "µs", Doc: "p99 less that without a proxy"},
		{Name: mIdle, Unit: "kB", Doc: "memory more for each kept connection that has had an answer and is idle"},
		{Name: mHeld, Unit: "kB", Doc: "memory more for each connection whose answer the origin holds back"},
		{Name: mMemory, Unit: "MB", Doc: "proportional set size of the proxy's processes"},
		{Name: mPeak, Unit: "MB", Doc: "by how much the most that was ever resident has grown"},
		{Name: mSpeed, Unit: "MB/s", Doc: "bytes of bodies that arrive a second"},
		{Name: mOfForwarded, Doc: "cpu of a refusal ÷ cpu of a forwarded request, in the same round"},
		{Name: mWrk, Unit: "µs", Doc: "the same as cpu, with wrk as the client"},
		{Name: mWrkRate, Unit: "/s", Doc: "answers a second that wrk counts"},
	}
}

// shown are the measures that tables of a part have; a record has more.
func shown(part string) []string {
	return map[string][]string{
		"cpu":         {mCPU, mThroughput, mBusy, mEndsBusy, mWrk, mWrkRate},
		"latency":     {mP50, mP99, mAddedP50, mAddedP99},
		"refusal":     {mCPU, mOfForwarded},
		"connections": {mIdle, mHeld, mMemory, mCPU},
		"routes":      {mCPU, mMemory},
		"clients":     {mCPU, mMemory},
		"bodies":      {mCPU, mSpeed, mPeak},
	}[part]
}

// compared are the measures whose ratios to nginx and HAProxy are shown.
func compared(measure string) bool {
	switch measure {
	case mCPU, mP99, mIdle, mHeld, mWrk:
		return true
	}
	return false
}
