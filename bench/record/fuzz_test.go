package record_test

import (
	"bytes"
	"testing"

	"triage/bench/record"
)

// Whatever is read can be written, and read again as the same.
func FuzzDecode(f *testing.F) {
	var whole bytes.Buffer
	if err := record.Encode(&whole, small()); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add([]byte(`{"schema": 1, "kind": "cost", "runs": [{"values": null}], "scenarios": [{}], "peers": [{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := record.Decode(bytes.NewReader(text))
		if err != nil {
			return
		}
		var once, twice bytes.Buffer
		if err := record.Encode(&once, first); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		second, err := record.Decode(bytes.NewReader(once.Bytes()))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, once.Bytes())
		}
		if err := record.Encode(&twice, second); err != nil || !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Fatalf("%v: read and written again:\n%s\nwant\n%s", err, twice.Bytes(), once.Bytes())
		}
		for _, run := range second.Runs {
			for _, h := range run.Histograms {
				_ = h.Latency.Quantile(0.99) // no panic
			}
		}
	})
}
