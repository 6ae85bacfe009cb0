package routing

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// turn is one lead in a pool: who is credited for it, and who gets it. A large
// pool is gone through for every lead, several times, so that what is known of
// its members is in columns without pointers, and its memory is used again.
type turn struct {
	roster   []seat           // of the pool, by id
	all      []leadloop.RepID // the ids of the roster, nil if nobody keeps them
	balances []store.Balance  // before the lead, by id
	classes  []class
	total    int64 // of the weights of all who are credited
	alike    bool  // all have the same priority
	columns
	// own are the columns' memory where they are not the pool's.
	own columns
	// claims are what each is owed with this lead's credit, in millionths of a
	// lead divided by the weight of all.
	claims []int64
	shares []share
}

// columns are of each who is credited, by id: where it stands in the roster, in
// the balances (-1 if it has none) and in the classes; its balance, from settle
// on with the credit for this lead; and whether it is absent.
type columns struct {
	who, at, class []int32
	owed           []leadloop.Owed
	absent         []bool
}

func (c *columns) resize(n int) {
	c.who, c.at, c.class = resize(c.who, n), resize(c.at, n), resize(c.class, n)
	c.owed, c.absent = resize(c.owed, n), resize(c.absent, n)
}

// class is the members of a weight, whose share of a lead is the same. Two can
// have the same weight.
type class struct {
	weight int64
	n      int // who are credited
	whole  leadloop.Owed
	rest   int64 // what rounding leaves of the share
	top    uint8 // the first bits of rest
	tied   bool  // some of these get a millionth more and others don't
}

// share is what rounding leaves of a member's share.
type share struct {
	member  int32
	rest    int64
	balance leadloop.Owed // before this lead's credit, after its debit
}

// before orders members by who gets a millionth that rounding left.
func (a *share) before(b *share) bool {
	if a.rest != b.rest {
		return a.rest > b.rest
	}
	if a.balance != b.balance {
		return a.balance < b.balance
	}
	return a.member < b.member
}

// turnOf is the turn of members in any order.
func turnOf(members []Entitlement) *turn {
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b Entitlement) int { return strings.Compare(string(a.Member), string(b.Member)) })
	n := len(members)
	t := &turn{
		roster: make([]seat, n), balances: make([]store.Balance, n), classes: make([]class, 0, n),
	}
	t.columns.resize(n)
	for i := range members {
		e := &members[i]
		t.roster[i], t.balances[i].LastAt = seat{id: e.Member, prior: e.Priority}, e.LastAt
		t.who[i], t.at[i], t.class[i] = int32(i), int32(i), t.another(min(max(e.Weight, 1), MaxWeight))
		t.owed[i], t.absent[i] = e.Owed, e.Absent
	}
	return t
}

// begin has all members of a pool credited.
func (t *turn) begin(p *pool, l *ledger) {
	t.roster, t.all, t.balances = p.seats, p.ids, l.Balances
	t.classes, t.total, t.alike = append(t.classes[:0], p.classes...), p.weight, p.alike
	t.own.resize(len(p.seats))
	t.columns = t.own
}

// whole credits all members of a pool who are there, if each has a balance and
// nobody else has one: it reports whether that is so. Then only the balances
// are of this lead.
func (t *turn) whole(p *pool) bool {
	if len(t.balances) != len(p.ids) {
		return false
	}
	for i := range t.balances {
		b := &t.balances[i]
		if b.Member != p.ids[i] {
			return false
		}
		t.owed[i] = b.Owed
	}
	t.who, t.at, t.class, t.absent = p.all.who, p.all.at, p.all.class, p.all.absent
	return true
}

// forget lets go of what is not the turn's own.
func (t *turn) forget() {
	t.roster, t.all, t.balances, t.columns = nil, nil, nil, columns{}
}

// only leaves the first n.
func (t *turn) only(n int) {
	t.who, t.at, t.class, t.owed, t.absent = t.who[:n], t.at[:n], t.class[:n], t.owed[:n], t.absent[:n]
}

// leave takes a member of a class out.
func (t *turn) leave(class int32) {
	t.classes[class].n--
	t.total -= t.classes[class].weight
}

// another is a class for one more member.
func (t *turn) another(weight int) int32 {
	t.total += int64(weight)
	t.classes = append(t.classes, class{weight: int64(weight), n: 1})
	return int32(len(t.classes) - 1)
}

func (t *turn) len() int                    { return len(t.who) }
func (t *turn) member(i int) leadloop.RepID { return t.roster[t.who[i]].id }
func (t *turn) weight(i int) int64          { return t.classes[t.class[i]].weight }
func (t *turn) find(id leadloop.RepID) (int, bool) {
	return slices.BinarySearchFunc(t.who, id, func(at int32, id leadloop.RepID) int { return strings.Compare(string(t.roster[at].id), string(id)) })
}

// lastAt is when a member was last assigned a lead.
func (t *turn) lastAt(i int) (last time.Time) {
	if at := t.at[i]; at >= 0 {
		last = t.balances[at].LastAt
	}
	return last
}

// outranks breaks ties, before the lower id does; last is lastAt of j.
func (t *turn) outranks(i, j int, last time.Time) bool {
	if !t.alike {
		if a, b := t.roster[t.who[i]].prior, t.roster[t.who[j]].prior; a != b {
			return a > b
		}
	}
	return t.lastAt(i).Before(last)
}

