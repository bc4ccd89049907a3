package upstream

import "sort"

// draws is how often an endpoint is drawn before all of them are looked at. With half of them unusable, one pick in
// sixteen has to look at all.
const draws = 4

// Pick chooses an endpoint. usable says which may be taken, nil means all. panicking is set when none was usable and
// the choice was made among all. The endpoint is nil only if the pool has none. dice are 64 random bits.
func (p *Pool) Pick(dice uint64, usable func(*Endpoint) bool) (e *Endpoint, panicking bool) {
	if len(p.endpoints) == 0 || p.upTo[len(p.upTo)-1] == 0 {
		return nil, false // there is none, or all are drained
	}
	first := p.draw(&dice, usable, nil)
	if first == nil {
		panicking, usable = true, nil
		first = p.draw(&dice, nil, nil)
	}
	if len(p.endpoints) > 1 {
		if second := p.draw(&dice, usable, first); second != nil && second.relieves(first) {
			return second, panicking
		}
	}
	return first, panicking
}

// relieves reports whether e, given one more request, would be no more loaded than other is now.
func (e *Endpoint) relieves(other *Endpoint) bool {
	return (e.InFlight()+1)*int64(other.settings.Weight) <= other.InFlight()*int64(e.settings.Weight)
}

// draw gives a usable endpoint other than except, with a probability proportional to its weight; nil if there is none.
func (p *Pool) draw(dice *uint64, usable func(*Endpoint) bool, except *Endpoint) *Endpoint {
	for range draws {
		e := p.at(roll(dice))
		if e != except && (usable == nil || usable(e)) {
			return e
		}
	}
	return p.scan(dice, usable, except)
}

// at gives the endpoint that the random number falls on.
func (p *Pool) at(random uint64) *Endpoint {
	point := random % p.upTo[len(p.upTo)-1]
	return p.endpoints[sort.Search(len(p.upTo), func(i int) bool { return p.upTo[i] > point })]
}

// scan draws in one pass over all: each candidate replaces the one so far with the probability weight ÷ sum of the
// weights up to it, so that usable is asked once about each.
func (p *Pool) scan(dice *uint64, usable func(*Endpoint) bool, except *Endpoint) *Endpoint {
	var chosen *Endpoint
	sum := uint64(0)
	for _, e := range p.endpoints {
		if e == except || e.settings.Drained || usable != nil && !usable(e) {
			continue
		}
		weight := uint64(e.settings.Weight)
		sum += weight
		if roll(dice)%sum < weight {
			chosen = e
		}
	}
	return chosen
}

// roll makes the next random number from the dice: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
func roll(dice *uint64) uint64 {
	*dice += 0x9e3779b97f4a7c15
	z := *dice
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
