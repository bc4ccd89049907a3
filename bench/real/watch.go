package real

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// watchEvery is how often limits are noted: as often as the simulator does.
const watchEvery = 100 * time.Millisecond

// limitAt asks an admin API for the sum of the groups' limits.
func limitAt(ctx context.Context, client *http.Client, admin string) (sum float64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/api/v1/status", nil)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("asking %s for its status: %s", admin, response.Status)
	}
	var status struct {
		Upstreams []struct {
			Groups []struct {
				Limit float64 `json:"limit"`
			} `json:"groups"`
		} `json:"upstreams"`
	}
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		return 0, fmt.Errorf("reading the status of %s: %w", admin, err)
	}
	for _, u := range status.Upstreams {
		for _, g := range u.Groups {
			sum += g.Limit
		}
	}
	return sum, nil
}

// watched is what a proxy has said of itself.
type watched struct {
	// limits has one sum for each watchEvery since the beginning.
	limits []float64
	// asked counts questions, slow those whose answer took longer than a calm process needs.
	asked, slow int
}

// slowAnswer is how long a proxy takes for its status only if it gets no processor: usually it is a millisecond.
const slowAnswer = 20 * time.Millisecond

// watch asks those whose shift it is, until ctx is done. An instant that was missed, or at which somebody did not answer, has the limit
// of the one before.
func watch(ctx context.Context, shifts []shift, begin time.Time) (w watched) {
	if len(shifts[0].admins) == 0 {
		return w
	}
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	last := 0.0
	for {
		select {
		case <-ctx.Done():
			return w
		case <-ticker.C:
		}
		before := time.Now()
		if sum, err := limitsAt(ctx, client, onDuty(shifts, time.Since(begin))); err == nil {
			last = sum
		}
		if w.asked++; time.Since(before) > slowAnswer {
			w.slow++
		}
		for time.Duration(len(w.limits))*watchEvery <= time.Since(begin) {
			w.limits = append(w.limits, last)
		}
	}
}

// onDuty are the admins whose shift it is.
func onDuty(shifts []shift, now time.Duration) []string {
	for _, s := range slices.Backward(shifts) {
		if s.from <= now {
			return s.admins
		}
	}
	return shifts[0].admins
}

func limitsAt(ctx context.Context, client *http.Client, admins []string) (sum float64, err error) {
	for _, admin := range admins {
		limit, err := limitAt(ctx, client, admin)
		if err != nil {
			return 0, err
		}
		sum += limit
	}
	return sum, nil
}
