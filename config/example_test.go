package config_test

import (
	"fmt"

	"triage/config"
)

func ExampleParse() {
	_, err := config.Parse("triage.yaml", []byte(`listen: 127.0.0.1:8080
upstreams:
  shop: {endpoints: [http://127.0.0.1:9000], timeout: 2}
routes:
  - name: checkout
    upstream: shpo
    priorty: critical
`))
	fmt.Println(err)
	// Output:
	// triage.yaml:3:55: upstreams.shop.timeout: 2 has no unit; write it with a unit, such as 250ms, 2s or 1m30s
	// triage.yaml:6:15: routes[0].upstream: there is no upstream "shpo"; did you mean shop?
	// triage.yaml:7:5: routes[0].priorty: unknown key; did you mean priority?
}
