package routing

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// MaxWeight bounds a member's weight.
const MaxWeight = 10_000

// Entitlement is one pool member's claim to the next lead.
type Entitlement struct {
	Member leadloop.RepID
	// Weight is the member's share relative to the others, 1 to [MaxWeight];
	// other weights count as the nearest of these.
	Weight int
	// Priority breaks ties, highest first.
	Priority int
	// Owed is the balance before this lead, LastAt when the member last got one.
	Owed   leadloop.Owed
	LastAt time.Time
	// Absent members can't get the lead and are credited their share all the
	// same: they catch up on return. Who shall not be credited is left out.
	Absent bool
}

// Pick says who gets a lead and what that does to the ledger.
type Pick struct {
	Winner leadloop.RepID
	// Deltas are the credits and the winner's debit, ordered by member. They
	// sum to 0.
	Deltas []leadloop.LedgerDelta
	// Owed is what each of these members was owed with this lead's credit and
	// before the debit.
	Owed []leadloop.Owed
}

// Next gives one lead to the member who is entitled to it. It is a pure
// function of the set of members: their order does not matter.
//
// Every member is credited its share of the lead, weight / Σ weights. Let m be
// the number of members who can get the lead and "owed" the balance with that
// credit. If the one owed most is overdue, owed more than 1 − 1/(2m−2), it gets
// the lead; otherwise, among those owed at least 1/(2m−2), the one whose
// deadline comes first, which is the number of leads until it would be overdue
// at its present share; if nobody is owed that much, the one owed most. Ties go
// to the higher priority, then the least recently assigned, then the lower id.
// The winner is then debited one lead.
//
// The choice is made in exact arithmetic. Balances are kept in millionths of a
// lead: shares are rounded down, and what that leaves over goes, one millionth
// each, to the largest remainders, among equals to those with the smallest
// balance, so that members of equal weight stay equal.
//
// With all members able to get every lead this is the chairman-assignment rule
// of R. Tijdeman (Discrete Mathematics 32, 1980): nobody is ever a whole lead
// away from its exact share, and no rule has a better bound. Taking the overdue
// first keeps balances close to that when members come and go.
//
// It reports false if nobody can get the lead.
func Next(members []Entitlement) (Pick, bool) {
	members = inOrder(members)
	var s scratch
	winner := s.next(members)
	if winner < 0 {
		return Pick{}, false
	}
	deltas := s.settle(members, winner, s.total)
	return Pick{Winner: members[winner].Member, Deltas: deltas, Owed: s.owed}, true
}

// next is who of the members, in order, is entitled to the lead; -1 for nobody.
func (s *scratch) next(members []Entitlement) int {
	total := totalWeight(members)
	s.total = total
	s.claims = resize(s.claims, len(members))
	claims := s.claims[:len(members)]
	winner, m, most := -1, int64(0), int64(0)
	for i := range members {
		e := &members[i]
		if e.Absent {
			claims[i] = math.MinInt64
			continue
		}
		m++
		c := int64(e.Owed)*total + int64(leadloop.OneLead)*e.weight()
		if claims[i] = c; winner < 0 || c > most || c == most && ranksBefore(e, &members[winner]) {
			winner, most = i, c
		}
	}
	// With one member there is no choice, and no threshold to divide by.
	scale, lead := 2*m-2, int64(leadloop.OneLead)*total
	if m < 2 || most > lead*(scale-1)/scale {
		return winner
	}
	first, threshold := -1, (lead+scale-1)/scale
	var firstSlack uint64
	for i, c := range claims {
		if c < threshold {
			continue // also whoever is absent
		}
		// The deadline is slack / weight; deadlines are compared crosswise.
		slack := uint64(lead*(scale-1) - c*scale)
		if first < 0 {
			first, firstSlack = i, slack
			continue
		}
		d := compareProducts(slack, uint64(members[first].weight()), firstSlack, uint64(members[i].weight()))
		if d < 0 || d == 0 && ranksBefore(&members[i], &members[first]) {
			first, firstSlack = i, slack
		}
	}
	if first >= 0 {
		return first
	}
	return winner
}

