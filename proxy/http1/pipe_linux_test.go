package http1_test

import (
	"testing"

	"triage/proxy/http1"
)

// However many want a pipe, there are 256 at most. Who gets none copies; when one is given back there is one again.
func TestPipesAreBounded(t *testing.T) {
	var all []*http1.Pipe
	for range 1000 {
		if p := http1.OpenPipe(); p != nil {
			all = append(all, p)
		}
	}
	if len(all) != 256 {
		t.Errorf("%d pipes at once, want 256", len(all))
	}
	for _, p := range all {
		p.Close()
		again := http1.OpenPipe()
		if again == nil {
			t.Fatal("there is none although one was given back")
		}
		again.Close()
	}
}
