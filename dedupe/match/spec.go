package match

import (
	"cmp"
	"slices"
)

// maxComparisons is how many comparisons a pair has at most. Further fields are not compared; the report names them.
const maxComparisons = 16

// vector is how two rows compare: a level for each comparison, and for what agrees the binary logarithm of how common it is (0 if that is not to
// be counted).
type vector struct {
	level [maxComparisons]uint8
	freq  [maxComparisons]float32
	most  [maxComparisons]uint8 // where level is open: the highest level that it may be
	names *knownNames           // nil if nothing is remembered
}

// open says that a level is not known, but the highest that it may be.
func (v *vector) open(k int, most uint8) { v.level[k], v.most[k] = levelOpen, most }

func (v *vector) clear() {
	v.level, v.freq = [maxComparisons]uint8{}, [maxComparisons]float32{}
}

// The first two levels of every comparison.
const (
	levelMissing   = 0
	levelDifferent = 1
	levelOpen      = maxLevels // for what was not compared yet
)

// comparison is what a model has weights for.
type comparison struct {
	name   string
	fields []string      // names
	column int           // the column whose frequencies count
	levels []string      // names, from missing and different up to the same
	exact  uint8         // the level of full agreement
	fuzzy  uint64        // bits of the levels below exact at which the commoner value's frequency counts in part
	full   uint64        // bits of the levels at which frequency counts in full
	own    bool          // each has one of its own: who agrees is hardly ever another
	aside  uint64        // bits of the levels that need not weigh more than those below them
	moved  uint8         // the level at which a record says the same of somebody at another place, 0 if there is none
	apart  uint64        // bits of the levels at which two records are called differently, or have a host in common and no mailbox
	called bool          // all that two records are called
	other  map[uint8]int // the columns whose frequencies count at other levels
	cross  int           // the comparison that the level beyond exact stands for as well, as both names agree but are exchanged; 0 if there is none
}

// spec is what the fields of a table amount to. It is never changed.
type spec struct {
	fields      []Field
	columns     []columnSpec
	derived     []derived
	comparisons []comparison
	comparers   []comparer
	reading     []int    // numbers of comparers in the order in which they read: words, which take the longest, come last
	memos       int      // comparers with a memo
	left        []string // fields that were left out, as there are too many
	unique      []int    // columns of the fields that are unique
	names       nameColumns
}

type columnSpec struct {
	name  string
	words bool
	kind  Kind
}

// kind is that of the values that a comparison compares.
func (s *spec) kind(k int) Kind { return s.columns[s.comparisons[k].column].kind }

// named reports whether a column holds names of people, or mailboxes, which are made of them. Who has a rare one in common is often kin.
func (c *columnSpec) named() bool {
	return c.kind == KindGivenName || c.kind == KindFamilyName || c.kind == KindText && !c.words
}

