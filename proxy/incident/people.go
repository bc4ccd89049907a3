package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// longestText bounds what a person says at once, in bytes.
const longestText = 4096

func checkText(what, text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return fmt.Errorf("%w: %s is empty; want a few words", ErrConflict, what)
	case len(text) > longestText:
		return fmt.Errorf("%w: %s has %d bytes; want %d at most", ErrConflict, what, len(text), longestText)
	}
	return nil
}

// Open opens an incident by hand. If one is open already that is a conflict.
func (b *Book) Open(now time.Time, who, title string) (out Incident, err error) {
	if err := checkText("the title", title); err != nil {
		return out, err
	}
	err = b.locked(func() error {
		if i := b.currentLocked(); i != nil {
			return fmt.Errorf("%w: incident %s is open already: add a note to it", ErrConflict, i.ID)
		}
		b.machine = b.machine.opened(b.at)
		out = b.openLocked(now, who, title, "").clone()
		return nil
	})
	return out, err
}

// opened is the machine after a person has opened an incident.
func (m machine) opened(now time.Duration) machine {
	m.state = Quiet
	return m.enter(now, Open)
}

// Note puts down what a person says.
func (b *Book) Note(now time.Time, who, text string) error {
	if err := checkText("the note", text); err != nil {
		return err
	}
	return b.onCurrent(func(i *Incident) error {
		b.writeLocked(i, Entry{Time: now, Kind: Noted, Actor: who, Reason: text})
		return nil
	})
}

// Add puts an entry of somebody else's into the open incident: a lever, a change, word that went out. Without one nothing is written.
func (b *Book) Add(e Entry) {
	_ = b.onCurrent(func(i *Incident) error { b.writeLocked(i, e); return nil })
}

// Told puts down what became of word of an incident, also if it is over by now.
func (b *Book) Told(now time.Time, id, receiver, became, why string) {
	_ = b.locked(func() error {
		if at := slices.IndexFunc(b.incidents, func(i *Incident) bool { return i.ID == id }); at >= 0 {
			b.writeLocked(b.incidents[at], Entry{Time: now, Kind: Told, Subject: receiver, To: became, Reason: why})
		}
		return nil
	})
}

func (b *Book) onCurrent(f func(*Incident) error) error {
	return b.locked(func() error {
		i := b.currentLocked()
		if i == nil {
			return ErrNone
		}
		return f(i)
	})
}

// Take takes a role that nobody has. Taking what one has already changes nothing.
func (b *Book) Take(now time.Time, who string, role Role) error {
	return b.role(now, role, func(holder string) (to, why string, err error) {
		if holder != "" && holder != who {
			return "", "", fmt.Errorf("%w: %s is %s; ask for it to be handed over", ErrConflict, holder, role)
		}
		return who, "taken", nil
	}, who)
}

// Hand hands a role over. Only who has it may; force lets another do it, which the record shows.
func (b *Book) Hand(now time.Time, who string, role Role, to string, force bool) error {
	if err := checkText("the name of who is to have it", to); err != nil {
		return err
	}
	return b.role(now, role, func(holder string) (string, string, error) {
		if holder != who && !force {
			return "", "", fmt.Errorf("%w: %s is not %s, so they cannot hand that over", ErrConflict, who, role)
		}
		if holder != who {
			return to, "handed over by " + who + ", without who had it", nil
		}
		return to, "handed over", nil
	}, who)
}

// Release gives a role back.
func (b *Book) Release(now time.Time, who string, role Role) error {
	return b.role(now, role, func(holder string) (string, string, error) {
		if holder != who {
			return "", "", fmt.Errorf("%w: %s is not %s", ErrConflict, who, role)
		}
		return "", "released", nil
	}, who)
}

func (b *Book) role(now time.Time, role Role, decide func(holder string) (to, why string, err error), who string) error {
	if !slices.Contains(Roles(), role) {
		return fmt.Errorf("%w: role %q; want %s, %s or %s", ErrConflict, role, Commander, TriageLead, CommsLead)
	}
	return b.onCurrent(func(i *Incident) error {
		holder := i.Roles[role]
		to, why, err := decide(holder)
		if err != nil || to == holder {
			return err
		}
		b.writeLocked(i, Entry{Time: now, Kind: Taken, Actor: who, Subject: string(role), From: holder, To: to, Reason: why})
		return nil
	})
}

// Resolve ends the incident by hand. Only time may be missing: while something is given up, unwell or set by hand it is refused, and it
// says what. levers are what is set by hand now.
func (b *Book) Resolve(now time.Time, who, why string, levers []string) error {
	if err := checkText("the reason", why); err != nil {
		return err
	}
	return b.onCurrent(func(i *Incident) error {
		b.machine.signals.Levers = levers
		s := b.machine.signals
		if n := len(s.Unwell) + len(s.Acting) + len(s.Levers); n > 0 {
			missing := b.machine.missing(b.settings.Rules)
			return fmt.Errorf("%w: not resolved yet: %s", ErrConflict, strings.Join(missing[:n], "; "))
		}
		from := b.machine.state
		b.machine = b.machine.enter(b.at, Resolved)
		b.writeLocked(i, Entry{Time: now, Kind: Moved, Actor: who, From: string(from), To: string(Resolved), Reason: why})
		return nil
	})
}

// Change tells of something that went live: a configuration, a deploy. It is heard whether an incident is open or not.
func (b *Book) Change(now time.Time, who, what string, routes []string) error {
	if err := checkText("what changed", what); err != nil {
		return err
	}
	return b.locked(func() error {
		b.isolator.Went(b.at, what, routes)
		if i := b.currentLocked(); i != nil {
			b.writeLocked(i, Entry{Time: now, Kind: Changed, Actor: who, Subject: what, Reason: strings.Join(routes, ", ")})
		}
		return nil
	})
}
