//go:build !linux

package cost

import (
	"context"
	"errors"

	"triage/bench/record"
)

// Run cannot measure here.
func Run(context.Context, Settings, func(record.Record) error) (record.Record, error) {
	return record.Record{}, errors.New("bench cost reads /proc and pins processes to cores: it needs Linux")
}
