package config

import (
	"strings"

	"triage/config/near"
)

// suggest names the key that was probably meant, or all there are.
func suggest(text string, fields []field) string {
	all := strings.Split(names(fields), ", ")
	if word := near.Word(text, all); word != "" {
		return "did you mean " + word + "?"
	}
	return "the keys here are " + strings.Join(all, ", ")
}

// meant is the end of a line that offers the word that was probably meant, "" if none is near.
func meant(text string, words []string) string {
	if word := near.Word(text, words); word != "" {
		return "; did you mean " + word + "?"
	}
	return ""
}
