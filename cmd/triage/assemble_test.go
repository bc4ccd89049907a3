package main

import (
	"reflect"
	"testing"

	"triage/config"
	"triage/shed"
)

// What the operator says of a route reaches the control law.
func TestSharesReachTheLaw(t *testing.T) {
	loaded, err := config.Load(configFile(t, conf("", "http://127.0.0.1:9000", `  - {name: cart, match: {path: /cart}, upstream: app, shares: [database]}
  - {name: pay, match: {path: /pay}, upstream: app, shares: database, session: {cookie: sid, stage: 3}}
  - {name: static, match: {path: /static}, upstream: app, shares: []}
  - {name: rest, upstream: app}
`)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := proxySettings(&loaded.File, shed.CohortKey{}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	type said struct {
		shares []string
		alone  bool
		stage  uint8
	}
	want := []said{{[]string{"database"}, false, 0}, {[]string{"database"}, false, 3}, {nil, true, 0}, {nil, false, 0}}
	for i, r := range s.Routes {
		if got := (said{r.Shares, r.Alone, r.SessionStage}); !reflect.DeepEqual(got, want[i]) {
			t.Errorf("%s: %+v, want %+v", r.Rule.Name, got, want[i])
		}
	}
}
