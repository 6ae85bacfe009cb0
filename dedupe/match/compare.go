package match

import (
	"strings"

	"github.com/leadloop/leadloop/normalize"
)

// The levels, from missing and different to the same.
var (
	givenLevels    = []string{"missing", "different", "alike", "initial", "nickname or part", "close", "same", "transposed"}
	familyLevels   = []string{"missing", "different", "alike", "part", "close", "same"}
	placeLevels    = []string{"missing", "different", "alike", "part", "close", "same"}
	emailLevels    = []string{"missing", "different", "same host", "another of one host", "the name elsewhere", "alike mailbox elsewhere", "alike mailbox", "same mailbox elsewhere", "close", "same"}
	domainLevels   = []string{"missing", "different", "same label", "close", "same"}
	phoneLevels    = []string{"missing", "different", "same exchange", "close", "same"}
	dateLevels     = []string{"missing", "different", "same year", "two parts", "close", "same year, no day", "same"}
	numberLevels   = []string{"missing", "different", "near", "one digit", "same"}
	postcodeLevels = []string{"missing", "different", "same area", "same district", "close", "same"}
	categoryLevels = []string{"missing", "different", "same"}
	idLevels       = []string{"missing", "different", "two characters", "one character", "same"}
	middleLevels   = []string{"missing", "different", "initial", "close", "same"}
)

// Levels of two addresses that have a host in common, which is no free provider's.
const (
	hostLevel    = 2 // one of them is of no person, or has no mailbox
	anotherLevel = 3 // the mailboxes are two people's, by all that is to be seen
)

func compareGiven(col int) func(int) comparer {
	return func(at int) comparer {
		return func(cols []*column, a, b []uint32, v *vector) {
			v.level[at], v.freq[at] = givenLevel(cols[col], a[col], b[col])
		}
	}
}

func compareFamily(col int) func(int) comparer {
	return func(at int) comparer {
		return func(cols []*column, a, b []uint32, v *vector) {
			v.level[at], v.freq[at] = familyLevel(cols[col], a[col], b[col])
		}
	}
}

// compareNames compares given and family names, and each with the other where they do not agree as they stand.
func compareNames(at, g, f int) comparer {
	return func(cols []*column, a, b []uint32, v *vector) {
		given, family := cols[g], cols[f]
		v.level[at], v.freq[at] = givenLevel(given, a[g], b[g])
		v.level[at+1], v.freq[at+1] = familyLevel(family, a[f], b[f])
		if a[g] == b[g] && a[g] != 0 {
			v.freq[at] = v.logFreqWithin(cols, g, a[g], a, b)
		}
		if a[f] == b[f] && a[f] != 0 {
			v.freq[at+1] = v.logFreqWithin(cols, f, a[f], a, b)
		}
		if v.level[at] > 2 || v.level[at+1] > 2 {
			return
		}
		ga, gb, fa, fb := a[g], b[g], a[f], b[f]
		first, second := sameAcross(given, family, ga, fb), sameAcross(given, family, gb, fa)
		switch {
		case first && fa == 0 && gb == 0: // one name each, in another place
			v.level[at], v.freq[at] = 6, max(given.logFreqs[ga], family.logFreqs[fb])
		case second && ga == 0 && fb == 0:
			v.level[at], v.freq[at] = 6, max(given.logFreqs[gb], family.logFreqs[fa])
		case first && (second || exchanged(given, family, gb, fa)), second && exchanged(given, family, ga, fb):
			v.level[at], v.freq[at] = 7, max(v.logFreqWithin(cols, g, ga, a, b)+v.logFreqWithin(cols, f, fa, a, b),
				v.logFreqWithin(cols, g, gb, a, b)+v.logFreqWithin(cols, f, fb, a, b))
		default:
			return
		}
		v.level[at+1], v.freq[at+1] = levelMissing, 0
	}
}

// sameAcross holds if a value of the column of given names is one of that of family names.
func sameAcross(given, family *column, g, f uint32) bool {
	return g != 0 && f != 0 && given.outlines[g].looksLike(&family.outlines[f]) && given.hashes[g] == family.hashes[f]
}