func newSpec(fields []Field) (*spec, error) {
	if err := checkFields(fields); err != nil {
		return nil, err
	}
	s := &spec{fields: fields}
	given, family := s.pairNames()
	for i, f := range fields {
		if f.Kind == KindIgnore {
			continue
		}
		if len(s.comparisons)+comparisonsOf(f.Kind) > maxComparisons {
			s.left = append(s.left, f.Name)
			continue
		}
		first := len(s.columns)
		switch {
		case i == given:
			continue // with the family name
		case i == family:
			g := s.addColumn(given, fields[given].Name, false, KindGivenName, deriveName)
			n := s.addColumn(i, f.Name, false, KindFamilyName, deriveName)
			s.addNames([]string{fields[given].Name}, []string{f.Name}, g, n)
		case f.Kind == KindPersonName:
			s.derived = append(s.derived, derived{field: i, columns: []int{first, first + 1, first + 2}, derive: deriveFullName})
			s.columns = append(s.columns, columnSpec{f.Name + " (given)", false, KindGivenName}, columnSpec{f.Name + " (family)", false, KindFamilyName},
				columnSpec{f.Name + " (middle)", true, KindText})
			s.addNames([]string{f.Name + " (given)"}, []string{f.Name + " (family)"}, first, first+1)
			s.addComparison(comparison{name: f.Name + " (middle)", levels: middleLevels, full: 1 << 4}, first+2, compareMiddle.of(first+2))
		case f.Kind == KindEmail:
			s.derived = append(s.derived, derived{field: i, columns: []int{first, first + 1, first + 2}, derive: deriveEmail})
			s.columns = append(s.columns, columnSpec{f.Name + " (mailbox)", false, KindText}, columnSpec{f.Name + " (host)", false, KindDomain},
				columnSpec{f.Name, false, KindEmail})
			s.addComparison(comparison{name: f.Name, levels: emailLevels, full: 1<<9 | 1<<anotherLevel | 1<<hostLevel, fuzzy: 1<<6 | 1<<7 | 1<<8, aside: 1<<anotherLevel | 1<<4 | 1<<5 | 1<<7,
				apart: 1<<hostLevel | 1<<anotherLevel, moved: 4, own: true,
				other: map[uint8]int{hostLevel: first + 1, anotherLevel: first + 1, 6: first + 1, 7: first}}, first+2, compareEmail(first, &s.names))
		case f.Kind == KindAddress:
			s.derived = append(s.derived, derived{field: i, columns: []int{first, first + 1, first + 2}, derive: deriveAddress})
			s.columns = append(s.columns, columnSpec{f.Name + " (street)", true, KindAddress}, columnSpec{f.Name + " (number)", false, KindNumber},
				columnSpec{f.Name, false, KindAddress})
			s.addComparison(comparison{name: f.Name, levels: addressLevels, full: 1<<6 | 1<<3, fuzzy: 1 << 5, aside: 1 << 3,
				other: map[uint8]int{3: first, 5: first}}, first+2, compareAddress(first))
		default:
			k := simpleKinds[f.Kind]
			at := s.addColumn(i, f.Name, k.words, f.Kind, k.derive)
			compare := k.compare.of(at)
			if f.Kind == KindID {
				compare = compareIDs(at, &s.names)
			}
			s.addComparison(comparison{name: f.Name, levels: k.levels, apart: s.apart(f.Kind), called: f.Kind == KindCompany && !s.persons(), own: f.Kind == KindID, full: 1 << (len(k.levels) - 1), fuzzy: k.fuzzy, aside: k.aside}, at, compare)
		}
		if f.Unique {
			s.unique = append(s.unique, len(s.columns)-1)
		}
	}
	for i := range s.comparers {
		s.reading = append(s.reading, i)
	}
	slices.SortStableFunc(s.reading, func(a, b int) int { return cmp.Compare(min(s.comparers[a].memo, 1), min(s.comparers[b].memo, 1)) })
	for i := range s.derived {
		kind := s.fields[s.derived[i].field].Kind
		s.derived[i].plain, s.derived[i].lower = plainly[kind], kind == KindEmail
	}
	return s, nil
}

// pairNames returns the only given and the only family name, which are compared together as they get exchanged; -1 if there is no such pair.
func (s *spec) pairNames() (given, family int) {
	given, family = -1, -1
	for i, f := range s.fields {
		switch {
		case f.Kind == KindGivenName && given >= 0, f.Kind == KindFamilyName && family >= 0:
			return -1, -1
		case f.Kind == KindGivenName:
			given = i
		case f.Kind == KindFamilyName:
			family = i
		}
	}
	if given < 0 || family < 0 {
		return -1, -1
	}
	return given, family
}

// apart has the bit of the level at which two records are called differently.
func (s *spec) apart(k Kind) uint64 {
	if k == KindGivenName || k == KindFamilyName || k == KindCompany && !s.persons() {
		return 1 << levelDifferent
	}
	return 0
}

// persons reports whether rows hold names of people, so that a company's is not what they are called.
func (s *spec) persons() bool {
	return slices.ContainsFunc(s.fields, func(f Field) bool {
		return f.Kind == KindGivenName || f.Kind == KindFamilyName || f.Kind == KindPersonName
	})
}

func comparisonsOf(k Kind) int {
	if k == KindPersonName {
		return 3
	}
	if k == KindFamilyName {
		return 2
	}
	return 1
}

