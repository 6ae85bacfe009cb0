package match

import "math"

// usualBits is how much it usually says that two rows have the same value of a kind, in bits. It is for tables that tell nothing about that themselves, and
// the least for addresses and ids of one's own: among few rows a pair that is one makes common what it has in common.
var usualBits = map[Kind]float64{
	KindGivenName: 5, KindFamilyName: 7, KindPeople: 7, KindCompany: 7, KindDomain: 7, KindPhone: 8, KindDate: 8, KindUSDate: 8, KindAddress: 8,
	KindPostcode: 5, KindCity: 4, KindCategory: 1, KindTitle: 2, KindNumber: 2, KindText: 4, KindEmail: 14, KindID: 14,
}

// usualPrior is that of two rows of such a table. An address of one's own is enough to be one, a name, or two of its company, its site, its telephone;
// a city, a title, a price or a text alone are not.
const usualPrior = -10

// usual takes usual values for a table whose rows are all equal: nothing in it tells one record written down many times from many that are described
// alike.
func (l *learner) usual() {
	l.params = newParams(l.spec)
	p := &l.params
	p.prior = usualPrior
	for k := range l.spec.comparisons {
		c := &l.spec.comparisons[k]
		copy(p.m[k], priorM(c))
		single := p.u[k][0]
		copy(single, p.m[k])
		says := func(level uint8, bits float64) {
			single[level] = p.m[k][level] / math.Exp2(bits)
			single[levelDifferent] += p.m[k][level] - single[level]
		}
		says(c.exact, usualBits[l.spec.kind(k)])
		if c.moved != 0 { // a shared mailbox tells its host
			says(hostLevel, usualBits[KindDomain])
		}
		for _, out := range p.u[k][1:] {
			copy(out, single)
		}
	}
	p.weigh()
	l.matches = l.total
	l.report.Matches, l.report.Recall = l.matches, 1
	l.report.Warnings = []string{"all rows are equal in every field that is compared, so nothing can be learnt from them: whether they are one is told by what such values usually say"}
}

// copyBits is what it says at least that two rows are equal in all that is compared, if that holds something of one's own.
const copyBits = 10

// owns reports whether a row holds something that each has for himself: an address that is nobody else's, or an id.
func (s *spec) owns(row []uint32) bool {
	for i := range s.comparisons {
		if c := &s.comparisons[i]; c.own && row[c.column] != 0 {
			return true
		}
	}
	return false
}
