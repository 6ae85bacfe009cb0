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

// comparer compares two rows in two steps, as most rows that are compared differ, and that is soon seen.
type comparer struct {
	first, end int   // the comparisons that it makes
	columns    []int // that it compares by
	by         glancer
	single     single // if by is nil; it compares by the only column
	memo       int    // where what single says of two values is remembered; 0 if that is not worth it
}

// glancer compares by several columns.
type glancer interface {
	// glance sets the levels that the numbers and the outlines of two values tell, and [levelOpen] for those that they don't.
	glance(cols []*column, a, b []uint32, v *vector)
	// read sets the levels that a glance left open, letter by letter.
	read(cols []*column, a, b []uint32, v *vector)
}

func (c *comparer) glance(cols []*column, a, b []uint32, v *vector) {
	if c.by != nil {
		c.by.glance(cols, a, b, v)
		return
	}
	col := c.columns[0]
	switch x, y := a[col], b[col]; {
	case x == 0 || y == 0:
	case x == y:
		v.level[c.first], v.freq[c.first] = c.single.same, cols[col].logFreqs[x]
	default:
		c.single.glance(cols[col], x, y, c.first, v)
	}
}

func (c *comparer) read(cols []*column, a, b []uint32, v *vector) {
	if c.by != nil {
		c.by.read(cols, a, b, v)
		return
	}
	col := c.columns[0]
	v.level[c.first], v.freq[c.first] = c.single.level(cols[col], a[col], b[col])
}

// open reports whether a glance left something open.
func (c *comparer) open(v *vector) bool {
	return v.level[c.first] == levelOpen || v.level[c.end-1] == levelOpen
}

// single compares by one column.
type single struct {
	same  uint8                                         // the level of equal values
	most  func(c *column, x, y uint32) uint8            // the highest level that unequal values may have, by their outlines: often levelDifferent
	level func(c *column, x, y uint32) (uint8, float32) // of unequal values, and how common what they have in common is
}

// of compares by a column.
func (s single) of(col int) func(at int) comparer {
	return func(at int) comparer { return comparer{first: at, end: at + 1, columns: []int{col}, single: s} }
}

// glance compares unequal values.
func (s single) glance(c *column, x, y uint32, k int, v *vector) {
	if most := s.most(c, x, y); most == levelDifferent {
		v.level[k] = levelDifferent
	} else {
		v.open(k, most)
	}
}

var (
	compareGiven    = single{6, (*column).mostGiven, givenLevel}
	compareFamily   = single{5, (*column).mostFamily, familyLevel}
	compareDomain   = single{4, (*column).mostDomain, domainLevel}
	comparePhone    = single{4, (*column).mostPhone, phoneLevel}
	compareDate     = single{6, atMost(5), func(c *column, x, y uint32) (uint8, float32) { return dateLevel(c.form(x), c.form(y)), 0 }}
	compareNumber   = single{4, atMost(3), func(c *column, x, y uint32) (uint8, float32) { return numberLevel(c.form(x), c.form(y)), 0 }}
	comparePostcode = single{5, (*column).mostPostcode, postcodeLevel}
	compareCategory = single{2, atMost(levelDifferent), nil}
	compareMiddle   = single{4, (*column).mostMiddle, middleLevel}
	compareWords    = single{7, (*column).mostWords, wordsLevel}
	compareCompany  = single{7, (*column).mostCompany, companyLevel}
)

func atMost(level uint8) func(*column, uint32, uint32) uint8 {
	return func(*column, uint32, uint32) uint8 { return level }
}

// names compares given and family names, and each with the other where they do not agree as they stand.
type names struct{ at, given, family int }

func compareNames(at, given, family int) comparer {
	return comparer{first: at, end: at + 2, columns: []int{given, family}, by: names{at, given, family}}
}