// compareProducts compares a·b with c·d.
func compareProducts(a, b, c, d uint64) int {
	hi1, lo1 := bits.Mul64(a, b)
	hi2, lo2 := bits.Mul64(c, d)
	if hi1 != hi2 {
		return cmp.Compare(hi1, hi2)
	}
	return cmp.Compare(lo1, lo2)
}

// Give books a lead that winner gets for another reason than the ledger, such
// as owning the account, in a pool that counts such leads. The members are
// credited as by [Next]; the winner is debited whether or not it is among
// them.
func Give(members []Entitlement, winner leadloop.RepID) Pick {
	members = inOrder(members)
	i, ok := slices.BinarySearchFunc(members, winner, func(e Entitlement, id leadloop.RepID) int {
		return strings.Compare(string(e.Member), string(id))
	})
	if len(members) == 0 {
		return Pick{Winner: winner, Deltas: []leadloop.LedgerDelta{{Member: winner}}, Owed: []leadloop.Owed{0}}
	}
	var s scratch
	if ok {
		deltas := s.settle(members, i, totalWeight(members))
		return Pick{Winner: winner, Deltas: deltas, Owed: s.owed}
	}
	p := Pick{Winner: winner, Deltas: s.settle(members, -1, totalWeight(members))}
	p.Owed = s.owed
	p.Deltas = slices.Insert(p.Deltas, i, leadloop.LedgerDelta{Member: winner, Owed: -leadloop.OneLead})
	p.Owed = slices.Insert(p.Owed, i, 0)
	return p
}

// Return gives back the debit of a lead that came back from owner: it was
// returned, bounced or recycled. The members are those who were credited when
// it was assigned, and give their shares of it back. The deltas sum to 0.
func Return(members []Entitlement, owner leadloop.RepID) []leadloop.LedgerDelta {
	deltas := Give(members, owner).Deltas
	for i := range deltas {
		deltas[i].Owed = -deltas[i].Owed
	}
	return deltas
}

func (e *Entitlement) weight() int64 { return int64(min(max(e.Weight, 1), MaxWeight)) }

// precedes breaks ties.
func precedes(a, b *Entitlement) bool {
	return ranksBefore(a, b) || a.Member < b.Member && !ranksBefore(b, a)
}

// ranksBefore is precedes for an a that comes after b by its id.
func ranksBefore(a, b *Entitlement) bool {
	if a.Priority != b.Priority {
		return a.Priority > b.Priority
	}
	return a.LastAt.Before(b.LastAt)
}

func inOrder(members []Entitlement) []Entitlement {
	byMember := func(a, b Entitlement) int { return strings.Compare(string(a.Member), string(b.Member)) }
	if slices.IsSortedFunc(members, byMember) {
		return members
	}
	members = slices.Clone(members)
	slices.SortFunc(members, byMember)
	return members
}

func totalWeight(members []Entitlement) (total int64) {
	for i := range members {
		total += members[i].weight()
	}
	return total
}

// scratch is memory that decisions about a pool use again.
type scratch struct {
	members []Entitlement
	reps    []*rep
	shares  []share
	owed    []leadloop.Owed
	// claims are what each is owed with this lead's credit, in millionths of a
	// lead divided by the weight of all.
	claims []int64
	total  int64 // of the weights
	// rests are what rounding leaves of the shares, tops their first bits.
	rests []int64
	tops  []uint8
}

// share is what rounding leaves of a member's share.
type share struct {
	member    int
	remainder int64
	balance   leadloop.Owed // before this lead's credit, after its debit
}

// before orders members by who gets a millionth that rounding left.
func (a *share) before(b *share) bool {
	if a.remainder != b.remainder {
		return a.remainder > b.remainder
	}
	if a.balance != b.balance {
		return a.balance < b.balance
	}
	return a.member < b.member
}

