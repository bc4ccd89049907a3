package real

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"triage/bench/origin"
)

// control asks the backend's control for something.
func control(ctx context.Context, method, url string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking the backend's control: %w", err)
	}
	request.Close = true
	client := &http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking the backend's control: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("asking the backend's control: %s %s: %s", method, url, response.Status)
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("reading what the backend knows: %w", err)
	}
	return nil
}

// tell lets the backend's script begin.
func tell(ctx context.Context, at string, begin time.Time) error {
	return control(ctx, http.MethodPost, at+"/begin", fmt.Appendf(nil, `{"unix_ns": %d}`, begin.UnixNano()), nil)
}

func truthOf(ctx context.Context, at string) (truth origin.Truth, err error) {
	return truth, control(ctx, http.MethodGet, at+"/truth", nil, &truth)
}
