package sim

import "triage/bench/chance"

// What is drawn, and from which stream, is the affair of package chance; in here it has short names.
type dice = chance.Dice

func newDice(seed uint64) *dice { return chance.New(seed) }

func mix(a, b uint64) uint64 { return chance.Mix(a, b) }

func scramble(z uint64) uint64 { return chance.Scramble(z) }
