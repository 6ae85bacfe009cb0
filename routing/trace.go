package routing

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
)

// Trace explains an assignment: the entries that were asked, in order, and the
// SLA policies. It holds ids, field names and balances, no values of the lead.
type Trace struct {
	// Note says what a stage decided besides, or instead of, a route.
	Note string `json:"note,omitempty"`
	// Entries are all that matched or could have, in order.
	Entries []EntryTrace `json:"entries,omitempty"`
	// Passed are the entries that did not match, up to the winner: the first
	// [MaxTraced] of them. More counts the rest.
	Passed   []Passed     `json:"passed,omitempty"`
	More     int          `json:"more,omitempty"`
	Policies []EntryTrace `json:"policies,omitempty"`
}

// Passed is an entry that did not match, and the condition that was not met.
type Passed struct {
	Entry   string `json:"entry"`
	Because string `json:"because,omitempty"`
}

// passed traces an entry that did not match.
func (d *decision) passed(entry, because string) {
	switch t := &d.trace; {
	case d.brief != nil:
	case len(t.Passed) == MaxTraced:
		t.More++
	default:
		t.Passed = append(t.Passed, Passed{entry, because})
	}
}

// Needs are the missing fields and variables, sorted, that could still change
// where the lead goes or which clock it gets.
func (t Trace) Needs() []string {
	var out []string
	for _, list := range [][]EntryTrace{t.Entries, t.Policies} {
		for i := range list {
			out = append(out, list[i].Needs...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Verdict says what an entry came to.
type Verdict string

// Verdicts.
const (
	VerdictMatched    Verdict = "matched" // only while it is being placed
	VerdictWon        Verdict = "won"
	VerdictNotMatched Verdict = "not_matched" // of policies; entries are in Trace.Passed
	VerdictUndecided  Verdict = "undecided"   // it could have won; see Needs
	VerdictNobody     Verdict = "nobody"      // it matched, and nobody could get the lead
	VerdictFailed     Verdict = "failed"      // its condition erred; it was skipped
)

// EntryTrace is what one entry came to.
type EntryTrace struct {
	Entry   string  `json:"entry"`
	Verdict Verdict `json:"verdict"`
	// Because is the condition that was not met, or what went wrong.
	Because string `json:"because,omitempty"`
	// Needs are the fields and variables that it is undecided for, or, if it
	// won, that could make it give the lead to somebody else.
	Needs []string `json:"needs,omitempty"`
	// Territory is the one whose rep, pool or queue has the lead.
	Territory string         `json:"territory,omitempty"`
	Pool      string         `json:"pool,omitempty"`
	Winner    leadloop.RepID `json:"winner,omitempty"`
	// Members are those who could get the lead, the one owed most first, then
	// those who could not; of each at most [MaxTraced]. More counts the rest.
	Members []MemberTrace `json:"members,omitempty"`
	Skipped []MemberTrace `json:"skipped,omitempty"`
	More    int           `json:"more,omitempty"`
}

// MaxTraced bounds how many members of a pool a trace lists.
const MaxTraced = 20

// MemberTrace is one member of a pool.
type MemberTrace struct {
	Member leadloop.RepID `json:"member"`
	// Owed is what a member of a fair pool was owed with this lead's credit;
	// Open the open leads of a member of a least-loaded pool.
	Owed leadloop.Owed `json:"owed,omitempty"`
	Open int           `json:"open,omitempty"`
	// Fit is the score of a member of a best-fit pool.
	Fit float64 `json:"fit,omitempty"`
	// Why says why the member could not get the lead.
	Why string `json:"why,omitempty"`
}

// named reports whether an entry that nobody could get the lead by named
// somebody.
func (t *EntryTrace) named() bool { return t.Pool != "" || len(t.Skipped) > 0 }

// skip traces a member who can't get the lead.
func (d *decision) skip(t *EntryTrace, id leadloop.RepID, w why, zone *time.Location) {
	switch {
	case len(t.Skipped) == MaxTraced:
		t.More++
	case d.brief == nil:
		t.Skipped = append(t.Skipped, MemberTrace{Member: id, Why: w.in(zone)})
	case t.Pool == "":
		t.Skipped = append(t.Skipped, MemberTrace{Member: id})
	}
}

// could traces a member who can get the lead: the winner first, then by rank,
// of whom the list has the first.
func (t *EntryTrace) could(m MemberTrace) {
	n := len(t.Members)
	if n == MaxTraced {
		t.More++
		if last := &t.Members[n-1]; m.Owed < last.Owed && m.Member != t.Winner || !t.before(&m, last) {
			return
		}
		n--
	} else {
		if n == 0 {
			t.Members = make([]MemberTrace, 0, 4)
		}
		t.Members = append(t.Members, m)
	}
	for ; n > 0 && t.before(&m, &t.Members[n-1]); n-- {
		t.Members[n] = t.Members[n-1]
	}
	t.Members[n] = m
}

// fair traces the members of a fair pool who can get the lead: the winner, then
// those owed most. A large pool is gone through for every lead, so that only
// their positions are moved about.
func (t *EntryTrace) fair(c *turn, winner, able int) {
	owed := c.owed
	var most [MaxTraced - 1]int32
	n := 0
	least := leadloop.Owed(math.MinInt64) // of those listed, once the list is full
	for i, o := range owed {
		if o <= least || i == winner || c.absent[i] {
			continue
		}
		if n < len(most) {
			n++
		}
		at := n - 1
		for ; at > 0 && o > owed[most[at-1]]; at-- {
			most[at] = most[at-1]
		}
		if most[at] = int32(i); n == len(most) {
			least = owed[most[n-1]]
		}
	}
	t.Members = make([]MemberTrace, 1, 1+n)
	t.Members[0] = MemberTrace{Member: c.member(winner), Owed: owed[winner]}
	for _, i := range most[:n] {
		t.Members = append(t.Members, MemberTrace{Member: c.member(int(i)), Owed: owed[i]})
	}
	t.More += able - len(t.Members)
}

// before orders those who could get the lead.
func (t *EntryTrace) before(a, b *MemberTrace) bool {
	if first, second := a.Member == t.Winner, b.Member == t.Winner; first != second {
		return first
	}
	if a.Owed != b.Owed {
		return a.Owed > b.Owed
	}
	if a.Fit != b.Fit {
		return a.Fit > b.Fit
	}
	return a.Open < b.Open
}

// Explain says in a few lines why the lead went where it went, with the names
// that the definition gives reps, to be read aloud. An example of a line:
//
//	us-west: Ana was owed 0.62 leads, Ben 0.21; Cem is away until 2026-11-09 00:00
func (r *Router) Explain(t Trace) string {
	var b strings.Builder
	for i := range t.Entries {
		e := &t.Entries[i]
		b.WriteString(e.Entry + ": " + r.explain(e) + "\n")
	}
	switch n := len(t.Entries); {
	case t.Note != "":
		b.WriteString(t.Note + "\n")
	case n == 0 || t.Entries[n-1].Verdict != VerdictWon:
		b.WriteString("no entry placed the lead: it waits in " + r.final + "\n")
	}
	return b.String()
}

func (r *Router) explain(e *EntryTrace) string {
	switch e.Verdict {
	case VerdictUndecided:
		return "could have won: needs " + strings.Join(e.Needs, ", ")
	case VerdictFailed:
		return "failed: " + e.Because
	}
	var able, not []string
	for i, m := range e.Members {
		s := r.name(m.Member)
		switch p := r.pool(e.Pool); {
		case p != nil && p.Strategy == StrategyBestFit:
			s += " fits " + strconv.FormatFloat(m.Fit, 'g', -1, 64)
		case p != nil && p.Strategy == StrategyLeastLoaded:
			s += " has " + itoa(m.Open) + " open leads"
		case p != nil && p.Strategy == StrategyFair && i == 0:
			s += " was owed " + leads(m.Owed) + " leads"
		case p != nil && p.Strategy == StrategyFair:
			s += " " + leads(m.Owed)
		}
		able = append(able, s)
	}
	for _, m := range e.Skipped {
		not = append(not, r.name(m.Member)+" "+m.Why)
	}
	if e.More > 0 {
		not = append(not, itoa(e.More)+" more")
	}
	var parts []string
	switch {
	case len(able) > 0:
		parts = append(parts, strings.Join(able, ", "))
	case e.Verdict == VerdictNobody:
		parts = append(parts, cmp.Or(e.Because, "nobody could get the lead"))
	case e.Winner != "":
		parts = append(parts, r.name(e.Winner))
	default:
		parts = append(parts, "it is for this lead")
	}
	return strings.Join(append(parts, not...), "; ")
}

func (r *Router) name(id leadloop.RepID) string {
	if x := r.rep(id); x != nil && x.Name != "" {
		return x.Name
	}
	return string(id)
}