func (s *spec) addColumn(field int, name string, words bool, kind Kind, derive func(string, []string)) int {
	at := len(s.columns)
	s.columns = append(s.columns, columnSpec{name, words, kind})
	s.derived = append(s.derived, derived{field: field, columns: []int{at}, derive: derive})
	return at
}

func (s *spec) addComparison(c comparison, column int, compare func(at int) comparer) {
	c.column, c.exact = column, uint8(len(c.levels)-1)
	if c.fields == nil {
		c.fields = []string{c.name}
	}
	made := compare(len(s.comparisons))
	if s.columns[column].words && s.columns[column].kind != KindAddress { // an address has a number beside its words
		s.memos++
		made.memo = s.memos
	}
	s.comparers = append(s.comparers, made)
	s.comparisons = append(s.comparisons, c)
}

func (s *spec) addNames(given, family []string, g, f int) {
	s.names = nameColumns{g, f}
	at := len(s.comparisons)
	s.comparers = append(s.comparers, compareNames(at, g, f))
	s.comparisons = append(s.comparisons,
		comparison{name: given[0], fields: given, column: g, levels: givenLevels, apart: 1 << levelDifferent, exact: 6, full: 1<<6 | 1<<7, fuzzy: 1<<5 | 1<<4, aside: 1 << 3, cross: at + 1},
		comparison{name: family[0], fields: family, column: f, levels: familyLevels, apart: 1 << levelDifferent, exact: 5, full: 1 << 5, fuzzy: 1<<4 | 1<<3, aside: 1 << 3})
}

// simple is a kind with one column and one comparison.
type simple struct {
	words   bool
	derive  func(string, []string)
	levels  []string
	fuzzy   uint64
	aside   uint64
	compare single
}

var simpleKinds = map[Kind]simple{
	KindGivenName:  {false, deriveName, givenLevels[:7], 1<<5 | 1<<4, 1 << 3, compareGiven},
	KindFamilyName: {false, deriveName, familyLevels, 1<<4 | 1<<3, 1 << 3, compareFamily},
	KindPeople:     {true, deriveWords, wordLevels, 1<<6 | 1<<5, 0, compareWords},
	KindCompany:    {true, deriveCompany, companyLevels, 1<<6 | 1<<5, 1 << 4, compareCompany},
	KindDomain:     {false, deriveDomain, domainLevels, 1<<3 | 1<<2, 0, compareDomain},
	KindPhone:      {false, derivePhone, phoneLevels, 1 << 3, 0, comparePhone},
	KindDate:       {false, deriveDate, dateLevels, 0, 1 << 5, compareDate},
	KindUSDate:     {false, deriveUSDate, dateLevels, 0, 1 << 5, compareDate},
	KindNumber:     {false, deriveNumber, numberLevels, 0, 1 << 3, compareNumber},
	KindCity:       {false, deriveWords, placeLevels, 1<<4 | 1<<3, 0, compareFamily},
	KindPostcode:   {false, deriveSolid, postcodeLevels, 1 << 4, 0, comparePostcode},
	KindCategory:   {false, deriveCategory, categoryLevels, 0, 0, compareCategory},
	KindTitle:      {true, deriveWords, wordLevels, 1<<6 | 1<<5, 0, compareWords},
	KindText:       {true, deriveWords, wordLevels, 1<<6 | 1<<5, 0, compareWords},
	KindID:         {false, deriveIdentifier, idLevels, 1 << 3, 0, single{}}, // see compareIDs
}

// glance fills v for two rows of cells with what can be told without reading values.
func (s *spec) glance(cols []*column, a, b []uint32, v *vector) {
	v.clear()
	for i := range s.comparers {
		s.comparers[i].glance(cols, a, b, v)
	}
}

// compareAll fills v for two rows of cells.
func (s *spec) compareAll(cols []*column, a, b []uint32, v *vector) {
	s.glance(cols, a, b, v)
	for i := range s.comparers {
		if c := &s.comparers[i]; c.open(v) {
			c.read(cols, a, b, v)
		}
	}
}
