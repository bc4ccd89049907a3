package verdict

import (
	"fmt"
	"strings"
)

// Heard reads what an entry of the control law (kind, subject, reason) says that an intervention has shown. Most entries say nothing of the sort.
func Heard(kind, subject, reason string) (Found, bool) {
	switch kind {
	case "level":
		return heardOfLevel(subject, reason)
	case "relief":
		switch {
		case strings.Contains(reason, "it is held"):
			return Found{Culprit, subject, subject + " is in the way: " + reason}, true
		case strings.Contains(reason, "does not relieve"):
			return Found{NoCulprit, subject, subject + ": " + reason}, true
		}
	case "slowness":
		return Found{Slower, subject, fmt.Sprintf("%s: %s", subject, reason)}, true
	case "group":
		route, rest, _ := strings.Cut(reason, " ")
		switch {
		case strings.HasPrefix(rest, "leaves:"):
			return Found{Innocent, route, reason}, true
		case strings.HasPrefix(rest, "is back:"):
			return Found{Shares, route, reason}, true
		}
	}
	return Found{}, false
}

func heardOfLevel(guard, reason string) (Found, bool) {
	switch {
	case strings.HasPrefix(reason, "not load: errors did not follow"):
		return Found{NotLoad, guard, fmt.Sprintf("Not load: shedding lower classes did not move %s's errors: %s", guard, reason)}, true
	case strings.HasPrefix(reason, "not load: nobody else"):
		return Found{NotLoad, guard, fmt.Sprintf("%s: %s", guard, reason)}, true
	case strings.HasPrefix(reason, "errors fell with the cut"):
		return Found{Load, guard, fmt.Sprintf("%s: %s", guard, reason)}, true
	}
	return Found{}, false
}
