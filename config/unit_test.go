package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"triage/config"
)

func TestUnits(t *testing.T) {
	duration := func(s string) (float64, string, error) {
		v, err := config.ParseDuration(s)
		return float64(v), v.String(), err
	}
	rate := func(s string) (float64, string, error) {
		v, err := config.ParseRate(s)
		return float64(v), v.String(), err
	}
	size := func(s string) (float64, string, error) {
		v, err := config.ParseSize(s)
		return float64(v), v.String(), err
	}
	share := func(s string) (float64, string, error) {
		v, err := config.ParseShare(s)
		return float64(v), v.String(), err
	}
	cases := []struct {
		parse func(string) (float64, string, error)
		in    string
		want  float64
		text  string
	}{
		{duration, "250ms", float64(250 * time.Millisecond), "250ms"},
		{duration, "1m30s", float64(90 * time.Second), "1m30s"},
		{duration, "120s", float64(2 * time.Minute), "2m"},
		{duration, "60m", float64(time.Hour), "1h"},
		{duration, "0s", 0, "0s"},
		{duration, "1.5s", float64(1500 * time.Millisecond), "1.5s"},
		{rate, "500/s", 500, "500/s"},
		{rate, "30/m", 0.5, "30/m"},
		{rate, "0.5/s", 0.5, "30/m"},
		{rate, "10/h", 10.0 / 3600, "10/h"},
		{rate, "0.001/s", 0.001, "0.001/s"},
		{rate, "0/h", 0, "0/s"},
		{size, "64KiB", 65536, "64KiB"},
		{size, "1MB", 1e6, "1MB"},
		{size, "1024KiB", 1 << 20, "1MiB"},
		{size, "1500B", 1500, "1500B"},
		{size, "0B", 0, "0B"},
		{share, "2%", 0.02, "2%"},
		{share, "0.5%", 0.005, "0.5%"},
		{share, "100%", 1, "100%"},
		{share, "99.9999%", 0.999999, "99.9999%"},
	}
	for _, c := range cases {
		got, text, err := c.parse(c.in)
		if err != nil || got != c.want || text != c.text {
			t.Errorf("%s: got %v %q %v, want %v %q", c.in, got, text, err, c.want, c.text)
		}
	}
}

func TestUnitsRefuse(t *testing.T) {
	duration := func(s string) error { _, err := config.ParseDuration(s); return err }
	rate := func(s string) error { _, err := config.ParseRate(s); return err }
	size := func(s string) error { _, err := config.ParseSize(s); return err }
	share := func(s string) error { _, err := config.ParseShare(s); return err }
	cases := []struct {
		parse    func(string) error
		in, want string
	}{
		{duration, "15", "15 has no unit; write it with a unit, such as 250ms"},
		{duration, "0", "0 has no unit"},
		{duration, "-1s", `"-1s" is not a duration`},
		{duration, "1 s", `"1 s" is not a duration`},
		{duration, "", `"" is not a duration`},
		{duration, "9999999999h", "too long"},
		{rate, "500", "500 has no unit; write it by the second"},
		{rate, "500/d", "is not a rate"},
		{rate, "-5/s", "is not a rate"},
		{rate, "1e3/s", "is not a rate"},
		{rate, "0.1/h", "is less than 1/h"},
		{size, "64", "64 has no unit; write it in bytes"},
		{size, "64K", "is not a size"},
		{size, "1.5MiB", "is not a size"},
		{size, "-1B", "is not a size"},
		{size, "9999999999GiB", "too large"},
		{size, "99999999999999999999B", "too large"},
		{share, "0.5", "0.5 has no unit; write it in per cent"},
		{share, "101%", "more than the whole"},
		{share, "NaN%", "is not a share"},
	}
	for _, c := range cases {
		if err := c.parse(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got error %v, want one with %q", c.in, err, c.want)
		}
	}
}

// Every rate that a file can say is written so that it reads back the same: a reload must not see changes that are none.
func TestUnitsReadBack(t *testing.T) {
	for n := range 10001 {
		for _, per := range []string{"s", "m", "h"} {
			text := fmt.Sprintf("%d.%03d/%s", n*n, n%1000, per)
			r, err := config.ParseRate(text)
			if err != nil && !strings.Contains(err.Error(), "less than 1/h") {
				t.Fatal(err)
			}
			if back, err := config.ParseRate(r.String()); err != nil || back != r {
				t.Fatalf("%s: written as %s, read back as %v, %v", text, r, float64(back), err)
			}
		}
		share := config.Share(float64(n%10001) / 10000)
		if back, err := config.ParseShare(share.String()); err != nil || back != share {
			t.Fatalf("%v: written as %s, read back as %v, %v", float64(share), share, float64(back), err)
		}
	}
}
