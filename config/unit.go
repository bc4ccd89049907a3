package config

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time, never negative: "250ms", "2s", "1m30s".
type Duration time.Duration

// Rate is events per second, written by the second, minute or hour: "500/s", "30/m", "10/h".
// It is 0 or at least one an hour, and below 1e9 a second.
type Rate float64

// Size is a number of bytes: "0B", "1MB" (10^6), "64KiB" (2^16).
type Size int64

// Share is a part of a whole, 0 to 1, written in per cent: "2%", "0.5%".
type Share float64

// unit is a number that is written with its unit.
type unit interface {
	set(text string) error
	String() string
	form() form
}

// form is how a unit is written.
type form struct {
	name    string
	pattern *regexp.Regexp
	want    string
}

var (
	durationForm = form{"duration", regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`), "write it with a unit, such as 250ms, 2s or 1m30s"}
	rateForm     = form{"rate", regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,3})?/(s|m|h)$`), "write it by the second, minute or hour, such as 500/s, 30/m or 10/h"}
	sizeForm     = form{"size", regexp.MustCompile(`^[0-9]+(B|KB|KiB|MB|MiB|GB|GiB)$`), "write it in bytes with a unit, such as 0B, 64KiB or 1MB"}
	shareForm    = form{"share", regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,4})?%$`), "write it in per cent, 0% to 100%, such as 2% or 0.5%"}
)

// reject is the error for a text that does not have the form.
func (f form) reject(text string) error {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return mistake{clip(text) + " has no unit", f.want}
	}
	return mistake{quote(text) + " is not a " + f.name, f.want}
}

// ParseDuration reads a Duration.
func ParseDuration(text string) (Duration, error) {
	if !durationForm.pattern.MatchString(text) {
		return 0, durationForm.reject(text)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, mistake{quote(text) + " is too long for a duration", "at most 2562047h"}
	}
	return Duration(d), nil
}

// String writes the duration as ParseDuration reads it, without parts that are zero: "2m", not "2m0s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// rateUnits are tried in this order when a rate is written.
var rateUnits = []struct {
	suffix  string
	seconds float64
}{{"/s", 1}, {"/m", 60}, {"/h", 3600}}

// ParseRate reads a Rate.
func ParseRate(text string) (Rate, error) {
	if !rateForm.pattern.MatchString(text) {
		return 0, rateForm.reject(text)
	}
	number, per, _ := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, rateForm.reject(text)
	}
	for _, u := range rateUnits {
		if u.suffix == "/"+per {
			n /= u.seconds
		}
	}
	if n > 0 && n < 1.0/3600 {
		return 0, mistake{quote(text) + " is less than 1/h", "write 0/s or a faster rate"}
	}
	return Rate(n), nil
}

// String writes the rate as ParseRate reads it, whole numbers preferred: "30/m", not "0.5/s".
func (r Rate) String() string {
	for _, decimals := range []int{0, 3} {
		for _, u := range rateUnits {
			s := decimal(float64(r)*u.seconds, decimals) + u.suffix
			if back, err := ParseRate(s); err == nil && back == r {
				return s
			}
		}
	}
	return decimal(float64(r), 3) + "/s"
}

// sizeUnits are tried in this order when a size is written.
var sizeUnits = []struct {
	suffix string
	bytes  int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}}

// ParseSize reads a Size.
func ParseSize(text string) (Size, error) {
	if !sizeForm.pattern.MatchString(text) {
		return 0, sizeForm.reject(text)
	}
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n > (1<<63-1)/u.bytes {
			return 0, mistake{quote(text) + " is too large for a size", "at most 8589934591GiB"}
		}
		return Size(n * u.bytes), nil
	}
	return 0, sizeForm.reject(text)
}

// String writes the size as ParseSize reads it, in the largest unit that divides it.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.suffix
		}
	}
	return "0B"
}

// ParseShare reads a Share.
func ParseShare(text string) (Share, error) {
	if !shareForm.pattern.MatchString(text) {
		return 0, shareForm.reject(text)
	}
	// The decimal point is moved in the text: 0.07/100 is not the number that is nearest to 0.0007.
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, "%")+"e-2", 64)
	if err != nil || n > 1 {
		return 0, mistake{quote(text) + " is more than the whole", shareForm.want}
	}
	return Share(n), nil
}

// String writes the share in per cent, as ParseShare reads it.
func (s Share) String() string { return decimal(float64(s)*100, 4) + "%" }

// decimal writes n with at most so many decimals.
func decimal(n float64, decimals int) string {
	s := strconv.FormatFloat(n, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func (d *Duration) set(text string) (err error) { *d, err = ParseDuration(text); return err }
func (r *Rate) set(text string) (err error)     { *r, err = ParseRate(text); return err }
func (s *Size) set(text string) (err error)     { *s, err = ParseSize(text); return err }
func (s *Share) set(text string) (err error)    { *s, err = ParseShare(text); return err }

func (d *Duration) form() form { return durationForm }
func (r *Rate) form() form     { return rateForm }
func (s *Size) form() form     { return sizeForm }
func (s *Share) form() form    { return shareForm }
