package edge

import (
	"errors"
	"net/http"
	"strconv"

	"triage/proxy/http1"
)

// answer is an http.ResponseWriter for what Triage itself says in the fast lane. What is written goes out with Flush. Who uses it gives the
// length of the body.
type answer struct {
	f       *Fast
	header  http.Header
	begun   bool
	started bool
}

func (a *answer) reset() {
	a.begun, a.started = false, false
	for name, values := range a.header {
		a.header[name] = values[:0] // the room is used again
	}
}

// Answer is where Triage's own answers are written. Flush sends them.
func (f *Fast) Answer() http.ResponseWriter { return &f.answer }

// Header gives the fields that are to be sent.
func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

// WriteHeader begins the answer.
func (a *answer) WriteHeader(status int) {
	if a.begun {
		return
	}
	a.begun = true
	f := a.f
	f.Out = http1.AppendStatus(f.Out[:0], status, "")
	for name, values := range a.header {
		if name == "Connection" {
			f.Last = f.Last || len(values) > 0
			continue
		}
		for _, value := range values {
			f.Out = http1.AppendField(f.Out, name, value)
		}
	}
	f.Out = f.AppendEnd(f.Out, len(a.header["Date"]) > 0)
}

// Write adds to the body.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.f.Out = append(a.f.Out, p...)
	return len(p), nil
}

// FlushAnswer sends what was written to Answer.
func (f *Fast) FlushAnswer() {
	if !f.answer.begun || f.answer.started {
		return
	}
	f.answer.started = true
	if _, err := f.Send(f.Out); err != nil {
		f.Cut = true
	}
}

// refuseHead answers a request that cannot be read, and closes.
func (f *Fast) refuseHead(err error) {
	var wrong *http1.Error
	if !errors.As(err, &wrong) {
		return
	}
	f.from.tally.refused.Add(1)
	f.Begin(0)
	f.Last, f.Stall = true, f.from.policy.Load().Write
	f.answer.reset()
	body := http.StatusText(wrong.Status) + "\n"
	h := f.answer.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	f.answer.WriteHeader(wrong.Status)
	_, _ = f.answer.Write([]byte(body))
	f.FlushAnswer()
	f.linger()
}
