package routing

import (
	"context"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// condition is everything an entry, territory or policy asks of a lead: all of
// it must hold. What is decided as not met settles it, whatever else is not
// known.
type condition struct {
	matchers []matcher
	implied  []matcher // by the rule
	rule     int       // number of the CEL rule, -1 for none
}

func (c *condition) always() bool { return c.rule < 0 && len(c.matchers) == 0 }

type matchKind uint8

const (
	matchText matchKind = iota
	matchNumber
	matchPostcode
	matchAccount
	matchTerritory
	matchImplied // by CEL: only the index asks
)

// matcher is one structured condition.
type matcher struct {
	name        string
	kind        matchKind
	field       int      // position in the schema; -1 is the tier
	dim         int      // in the index of its conditions, 1 being the first; 0 for none
	oneOf       []string // sorted
	between     *Range
	spans       []span
	accounts    *accounts
	territories []int32 // sorted
}

// met answers for a value: true, false, or not known yet. What is known not to
// exist is in no list and in no range.
func (m *matcher) met(v leadloop.Value) (met, known bool) {
	switch v.Presence() {
	case leadloop.Absent:
		return false, false
	case leadloop.KnownAbsent:
		return false, true
	}
	switch m.kind {
	case matchNumber:
		return v.Presence() == leadloop.Present && m.between.has(v.Int()), true
	case matchPostcode:
		code := postcode(v.Text())
		return slices.ContainsFunc(m.spans, func(s span) bool { return s.has(code) }), true
	case matchAccount:
		_, ok := m.accounts.owners[v.Text()]
		return ok, true
	default:
		_, ok := slices.BinarySearch(m.oneOf, v.Text())
		return ok, true
	}
}

func (r *Range) has(n int64) bool {
	return (r.Min == nil || n >= *r.Min) && (r.Max == nil || n <= *r.Max)
}

// value returns a field of the lead, -1 being the tier.
func (d *decision) value(field int) leadloop.Value {
	if field < 0 {
		return d.vars[varTier]
	}
	return d.q.Profile.At(field)
}

// check evaluates a condition over the decision's lead.
func (d *decision) check(ctx context.Context, c *condition) EntryTrace {
	t := EntryTrace{Verdict: VerdictMatched}
	for i := range c.matchers {
		m := &c.matchers[i]
		if m.kind == matchTerritory {
			if !d.inTerritory(ctx, m, &t) {
				return EntryTrace{Verdict: VerdictNotMatched, Because: m.name}
			}
			continue
		}
		switch met, known := m.met(d.value(m.field)); {
		case !known:
			t.Verdict, t.Needs = VerdictUndecided, append(t.Needs, m.name)
		case !met:
			return EntryTrace{Verdict: VerdictNotMatched, Because: m.name}
		}
	}
	if c.rule >= 0 {
		switch res := d.eval(ctx, c.rule); {
		case res.State == rules.Failed:
			return EntryTrace{Verdict: VerdictFailed, Because: res.Err.Error()}
		case res.State == rules.Undecided:
			t.Verdict, t.Needs = VerdictUndecided, append(t.Needs, res.Needs...)
		case !res.True():
			return EntryTrace{Verdict: VerdictNotMatched, Because: "when"}
		}
	}
	if len(t.Needs) > 1 {
		slices.Sort(t.Needs)
		t.Needs = slices.Compact(t.Needs)
	}
	return t
}

// alone is how many conditions in CEL are evaluated one by one before all of
// them are evaluated at once.
const alone = 3

func (d *decision) eval(ctx context.Context, rule int) rules.Result {
	if d.results != nil {
		return d.results.At(rule)
	}
	facts := rules.Facts{Profile: d.q.Profile, Activities: d.q.Lead.Activities, Vars: d.vars[:], Now: d.q.AsOf}
	if d.evals++; d.evals <= alone {
		return d.r.rules.EvalOne(ctx, facts, rule)
	}
	d.results, _ = d.r.results.Get().(*rules.Results)
	if d.results == nil {
		d.results = &rules.Results{}
	}
	d.r.rules.Eval(ctx, facts, d.results)
	return d.results.At(rule)
}

// The positions of Vars.
const (
	varTier = iota
	varScore
	varCustomer
	varHasAccount
	varHasContact
	varOpenOpportunity
	varRecycled
	varCount
)

func (q *Request) vars(v *[varCount]leadloop.Value) {
	v[varTier], v[varScore] = leadloop.Value{}, leadloop.Value{}
	if s := q.Lead.State.Score; !s.IsZero() {
		v[varTier], v[varScore] = leadloop.NoValue(leadloop.KindString), leadloop.NoValue(leadloop.KindFloat)
		if s.Tier != "" {
			v[varTier] = leadloop.ValueOf(s.Tier)
		}
		if s.Known {
			v[varScore] = leadloop.ValueOf(s.Points.Float())
		}
	}
	v[varCustomer] = leadloop.ValueOf(q.Account != nil && q.Account.Customer)
	v[varHasAccount] = leadloop.ValueOf(q.Account != nil)
	v[varHasContact] = leadloop.ValueOf(q.Contact != nil)
	v[varOpenOpportunity] = leadloop.ValueOf(q.Opportunity != nil)
	v[varRecycled] = leadloop.ValueOf(q.Recycled)
}
