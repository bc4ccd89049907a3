package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"triage/config/near"
)

// A word of a closed set, where an episode wants one.
type (
	arrivalWord string
	sharingWord string
	lawWord     string
	retryWord   string
	httpWord    string
	classWord   int
)

// The sets.
var (
	arrivalWords = []string{"poisson", "constant"}
	sharingWords = []string{"slots", "processor"}
	lawWords     = []string{"constant", "exponential"}
	retryWords   = []string{"refusals", "failures", "timeouts"}
	httpWords    = []string{"1", "2"}
	labelWords   = []string{string(Calm), string(Slow), string(Overload), string(Errors)}
	classWords   = []string{"critical", "important", "normal", "sheddable"}
)

// UnmarshalYAML reads one of its words.
func (w *arrivalWord) UnmarshalYAML(n *yaml.Node) error {
	return readWord(n, (*string)(w), arrivalWords)
}

// UnmarshalYAML reads one of its words.
func (w *sharingWord) UnmarshalYAML(n *yaml.Node) error {
	return readWord(n, (*string)(w), sharingWords)
}

// UnmarshalYAML reads one of its words.
func (w *lawWord) UnmarshalYAML(n *yaml.Node) error { return readWord(n, (*string)(w), lawWords) }

// UnmarshalYAML reads one of its words.
func (w *retryWord) UnmarshalYAML(n *yaml.Node) error { return readWord(n, (*string)(w), retryWords) }

// UnmarshalYAML reads one of its words.
func (w *httpWord) UnmarshalYAML(n *yaml.Node) error { return readWord(n, (*string)(w), httpWords) }

// UnmarshalYAML reads one of the labels.
func (l *Label) UnmarshalYAML(n *yaml.Node) error { return readWord(n, (*string)(l), labelWords) }

// UnmarshalYAML reads a number from 0, the most important, or the usual name of one of four.
func (c *classWord) UnmarshalYAML(n *yaml.Node) error {
	if i := slices.Index(classWords, n.Value); i >= 0 {
		*c = classWord(i)
		return nil
	}
	i, err := strconv.Atoi(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: want a number from 0, the most important, or %s%s", n.Line, either(classWords), meant(n.Value, classWords))
	}
	*c = classWord(i)
	return nil
}

func readWord(n *yaml.Node, into *string, words []string) error {
	if n.Kind != yaml.ScalarNode || !slices.Contains(words, n.Value) {
		return fmt.Errorf("line %d: want %s%s", n.Line, either(words), meant(n.Value, words))
	}
	*into = n.Value
	return nil
}

// either lists words with an or.
func either(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// meant offers the word that was probably meant.
func meant(text string, words []string) string {
	if word := near.Word(text, words); word != "" {
		return "; did you mean " + word + "?"
	}
	return ""
}
