package edge

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Fields in which a client says until when an answer is of use to it.
const (
	grpcTimeout   = "Grpc-Timeout"                   // gRPC over HTTP/2: up to eight digits and a unit, counted from now
	envoyTimeout  = "X-Envoy-Expected-Rq-Timeout-Ms" // counted from now; Sanitize leaves it only if the peer is trusted
	clientTimeout = "X-Request-Deadline"
)

// longestPatience bounds what is taken for a time that somebody waits.
const longestPatience = 24 * time.Hour

// Patience is how long the client says that it waits for an answer, 0 or less if that is over; ok is false if it does not say.
// Of several words the shortest counts. Who may say it does not matter: it can only be to the client's own loss, for the caller takes
// it as an upper bound and orders nothing by it. What cannot be read counts as not said, and so does no time at all and a negative one,
// counted from now: a client that wants no answer would not ask. X-Request-Deadline has no standard; all forms that are in use are read:
// a time (RFC 3339), milliseconds since 1970, milliseconds from now, a number with a unit such as 250ms or 2s.
func Patience(h Fields, now time.Time) (left time.Duration, ok bool) {
	left = math.MaxInt64
	hear := func(values []string, read func(string, time.Time) (time.Duration, bool)) {
		if len(values) == 0 {
			return
		}
		if said, understood := read(strings.Trim(values[0], " \t"), now); understood {
			left, ok = min(left, said), true
		}
	}
	hear(h.Values(grpcTimeout), readGRPC)
	hear(h.Values(envoyTimeout), readMilliseconds)
	hear(h.Values(clientTimeout), readDeadline)
	return left, ok
}

// readGRPC reads what gRPC's HTTP/2 mapping calls a Timeout.
func readGRPC(text string, _ time.Time) (time.Duration, bool) {
	units := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond}
	if len(text) < 2 || len(text) > 9 {
		return 0, false
	}
	n, ok := digits(text[:len(text)-1])
	unit := units[text[len(text)-1]]
	return bounded(float64(n) * float64(unit)), ok && n > 0 && unit > 0
}

// readMilliseconds reads a number of milliseconds from now.
func readMilliseconds(text string, _ time.Time) (time.Duration, bool) {
	n, ok := digits(text)
	return bounded(float64(n) * float64(time.Millisecond)), ok && n > 0
}

// firstInstant tells milliseconds since 1970 from milliseconds from now: that many are in 1973, or three years.
const firstInstant = 100_000_000_000

// readDeadline reads the forms of X-Request-Deadline.
func readDeadline(text string, now time.Time) (time.Duration, bool) {
	if len(text) > 40 {
		return 0, false
	}
	if n, ok := digits(text); ok && n >= firstInstant {
		return bounded(float64(n)*float64(time.Millisecond) - float64(now.UnixNano())), true
	} else if ok {
		return readMilliseconds(text, now)
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return bounded(float64(at.Sub(now))), true
	}
	span, err := time.ParseDuration(text)
	return bounded(float64(span)), err == nil && span > 0
}

// digits reads a whole number without a sign.
func digits(text string) (int64, bool) {
	if text == "" || text[0] < '0' || text[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

func bounded(nanoseconds float64) time.Duration {
	return time.Duration(math.Min(math.Max(nanoseconds, -float64(longestPatience)), float64(longestPatience)))
}