func (n names) glance(cols []*column, a, b []uint32, v *vector) {
	g, f := n.given, n.family
	ga, gb, fa, fb := a[g], b[g], a[f], b[f]
	switch {
	case ga == 0 || gb == 0:
	case ga == gb:
		v.level[n.at], v.freq[n.at] = compareGiven.same, v.logFreqWithin(cols, g, ga, a, b)
	default:
		compareGiven.glance(cols[g], ga, gb, n.at, v)
	}
	switch {
	case fa == 0 || fb == 0:
	case fa == fb:
		v.level[n.at+1], v.freq[n.at+1] = compareFamily.same, v.logFreqWithin(cols, f, fa, a, b)
	default:
		compareFamily.glance(cols[f], fa, fb, n.at+1, v)
	}
	if sameAcross(cols[g], cols[f], ga, fb) || sameAcross(cols[g], cols[f], gb, fa) {
		n.read(cols, a, b, v) // as they may be exchanged
		n.cross(cols, a, b, v)
	}
}

func (n names) read(cols []*column, a, b []uint32, v *vector) {
	g, f := n.given, n.family
	if v.level[n.at] == levelOpen {
		v.level[n.at], v.freq[n.at] = givenLevel(cols[g], a[g], b[g])
	}
	if v.level[n.at+1] == levelOpen {
		v.level[n.at+1], v.freq[n.at+1] = familyLevel(cols[f], a[f], b[f])
	}
}

