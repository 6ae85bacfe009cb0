package dedupe

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/normalize"
)

// Person is what a lead or contact is compared by, normalised: one set of traits per record, so that a merged lead is compared with all its
// addresses and numbers. The zero Person has nothing to compare. It is immutable.
type Person struct{ records []traits }

// PersonOf returns the person of a profile.
func PersonOf(p *leadloop.Profile) Person { return Person{[]traits{newTraits(p)}} }

// PersonOfLead returns the person of a lead with all its records. Policy is the loop's; nil means the default.
func PersonOfLead(l *leadloop.Lead, policy leadloop.SurvivorshipPolicy) Person {
	if policy == nil {
		policy = defaultPolicy()
	}
	var p Person
	for _, claims := range byRecord(l) {
		p.records = append(p.records, newTraits(leadloop.Golden(standardSchema(), policy, claims)))
	}
	return p
}

// PersonOfContact returns the person of a contact at an account, which may be the zero Account.
func PersonOfContact(c leadloop.Contact, a leadloop.Account) Person {
	t := accountTraits(a)
	t.setEmail(c.Email)
	t.addPhone(c.Phone, a.Country)
	t.setName(c.FirstName, c.LastName)
	return Person{[]traits{t}}
}

// byRecord splits a lead's claims: its own first, then those of each record merged into it. A claim of no known record is the lead's own.
func byRecord(l *leadloop.Lead) [][]leadloop.Claim {
	if len(l.Records) == 0 {
		return [][]leadloop.Claim{l.Claims}
	}
	at := make(map[leadloop.LeadID]int, len(l.Records))
	for i, id := range l.Records {
		at[id] = i + 1
	}
	out := make([][]leadloop.Claim, len(l.Records)+1)
	for _, c := range l.Claims {
		i := at[c.Record]
		out[i] = append(out[i], c)
	}
	return out
}

func (p Person) identifiers() []leadloop.Identifier {
	var all []leadloop.Identifier
	for _, t := range p.records {
		all = append(all, t.identifiers(true)...)
	}
	return uniteIdentifiers(all, nil)
}

func uniteIdentifiers(a, b []leadloop.Identifier) []leadloop.Identifier {
	all := slices.Concat(a, b)
	slices.SortFunc(all, leadloop.Identifier.Compare)
	return slices.Compact(all)
}

// without returns the person without the traits that the identifiers stand for: values found to be shared by many.
func (p Person) without(shared []leadloop.Identifier) Person {
	if len(shared) == 0 {
		return p
	}
	out := Person{slices.Clone(p.records)}
	for i := range out.records {
		t := &out.records[i]
		names := t.identifiers(true)
		for _, id := range shared {
			switch id.Kind {
			case IdentifierDomainPerson, IdentifierCompanyPerson:
				// Domain and company are one employer: a name that is common by one of them is common.
				t.common = t.common || slices.Contains(names, id)
			case IdentifierEmail:
				if t.mail.Address == id.Value {
					t.mail = normalize.EmailAddress{}
				}
			case IdentifierEmailBase:
				if t.mail.Base == id.Value {
					t.mail.Base = ""
				}
			case IdentifierPhone:
				t.phones = slices.DeleteFunc(slices.Clone(t.phones), func(s string) bool { return s == id.Value })
			case IdentifierLinkedIn:
				if t.linkedIn == id.Value {
					t.linkedIn = ""
				}
			}
		}
	}
	return out
}

// uncommon leaves out the records whose name tells nobody apart at their company.
func (p Person) uncommon() Person {
	if !slices.ContainsFunc(p.records, func(t traits) bool { return t.common }) {
		return p
	}
	return Person{slices.DeleteFunc(slices.Clone(p.records), func(t traits) bool { return t.common })}
}

// variants are the keys of names that may be the person's too.
func (p Person) variants() []leadloop.Identifier {
	var all []leadloop.Identifier
	for _, t := range p.records {
		all = append(all, t.variants()...)
	}
	return uniteIdentifiers(all, nil)
}

// set collects one trait over all records, leaving out "".
func (p Person) set(trait func(traits) []string) []string {
	var out []string
	for _, t := range p.records {
		for _, s := range trait(t) {
			if s != "" && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

func (p Person) emails() []string {
	return p.set(func(t traits) []string { return []string{t.mail.Address} })
}

// atDomain returns the addresses at one corporate domain.
func (p Person) atDomain(domain string) []string {
	return p.set(func(t traits) []string {
		if d, err := normalize.Domain(t.mail.Domain); err != nil || d != domain {
			return nil
		}
		return []string{t.mail.Address}
	})
}

// freeOnly reports whether all addresses known are at free or throw-away providers.
func (p Person) freeOnly() bool {
	return !slices.ContainsFunc(p.records, func(t traits) bool { return t.mail.Address != "" && t.mail.IsCorporate() })
}

func (p Person) bases() []string {
	return p.set(func(t traits) []string { return []string{t.mail.Base} })
}
func (p Person) linkedIns() []string {
	return p.set(func(t traits) []string { return []string{t.linkedIn} })
}
func (p Person) phones() []string  { return p.set(func(t traits) []string { return t.phones }) }
func (p Person) domains() []string { return p.set(func(t traits) []string { return t.domains }) }
func (p Person) hosts() []string   { return p.set(func(t traits) []string { return t.hosts }) }
func (p Person) companies() []string {
	return p.set(func(t traits) []string { return []string{t.company} })
}
func (p Person) countries() []string {
	return p.set(func(t traits) []string {
		// The best statement alone: a mobile from abroad doesn't move a person.
		return t.countries[:min(1, len(t.countries))]
	})
}

func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// disagree holds if both sides say something and nothing in common.
func disagree(a, b []string) bool { return len(a) > 0 && len(b) > 0 && !share(a, b) }

// nameLevel is how well two names agree, from the worst.
type nameLevel int

const (
	nameDiffers nameLevel = iota
	nameUnknown           // one side has no name, or too little of one to tell
	nameLast              // same last name, a first name is missing
	nameVariant           // nickname, initial or transposed
	nameSame
)

func compareNames(a, b Person) nameLevel {
	level, compared := nameDiffers, false
	for _, s := range a.records {
		for _, t := range b.records {
			if l := s.compareName(t); l != nameUnknown {
				level, compared = max(level, l), true
			}
		}
	}
	if !compared {
		return nameUnknown
	}
	return level
}

func (t traits) compareName(u traits) nameLevel {
	if t.first == "" && t.last == "" || u.first == "" && u.last == "" {
		return nameUnknown
	}
	if t.last == "" || u.last == "" {
		if t.first != "" && u.first != "" && !sameFirst(t.first, u.first) {
			return nameDiffers
		}
		return nameUnknown
	}
	switch {
	case t.last == u.last && (t.first == "" || u.first == ""):
		return nameLast
	case t.last == u.last && t.first == u.first:
		return nameSame
	case t.last == u.last && sameFirst(t.first, u.first), t.fullName != "" && t.fullName == u.fullName:
		return nameVariant
	}
	return nameDiffers
}

// sameFirst reports whether two folded first names may be one person's: equal up to further names, a nickname, or an initial.
func sameFirst(a, b string) bool {
	a, _, _ = strings.Cut(a, " ")
	b, _, _ = strings.Cut(b, " ")
	if a == b || normalize.SameGivenName(a, b) {
		return true
	}
	short, long := a, b
	if utf8.RuneCountInString(short) > utf8.RuneCountInString(long) {
		short, long = long, short
	}
	return utf8.RuneCountInString(short) == 1 && strings.HasPrefix(long, short)
}
