package record

import (
	"encoding/json"
	"math"
	"strconv"
)

// Number is a value that may be missing: NaN here, null on paper. It is written with six significant digits.
type Number float64

// Missing is a value that does not apply.
func Missing() Number { return Number(math.NaN()) }

// There reports whether it has a value.
func (n Number) There() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// MarshalJSON gives null for what is missing.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.There() {
		return []byte("null"), nil
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(float64(n), 'g', 6, 64), 64)
	if err != nil {
		return nil, err
	}
	return json.Marshal(rounded)
}

// UnmarshalJSON reads the same.
func (n *Number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*n = Missing()
		return nil
	}
	var v float64
	err := json.Unmarshal(text, &v)
	*n = Number(v)
	return err
}
