package routing

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
)

// Trace explains an assignment: every entry that was asked, in order, and
// every SLA policy. It holds ids, field names and balances, no values of the
// lead.
type Trace struct {
	// Note says what a stage decided besides, or instead of, a route.
	Note     string       `json:"note,omitempty"`
	Entries  []EntryTrace `json:"entries,omitempty"`
	Policies []EntryTrace `json:"policies,omitempty"`
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
	VerdictNotMatched Verdict = "not_matched"
	VerdictUndecided  Verdict = "undecided" // it could have won; see Needs
	VerdictNobody     Verdict = "nobody"    // it matched, and nobody could get the lead
	VerdictFailed     Verdict = "failed"    // its condition erred; it was skipped
)

// EntryTrace is what one entry came to.
type EntryTrace struct {
	Entry   string  `json:"entry"`
	Verdict Verdict `json:"verdict"`
	// Because is the condition that was not met, or what went wrong.
	Because string `json:"because,omitempty"`
	// Needs are the fields and variables that it is undecided for.
	Needs  []string       `json:"needs,omitempty"`
	Pool   string         `json:"pool,omitempty"`
	Winner leadloop.RepID `json:"winner,omitempty"`
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
	// Why says why the member could not get the lead.
	Why string `json:"why,omitempty"`
}

func (t *EntryTrace) skip(id leadloop.RepID, why string) {
	if len(t.Skipped) == MaxTraced {
		t.More++
		return
	}
	t.Skipped = append(t.Skipped, MemberTrace{Member: id, Why: why})
}

// order sorts those who could get the lead, and bounds the list.
func (t *EntryTrace) order() {
	slices.SortStableFunc(t.Members, func(a, b MemberTrace) int {
		return cmp.Or(cmp.Compare(btoi(b.Member == t.Winner), btoi(a.Member == t.Winner)), cmp.Compare(b.Owed, a.Owed), cmp.Compare(a.Open, b.Open))
	})
	if n := len(t.Members) - MaxTraced; n > 0 {
		t.Members, t.More = slices.Clone(t.Members[:MaxTraced]), t.More+n
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Explain says in a few lines why the lead went where it went, with the names
// that the definition gives reps, to be read aloud. An example of a line:
//
//	us-west: Ana was owed 0.62 leads, Ben 0.21; Cem is away until 2026-11-09 00:00
func (r *Router) Explain(t Trace) string {
	var b strings.Builder
	for i := range t.Entries {
		e := &t.Entries[i]
		if e.Verdict == VerdictNotMatched {
			continue
		}
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
