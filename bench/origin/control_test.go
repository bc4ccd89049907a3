package origin_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"triage/bench/origin"
)

// controlled is an origin with a server and a remote control, on sockets.
func controlled(t *testing.T, script []origin.Moment) (service, control string) {
	t.Helper()
	o, err := origin.New(origin.Settings{Records: 10, Routes: []origin.RouteSettings{{Name: "all", Path: "/*"}}})
	if err != nil {
		t.Fatal(err)
	}
	server, err := origin.ListenEndpoint("", o, 0)
	if err != nil {
		t.Fatal(err)
	}
	remote, err := origin.ListenControl("", o, script)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*origin.Server{server, remote} {
		ended := make(chan error, 1)
		go func() { ended <- s.Run(t.Context()) }()
		t.Cleanup(func() {
			if err := <-ended; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
	return server.URL(), remote.URL()
}

// ask sends one request and reads the answer.
func ask(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	r.Header.Set(origin.LuckHeader, "beef")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

func TestControlBeginsAndTellsTheTruth(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	service, control := controlled(t, []origin.Moment{{Faults: origin.Faults{Fail: map[string]float64{"all": 1}}}})
	if status, _ := ask(t, "GET", service+"/x", ""); status != 200 {
		t.Errorf("before the beginning: %d; want 200", status)
	}
	begin := fmt.Sprintf(`{"unix_ns": %d}`, time.Now().UnixNano())
	if status, answer := ask(t, "POST", control+"/begin", begin); status != 204 {
		t.Fatalf("begin: %d %s; want 204", status, answer)
	}
	for asked := time.Now(); ; time.Sleep(time.Millisecond) {
		if status, _ := ask(t, "GET", service+"/x", ""); status == 500 {
			break
		}
		if time.Since(asked) > 30*time.Second {
			t.Fatal("the script does not begin")
		}
	}
	if status, _ := ask(t, "PUT", control+"/faults", `{}`); status != 204 {
		t.Errorf("faults: %d; want 204", status)
	}
	if status, _ := ask(t, "GET", service+"/x", ""); status != 200 {
		t.Errorf("without faults: %d; want 200", status)
	}
	_, text := ask(t, "GET", control+"/truth", "")
	var truth origin.Truth
	if err := json.Unmarshal([]byte(text), &truth); err != nil {
		t.Fatal(err)
	}
	first := truth.Records[0]
	if truth.Routes[0].Begun < 3 || first.Luck != 0xbeef || first.How != "served" || first.Begun >= 0 {
		t.Errorf("truth %s; want three requests at least, the first with its luck and before the beginning", text)
	}
}

func TestControlSaysWhatIsWrong(t *testing.T) {
	_, control := controlled(t, nil)
	tests := []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/begin", `{"unix_ns": "now"}`, 400, "reading the body"},
		{"POST", "/begin", `{"at": 1}`, 400, "unknown field"},
		{"PUT", "/faults", `{"fail": {"none": 0.5}}`, 422, "no such route"},
		{"POST", "/begin", `{"unix_ns": 1}`, 204, ""},
		{"POST", "/begin", `{"unix_ns": 1}`, 409, "begun before"},
		{"GET", "/nothing", "", 404, ""},
	}
	for _, v := range tests {
		if status, answer := ask(t, v.method, control+v.path, v.body); status != v.status || !strings.Contains(answer, v.want) {
			t.Errorf("%s %s %s: %d %q; want %d and %q", v.method, v.path, v.body, status, answer, v.status, v.want)
		}
	}
}

func TestControlStaysOnThisMachine(t *testing.T) {
	o, err := origin.New(onePool(origin.PoolSettings{Size: 1}, 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := origin.ListenControl("0.0.0.0:0", o, nil); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("every interface: got %v; want an error", err)
	}
}