// settle credits all members, whose weights sum to total, and debits the
// winner, if there is one. What each was owed in between is in s.owed.
func (s *scratch) settle(members []Entitlement, winner int, total int64) []leadloop.LedgerDelta {
	n := len(members)
	deltas := make([]leadloop.LedgerDelta, n)
	s.owed, s.rests, s.tops = resize(s.owed, n), resize(s.rests, n), resize(s.tops, n)
	owed, rests, tops, left := s.owed[:n], s.rests[:n], s.tops[:n], leadloop.OneLead
	var count [256]int
	scale := 255 / float64(total)
	var weight, whole, rest int64 // of the member before: often the same
	var top uint8
	for i := range members {
		e := &members[i]
		if w := e.weight(); w != weight {
			// Both are far below 2^53, so that the quotient of floats is at most
			// one off, and much faster than that of integers.
			credit := int64(leadloop.OneLead) * w
			weight, whole = w, int64(float64(credit)/float64(total))
			switch rest = credit - whole*total; {
			case rest < 0:
				whole, rest = whole-1, rest+total
			case rest >= total:
				whole, rest = whole+1, rest-total
			}
			top = uint8(float64(rest) * scale)
		}
		deltas[i].Member, deltas[i].Owed = e.Member, leadloop.Owed(whole)
		left -= leadloop.Owed(whole)
		rests[i], tops[i], owed[i] = rest, top, e.Owed+leadloop.Owed(whole)
		count[top]++
	}
	if left > 0 {
		s.round(members, deltas, winner, int(left), &count)
	}
	if winner >= 0 {
		deltas[winner].Owed -= leadloop.OneLead
	}
	return deltas
}

// round gives the millionths that rounding left, fewer than there are members,
// to the largest remainders. Only those are compared whose remainders begin
// alike, tops counted by count, and of which some get one and others don't.
func (s *scratch) round(members []Entitlement, deltas []leadloop.LedgerDelta, winner, left int, count *[256]int) {
	last := len(count) - 1
	for ; count[last] < left; last-- {
		left -= count[last]
	}
	s.shares = s.shares[:0]
	for i, top := range s.tops {
		switch {
		case int(top) > last:
			deltas[i].Owed++
			s.owed[i]++
		case int(top) == last:
			x := share{i, s.rests[i], members[i].Owed}
			if i == winner {
				x.balance -= leadloop.OneLead
			}
			s.shares = append(s.shares, x)
		}
	}
	selectFirst(s.shares, left)
	for _, x := range s.shares[:left] {
		deltas[x.member].Owed++
		s.owed[x.member]++
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// selectFirst moves the n shares that come first to the front, in any order.
func selectFirst(s []share, n int) {
	for lo, hi := 0, len(s); n > lo && n < hi && hi-lo > 1; {
		// The median of three is the pivot; the order is strict, so that it
		// ends in one place.
		a, b, c := lo, lo+(hi-lo)/2, hi-1
		if s[b].before(&s[a]) {
			a, b = b, a
		}
		if s[c].before(&s[b]) {
			if b = c; s[b].before(&s[a]) {
				b = a
			}
		}
		s[lo], s[b] = s[b], s[lo]
		pivot, k := s[lo], lo
		for i := lo + 1; i < hi; i++ {
			if s[i].before(&pivot) {
				k++
				s[k], s[i] = s[i], s[k]
			}
		}
		s[lo], s[k] = s[k], s[lo]
		switch {
		case k == n || k+1 == n:
			return
		case k > n:
			hi = k
		default:
			lo = k + 1
		}
	}
}

// leads writes an entitlement in leads, to the hundredth.
func leads(o leadloop.Owed) string {
	sign := ""
	if o <= -leadloop.OneLead/200 {
		sign = "-"
	}
	hundredths := (max(o, -o) + leadloop.OneLead/200) / (leadloop.OneLead / 100)
	return fmt.Sprintf("%s%d.%02d", sign, hundredths/100, hundredths%100)
}
