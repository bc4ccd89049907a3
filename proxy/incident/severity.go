package incident

// lostFrom is the share of a class' requests, since the incident began, from which on it counts as hit.
const lostFrom = 0.01

// worse is the worse one of two severities, of which 0 is none.
func worse(a, b int) int {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// Severity says how bad the incident is by what it has cost so far: 1, the most important class lost a hundredth of its requests or more; 2, the second
// class did; 3, another one did; 4, nobody noticed. classOf gives a route's class, 0 the most important, and less than 0 for a route that is gone.
func Severity(im Impact, classOf func(route string) int) int {
	byClass := map[int]Counts{}
	for name, c := range im.Routes {
		if class := classOf(name); class >= 0 {
			byClass[class] = byClass[class].plus(c)
		}
	}
	worst := 4
	for class, c := range byClass {
		if 1-c.Share() >= lostFrom {
			worst = min(worst, min(class+1, 3))
		}
	}
	return worst
}