// exchanged holds if a value of the column of given names and one of that of family names may be one name.
func exchanged(given, family *column, g, f uint32) bool {
	if g == 0 || f == 0 {
		return false
	}
	return close1(given.form(g), family.form(f)) || normalize.SameGivenName(given.values[g], family.values[f])
}

// close1 holds for equal forms and for those one typing error apart, in words of four letters and more.
func close1(a, b string) bool {
	return a == b || len(a) >= 4 && len(b) >= 4 && edits(a, b, 1) <= 1
}

func commoner(c *column, a, b uint32) float32 { return max(c.logFreqs[a], c.logFreqs[b]) }

func givenLevel(c *column, a, b uint32) (uint8, float32) {
	switch {
	case a == 0 || b == 0:
		return levelMissing, 0
	case a == b:
		return 6, c.logFreqs[a]
	case c.unlike(a, b) && c.outlines[a].kin&c.outlines[b].kin == 0:
		return levelDifferent, 0
	}
	fa, fb := c.form(a), c.form(b)
	if len(fa) > len(fb) {
		fa, fb = fb, fa
	}
	switch {
	case len(fa) == 1:
		if fa[0] == fb[0] {
			return 3, 0
		}
		return levelDifferent, 0
	case close1(fa, fb):
		return 5, commoner(c, a, b)
	case sharesWord(fa, fb):
		return 4, commoner(c, a, b)
	}
	jw := c.jaroWinkler(similar80, a, b)
	switch {
	case jw >= 0.93:
		return 5, commoner(c, a, b)
	case c.sameGiven(a, b):
		return 4, commoner(c, a, b)
	case jw >= 0.80:
		return 2, 0
	}
	return levelDifferent, 0
}

// sharesWord holds if a word of one form, or all its words, begin the other, or one ends with the other's.
func sharesWord(short, long string) bool {
	if i := strings.IndexByte(short, ' '); i > 1 {
		short = short[:i]
	}
	if len(short) < 2 || len(long) <= len(short) {
		return false
	}
	return strings.HasPrefix(long, short) && long[len(short)] == ' ' || strings.HasSuffix(long, short) && long[len(long)-len(short)-1] == ' '
}

func familyLevel(c *column, a, b uint32) (uint8, float32) {
	switch {
	case a == 0 || b == 0:
		return levelMissing, 0
	case a == b:
		return 5, c.logFreqs[a]
	case c.unlike(a, b):
		return levelDifferent, 0
	}
	fa, fb := c.form(a), c.form(b)
	if len(fa) > len(fb) {
		fa, fb = fb, fa
	}
	if close1(fa, fb) {
		return 4, commoner(c, a, b)
	}
	if sharesWord(fa, fb) || sharesWord(fb, fa) {
		return 3, commoner(c, a, b)
	}
	switch jw := c.jaroWinkler(similar80, a, b); {
	case jw >= 0.93:
		return 4, commoner(c, a, b)
	case jw >= 0.80:
		return 2, 0
	}
	return levelDifferent, 0
}

func comparePlace(col int) func(int) comparer {
	return func(at int) comparer {
		return func(cols []*column, a, b []uint32, v *vector) {
			v.level[at], v.freq[at] = familyLevel(cols[col], a[col], b[col])
		}
	}
}

