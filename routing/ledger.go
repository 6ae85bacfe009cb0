package routing

import (
	"fmt"
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
	// Members are those whose entitlement changes, by id.
	Members []leadloop.RepID
	// Deltas are the credit of each and the winner's debit. They sum to 0.
	Deltas []leadloop.Owed
	// Owed is what each was owed with this lead's credit and before the debit.
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
	t := turnOf(members)
	winner := t.next()
	if winner < 0 {
		return Pick{}, false
	}
	c := t.settle(winner)
	return Pick{t.member(winner), c.members, c.deltas, t.owed}, true
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
