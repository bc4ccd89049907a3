package real

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"triage/bench/load"
	"triage/bench/origin"
	"triage/bench/sim"
)

func TestRequestsSayWhatTheScenariosClientsSay(t *testing.T) {
	begin := time.Now()
	a := load.Arrival{At: 2 * time.Second, Tag: 0xabc, Session: 0x01020304}
	d := &drive{wants: map[uint64]sim.Want{0xabc: {Request: sim.Request{Attempt: 2}}}}
	plain, talking := http.Header{}, http.Header{}
	d.sign(sim.Clients{Deadline: time.Second}, begin)(a, plain)
	d.sign(sim.Clients{Deadline: time.Second, TellsDeadline: true, MarksRetries: true}, begin)(a, talking)
	if got := plain; got.Get(origin.LuckHeader) != "abc" || got.Get("X-Forwarded-For") != "10.2.3.4" || len(got) != 2 {
		t.Errorf("plain clients say %v; want their number and their address", got)
	}
	leaves := strconv.FormatInt(begin.Add(3*time.Second).UnixMilli(), 10)
	if got := talking; got.Get("X-Request-Deadline") != leaves || got.Get("X-Retry-Attempt") != "2" {
		t.Errorf("talking clients say %v; want that they leave at %s, and the third try", got, leaves)
	}
}