// compareEmail compares mailbox, host and whole address, which are three columns in a row.
//
// Mailboxes and hosts that differ in their numbers alone are those of others: they were numbered to be told apart. And who has a mailbox made of his
// name at two hosts has said no more than the name.
func compareEmail(first int, names *nameColumns) func(int) comparer {
	return func(at int) comparer {
		return func(cols []*column, a, b []uint32, v *vector) {
			box, host, all := cols[first], cols[first+1], cols[first+2]
			xa, xb, ha, hb, ea, eb := a[first], b[first], a[first+1], b[first+1], a[first+2], b[first+2]
			sameHost := ha == hb && ha != 0
			switch {
			case ha == 0 && ea == 0, hb == 0 && eb == 0:
			case xa == 0 || xb == 0: // a shared mailbox, or none
				if sameHost {
					v.level[at], v.freq[at] = hostLevel, host.logFreqs[ha]
				}
			case ea == eb:
				v.level[at], v.freq[at] = 9, all.logFreqs[ea]
			case all.outlines[ea].edited(&all.outlines[eb], 2) && len(box.form(xa)) > 3 && len(box.form(xb)) > 3 && edits(all.form(ea), all.form(eb), 2) <= 2 &&
				!renumbered(all.form(ea), all.form(eb)) && !otherNumbers(host.form(ha), host.form(hb)) && !otherMailbox(box.form(xa), box.form(xb)) &&
				!names.sayOthers(cols, a, b, box.form(xa), box.form(xb)):
				v.level[at], v.freq[at] = 8, commoner(all, ea, eb)
			case sameHost && xa != xb && (renumbered(box.form(xa), box.form(xb)) || otherMailbox(box.form(xa), box.form(xb)) || names.sayOthers(cols, a, b, box.form(xa), box.form(xb))):
				v.level[at], v.freq[at] = anotherLevel, host.logFreqs[ha]
			case xa == xb || box.jaroWinkler(similar88, xa, xb) >= 0.88:
				switch {
				case !sameHost && !sameNumbers(box.form(xa), box.form(xb)) && (names.say(cols, a, box.form(xa)) || names.say(cols, b, box.form(xb))):
					v.level[at] = 4
				case otherMailbox(box.form(xa), box.form(xb)):
					v.level[at] = levelDifferent
				case xa == xb:
					v.level[at], v.freq[at] = 7, box.logFreqs[xa]
				case sameHost:
					v.level[at], v.freq[at] = 6, host.logFreqs[ha]
				default:
					v.level[at] = 5
				}
			case sameHost:
				v.level[at], v.freq[at] = anotherLevel, host.logFreqs[ha]
			default:
				v.level[at] = levelDifferent
			}
		}
	}
}

func compareDomain(col int) func(int) comparer {
	return func(at int) comparer {
		return func(cols []*column, a, b []uint32, v *vector) {
			c, x, y := cols[col], a[col], b[col]
			switch {
			case x == 0 || y == 0:
			case x == y:
				v.level[at], v.freq[at] = 4, c.logFreqs[x]
			case edits(c.form(x), c.form(y), 1) <= 1 && len(c.form(x)) > 7 && !renumbered(c.form(x), c.form(y)):
				v.level[at], v.freq[at] = 3, commoner(c, x, y)
			case label(c.form(x)) == label(c.form(y)):
				v.level[at], v.freq[at] = 2, commoner(c, x, y)
			default:
				v.level[at] = levelDifferent
			}
		}
	}
}

func label(domain string) string {
	if i := strings.IndexByte(domain, '.'); i > 0 {
		return domain[:i]
	}
	return domain
}

func comparePhone(col int) func(int) comparer {
	return func(at int) comparer {
		return func(cols []*column, a, b []uint32, v *vector) {
			c, x, y := cols[col], a[col], b[col]
			if x == 0 || y == 0 {
				return
			}
			if x == y {
				v.level[at], v.freq[at] = 4, c.logFreqs[x]
				return
			}
			if !c.outlines[x].typo(&c.outlines[y]) {
				v.level[at] = levelDifferent
				return
			}
			fa, fb := c.form(x), c.form(y)
			if len(fa) > len(fb) {
				fa, fb = fb, fa
			}
			switch {
			case len(fa) >= 7 && strings.HasSuffix(fb, fa): // one without its country or area
				v.level[at], v.freq[at] = 4, commoner(c, x, y)
			case len(fa) >= 7 && edits(fa, fb, 1) <= 1:
				v.level[at], v.freq[at] = 3, commoner(c, x, y)
			case len(fa) >= 7 && len(fa) == len(fb) && fa[:len(fa)-4] == fb[:len(fb)-4]:
				v.level[at] = 2
			default:
				v.level[at] = levelDifferent
			}
		}
	}
}

func compareDate(col int) func(int) comparer {
	return func(at int) comparer {
		return func(cols []*column, a, b []uint32, v *vector) {
			c, x, y := cols[col], a[col], b[col]
			if x == 0 || y == 0 {
				return
			}
			if x == y {
				v.level[at], v.freq[at] = 6, c.logFreqs[x]
				return
			}
			v.level[at] = dateLevel(c.form(x), c.form(y))
		}
	}
}