// cross compares the given name of one row with the family name of the other.
func (n names) cross(cols []*column, a, b []uint32, v *vector) {
	at, g, f := n.at, n.given, n.family
	given, family := cols[g], cols[f]
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

// sameAcross holds if a value of the column of given names is one of that of family names.
func sameAcross(given, family *column, g, f uint32) bool {
	return g != 0 && f != 0 && given.outlines[g].looksLike(&family.outlines[f].outline) && given.hashes[g] == family.hashes[f]
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

// compareEmail compares mailbox, host and whole address, which are three columns in a row.
//
// Mailboxes and hosts that differ in their numbers alone are those of others: they were numbered to be told apart. And who has a mailbox made of his
// name at two hosts has said no more than the name.
func compareEmail(first int, names *nameColumns) func(int) comparer {
	return func(at int) comparer {
		return comparer{first: at, end: at + 1, columns: []int{first, first + 2}, by: email{at, first, names}}
	}
}

type email struct {
	at, first int
	names     *nameColumns
}

func (e email) glance(cols []*column, a, b []uint32, v *vector) {
	box, host, all := cols[e.first], cols[e.first+1], cols[e.first+2]
	xa, xb, ha, hb, ea, eb := a[e.first], b[e.first], a[e.first+1], b[e.first+1], a[e.first+2], b[e.first+2]
	switch sameHost := ha == hb && ha != 0; {
	case ha == 0 && ea == 0, hb == 0 && eb == 0:
	case xa == 0 || xb == 0: // a shared mailbox, or none
		if sameHost {
			v.level[e.at], v.freq[e.at] = hostLevel, host.logFreqs[ha]
		}
	case ea == eb:
		v.level[e.at], v.freq[e.at] = 9, all.logFreqs[ea]
	case all.outlines[ea].edited(&all.outlines[eb].outline, 2):
		v.open(e.at, 8)
	case xa == xb:
		v.open(e.at, 7)
	case box.outlines[xa].alike(&box.outlines[xb].outline, similar88):
		if v.open(e.at, 5); sameHost {
			v.most[e.at] = 6
		}
	case sameHost:
		v.level[e.at], v.freq[e.at] = anotherLevel, host.logFreqs[ha]
	default:
		v.level[e.at] = levelDifferent
	}
}

func (e email) read(cols []*column, a, b []uint32, v *vector) {
	v.level[e.at], v.freq[e.at] = e.level(cols, a, b)
}

// level is that of two different addresses.
func (e email) level(cols []*column, a, b []uint32) (uint8, float32) {
	box, host, all := cols[e.first], cols[e.first+1], cols[e.first+2]
	xa, xb, ha, hb, ea, eb := a[e.first], b[e.first], a[e.first+1], b[e.first+1], a[e.first+2], b[e.first+2]
	boxA, boxB, sameHost := box.form(xa), box.form(xb), ha == hb && ha != 0
	switch {
	case all.outlines[ea].edited(&all.outlines[eb].outline, 2) && len(boxA) > 3 && len(boxB) > 3 && edits(all.form(ea), all.form(eb), 2) <= 2 &&
		!renumbered(all.form(ea), all.form(eb)) && !otherNumbers(host.form(ha), host.form(hb)) && !otherMailbox(boxA, boxB) &&
		!e.names.sayOthers(cols, a, b, boxA, boxB):
		return 8, commoner(all, ea, eb)
	case xa != xb && box.jaroWinkler(similar88, xa, xb) < 0.88:
	case sameHost && xa != xb && (renumbered(boxA, boxB) || otherMailbox(boxA, boxB) || e.names.sayOthers(cols, a, b, boxA, boxB)):
	case !sameHost && !sameNumbers(boxA, boxB) && (e.names.say(cols, a, boxA) || e.names.say(cols, b, boxB)):
		return 4, 0
	case otherMailbox(boxA, boxB):
		return levelDifferent, 0
	case xa == xb:
		return 7, box.logFreqs[xa]
	case sameHost:
		return 6, host.logFreqs[ha]
	default:
		return 5, 0
	}
	if sameHost {
		return anotherLevel, host.logFreqs[ha]
	}
	return levelDifferent, 0
}

func domainLevel(c *column, x, y uint32) (uint8, float32) {
	switch a, b := c.form(x), c.form(y); {
	case edits(a, b, 1) <= 1 && len(a) > 7 && !renumbered(a, b):
		return 3, commoner(c, x, y)
	case label(a) == label(b):
		return 2, commoner(c, x, y)
	}
	return levelDifferent, 0
}

func label(domain string) string {
	if i := strings.IndexByte(domain, '.'); i > 0 {
		return domain[:i]
	}
	return domain
}

func phoneLevel(c *column, x, y uint32) (uint8, float32) {
	a, b := c.form(x), c.form(y)
	if len(a) > len(b) {
		a, b = b, a
	}
	switch {
	case len(a) >= 7 && strings.HasSuffix(b, a): // one without its country or area
		return 4, commoner(c, x, y)
	case len(a) >= 7 && edits(a, b, 1) <= 1:
		return 3, commoner(c, x, y)
	case len(a) >= 7 && len(a) == len(b) && a[:len(a)-4] == b[:len(b)-4]:
		return 2, 0
	}
	return levelDifferent, 0
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

func postcodeLevel(c *column, x, y uint32) (uint8, float32) {
	a, b := c.form(x), c.form(y)
	n, least := commonPrefix(a, b), min(len(a), len(b))
	switch {
	case edits(a, b, 1) <= 1:
		return 4, commoner(c, x, y)
	case least >= 5 && n >= least-3:
		return 3, 0
	case n >= 2:
		return 2, 0
	}
	return levelDifferent, 0
}

// compareIDs compares two ids by what they say beyond the names of their rows: pages of namesakes are alike as they are made of the names.
func compareIDs(col int, names *nameColumns) func(int) comparer {
	return func(at int) comparer {
		return comparer{first: at, end: at + 1, columns: []int{col}, by: ids{at, col, names}}
	}
}

type ids struct {
	at, col int
	names   *nameColumns
}

func (d ids) glance(cols []*column, a, b []uint32, v *vector) {
	c, x, y := cols[d.col], a[d.col], b[d.col]
	switch o, p := &c.outlines[x].outline, &c.outlines[y].outline; {
	case x == 0 || y == 0:
	case x == y:
		v.level[d.at], v.freq[d.at] = 4, c.logFreqs[x]
	case o.edited(p, 1):
		v.open(d.at, 3)
	case o.edited(p, 2):
		v.open(d.at, 2)
	default:
		v.level[d.at] = levelDifferent
	}
}

func (d ids) read(cols []*column, a, b []uint32, v *vector) {
	const shortest = 5 // of what may be misspelt
	c, x, y := cols[d.col], a[d.col], b[d.col]
	switch n := edits(c.form(x), c.form(y), 2); {
	case n > 2, d.names.beyond(cols, a, c.form(x)) < shortest, d.names.beyond(cols, b, c.form(y)) < shortest:
		v.level[d.at] = levelDifferent
	case n == 2:
		v.level[d.at] = 2
	default:
		v.level[d.at], v.freq[d.at] = 3, commoner(c, x, y)
	}
}