// precedes breaks ties, at last by id.
func (t *turn) precedes(i, j int) bool {
	return t.outranks(i, j, t.lastAt(j)) || i < j && !t.outranks(j, i, t.lastAt(i))
}

// next is who is entitled to the lead; -1 for nobody.
func (t *turn) next() int {
	n := t.len()
	t.claims = resize(t.claims, n)
	total, claims, owed, absent, of := t.total, t.claims[:n], t.owed[:n], t.absent[:n], t.class[:n]
	winner, m, most := -1, int64(n), int64(math.MinInt64)
	var last time.Time // the winner's: many can be owed the same
	for i := range claims {
		if absent[i] {
			claims[i] = math.MinInt64
			m--
			continue
		}
		c := int64(owed[i])*total + int64(leadloop.OneLead)*t.classes[of[i]].weight
		if claims[i] = c; c < most || c == most && !t.outranks(i, winner, last) {
			continue
		}
		winner, most, last = i, c, t.lastAt(i)
	}
	// With one member there is no choice, and no threshold to divide by.
	scale, lead := 2*m-2, int64(leadloop.OneLead)*total
	if m < 2 || most > lead*(scale-1)/scale {
		return winner
	}
	first, threshold := -1, (lead+scale-1)/scale
	var firstSlack, firstWeight uint64
	for i, c := range claims {
		if c < threshold {
			continue // also whoever is absent
		}
		if c == most && i != winner && of[i] == of[winner] {
			continue // it has the winner's deadline and ranks behind
		}
		// The deadline is slack / weight; deadlines are compared crosswise.
		slack, weight := uint64(lead*(scale-1)-c*scale), uint64(t.classes[of[i]].weight)
		if first >= 0 {
			d := compareProducts(slack, firstWeight, firstSlack, weight)
			if d > 0 || d == 0 && !t.outranks(i, first, t.lastAt(first)) {
				continue
			}
		}
		first, firstSlack, firstWeight = i, slack, weight
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

// give books the lead for a winner who need not be among the members.
func (t *turn) give(winner leadloop.RepID) changes {
	if t.len() == 0 {
		return changes{[]leadloop.RepID{winner}, []leadloop.Owed{0}}
	}
	i, ok := t.find(winner)
	if ok {
		return t.settle(i)
	}
	c := t.settle(-1)
	return changes{slices.Insert(slices.Clone(c.members), i, winner), slices.Insert(c.deltas, i, -leadloop.OneLead)}
}

// settle credits all members and debits the winner, -1 for none of them.
func (t *turn) settle(winner int) changes {
	left := t.split()
	n := t.len()
	deltas, owed, of := make([]leadloop.Owed, n), t.owed[:n], t.class[:n]
	t.shares = t.shares[:0]
	for i := range deltas {
		c := &t.classes[of[i]]
		if c.tied {
			x := share{int32(i), c.rest, owed[i]}
			if i == winner {
				x.balance -= leadloop.OneLead
			}
			t.shares = append(t.shares, x)
		}
		deltas[i] = c.whole
		owed[i] += c.whole
	}
	if left > 0 {
		selectFirst(t.shares, left)
		for _, x := range t.shares[:left] {
			deltas[x.member]++
			owed[x.member]++
		}
	}
	if winner >= 0 {
		deltas[winner] -= leadloop.OneLead
	}
	return changes{t.members(), deltas}
}

// members are the ids of all who are credited. The list is not written to: of a
// whole pool it is the same for every lead.
func (t *turn) members() []leadloop.RepID {
	if len(t.who) == len(t.all) {
		return t.all
	}
	ids := make([]leadloop.RepID, len(t.who))
	for i, at := range t.who {
		ids[i] = t.roster[at].id
	}
	return ids
}

// split works out the share of each class. The millionths that rounding left,
// fewer than there are members, go to the largest remainders; it returns how
// many of them are for members of classes whose remainders begin alike, so that
// those have to be compared one by one.
func (t *turn) split() (left int) {
	if t.len() == 0 {
		return 0
	}
	var count [256]int
	over := leadloop.OneLead
	scale := 255 / float64(t.total)
	for i := range t.classes {
		c := &t.classes[i]
		// Both are far below 2^53, so that the quotient of floats is at most
		// one off, and much faster than that of integers.
		credit := int64(leadloop.OneLead) * c.weight
		whole := int64(float64(credit) / float64(t.total))
		switch c.rest = credit - whole*t.total; {
		case c.rest < 0:
			whole, c.rest = whole-1, c.rest+t.total
		case c.rest >= t.total:
			whole, c.rest = whole+1, c.rest-t.total
		}
		c.whole, c.top = leadloop.Owed(whole), uint8(float64(c.rest)*scale)
		over -= c.whole * leadloop.Owed(c.n)
		count[c.top] += c.n
	}
	if left = int(over); left == 0 {
		return 0
	}
	last := len(count) - 1
	for ; count[last] < left; last-- {
		left -= count[last]
	}
	for i := range t.classes {
		c := &t.classes[i]
		if c.tied = int(c.top) == last; int(c.top) > last {
			c.whole++
		}
	}
	return left
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
