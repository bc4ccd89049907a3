package otlp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// never says that a post is not to be tried again.
const never time.Duration = -1

// mostAnswer is how much of a collector's answer is read, so that the connection can be used again.
const mostAnswer = 64 << 10

// post sends a batch once. On an error it says how long the collector wants to be left alone at least.
func (c *Collector) post(ctx context.Context, body []byte) (again time.Duration, _ error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.settings.URL, bytes.NewReader(body))
	if err != nil {
		return never, err
	}
	maps.Copy(r.Header, c.settings.Headers)
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "triage/"+c.settings.Version)
	answer, err := c.client.Do(r)
	if err != nil {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return never, err
		}
		return 0, err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, mostAnswer))
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		return time.Duration(min(max(seconds, 0), 3600)) * time.Second, fmt.Errorf("the collector answers %s", answer.Status)
	}
	if answer.StatusCode/100 != 2 {
		return never, fmt.Errorf("the collector answers %s", answer.Status)
	}
	return 0, nil
}
