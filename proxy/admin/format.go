package admin

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Marks of trouble in the table. They colour, they decide nothing.
const (
	slowRatio  = 2    // time to first byte ÷ baseline
	errorShare = 0.02 // the default error objective of a route
)

// none stands for what is not there, or not known.
const none = "-"

func or(s string) string { return cmp.Or(s, none) }

func count(n int) cell { return text(strconv.Itoa(n)) }

func latency(x float64) cell {
	if x >= slowRatio {
		return cell{ratio(x), yellow}
	}
	return text(ratio(x))
}

func errorsCell(share float64) cell {
	c := text(strconv.FormatFloat(math.Round(share*1000)/10, 'f', -1, 64) + "%")
	if share > errorShare {
		c.tint = red
	}
	return c
}

func breaker(state string, retryIn float64) cell {
	switch {
	case state == "open" && retryIn > 0:
		return cell{fmt.Sprintf("open %.0fs", math.Ceil(retryIn)), red}
	case state == "open":
		return cell{state, red}
	case state == "half-open":
		return cell{state, yellow}
	}
	return text(or(state))
}

// refusing shows why a route refuses, or would refuse if it were not only observed.
func refusing(why, would string) cell {
	switch {
	case why != "":
		return cell{why, red}
	case would != "":
		return cell{"would: " + would, yellow}
	}
	return text(none)
}

// known shows a number that is 0 while nobody knows it.
func known(x float64) string {
	if x == 0 {
		return none
	}
	return number(x)
}

// ratio shows a multiple, none while it is unknown.
func ratio(x float64) string {
	if x == 0 {
		return none
	}
	return number(x) + "x"
}

// number shows about three digits.
func number(x float64) string {
	scale := 1.0
	switch size := math.Abs(x); {
	case size < 10:
		scale = 100
	case size < 100:
		scale = 10
	}
	return strconv.FormatFloat(math.Round(x*scale)/scale, 'f', -1, 64)
}

// age shows a span in its two largest units: 12s, 4m10s, 2h13m, 3d4h.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	case d < day:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
}