// dateLevel compares two unequal dates of eight digits.
func dateLevel(a, b string) uint8 {
	if len(a) != 8 || len(b) != 8 {
		if edits(a, b, 1) <= 1 {
			return 4
		}
		return levelDifferent
	}
	year, month, day := a[:4] == b[:4], a[4:6] == b[4:6], a[6:] == b[6:]
	switch {
	case year && (vague(a[4:]) || vague(b[4:])):
		return 5
	case edits(a, b, 1) <= 1, year && a[4:6] == b[6:] && a[6:] == b[4:6]:
		return 4
	case year && (month || day), month && day:
		return 3
	case edits(a, b, 2) <= 2:
		return 3
	case year:
		return 2
	}
	return levelDifferent
}

// vague holds for the first of January and for no day at all: both stand for a year.
func vague(monthDay string) bool { return monthDay == "0101" || monthDay == "0000" }

func compareNumber(col int) func(int) comparer {
	return func(at int) comparer {
		return func(cols []*column, a, b []uint32, v *vector) {
			c, x, y := cols[col], a[col], b[col]
			if x == 0 || y == 0 {
				return
			}
			if x == y {
				v.level[at], v.freq[at] = 4, c.logFreqs[x]
				return
			}
			v.level[at] = numberLevel(c.form(x), c.form(y))
		}
	}
}

func numberLevel(a, b string) uint8 {
	na, oka := wholeNumber(a)
	nb, okb := wholeNumber(b)
	if oka && okb && max(na-nb, nb-na) <= near(max(na, nb)) {
		return 2
	}
	if max(len(a), len(b)) > 1 && edits(a, b, 1) <= 1 {
		return 3
	}
	return levelDifferent
}

// near is how far numbers may be apart: one for years and house numbers, one in a hundred for large ones.
func near(n int) int {
	if n < 10_000 {
		return 1
	}
	return n / 100
}

func wholeNumber(s string) (n int, ok bool) {
	if s == "" || len(s) > 15 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

func comparePostcode(col int) func(int) comparer {
	return func(at int) comparer {
		return func(cols []*column, a, b []uint32, v *vector) {
			c, x, y := cols[col], a[col], b[col]
			if x == 0 || y == 0 {
				return
			}
			if x == y {
				v.level[at], v.freq[at] = 5, c.logFreqs[x]
				return
			}
			fa, fb := c.form(x), c.form(y)
			n, least := commonPrefix(fa, fb), min(len(fa), len(fb))
			switch {
			case edits(fa, fb, 1) <= 1:
				v.level[at], v.freq[at] = 4, commoner(c, x, y)
			case least >= 5 && n >= least-3:
				v.level[at] = 3
			case n >= 2:
				v.level[at] = 2
			default:
				v.level[at] = levelDifferent
			}
		}
	}
}

func compareCategory(col int) func(int) comparer {
	return func(at int) comparer {
		return func(cols []*column, a, b []uint32, v *vector) {
			switch x, y := a[col], b[col]; {
			case x == 0 || y == 0:
			case x == y:
				v.level[at], v.freq[at] = 2, cols[col].logFreqs[x]
			default:
				v.level[at] = levelDifferent
			}
		}
	}
}

// compareIDs compares two ids by what they say beyond the names of their rows: pages of namesakes are alike as they are made of the names.
func (s *spec) compareIDs(col int) func(int) comparer {
	names := &s.names
	return func(at int) comparer {
		return func(cols []*column, a, b []uint32, v *vector) {
			const shortest = 5 // of what may be misspelt
			c, x, y := cols[col], a[col], b[col]
			switch {
			case x == 0 || y == 0:
			case x == y:
				v.level[at], v.freq[at] = 4, c.logFreqs[x]
			default:
				n := edits(c.form(x), c.form(y), 2)
				switch {
				case n > 2, names.beyond(cols, a, c.form(x)) < shortest, names.beyond(cols, b, c.form(y)) < shortest:
					v.level[at] = levelDifferent
				case n == 2:
					v.level[at] = 2
				default:
					v.level[at], v.freq[at] = 3, commoner(c, x, y)
				}
			}
		}
	}
}
