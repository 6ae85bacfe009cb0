package routing

import (
	"context"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// condition is everything an entry or policy asks of a lead: all of it must
// hold. What is decided as not met settles it, whatever else is not known.
type condition struct {
	matchers []matcher
	rule     int // number of the CEL rule, -1 for none
}

func (c *condition) always() bool { return c.rule < 0 && len(c.matchers) == 0 }

// matcher is one structured condition.
type matcher struct {
	name    string
	field   int // position in the schema; -1 is the tier
	oneOf   map[string]bool
	between *Range
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
	if m.between == nil {
		return m.oneOf[v.Text()], true
	}
	n := v.Int()
	return v.Presence() == leadloop.Present && (m.between.Min == nil || n >= *m.between.Min) && (m.between.Max == nil || n <= *m.between.Max), true
}

// check evaluates a condition over the decision's lead.
func (d *decision) check(ctx context.Context, c *condition) EntryTrace {
	t := EntryTrace{Verdict: VerdictMatched}
	for i := range c.matchers {
		m := &c.matchers[i]
		v := d.vars[varTier]
		if m.field >= 0 {
			v = d.q.Profile.At(m.field)
		}
		switch met, known := m.met(v); {
		case !known:
			t.Verdict, t.Needs = VerdictUndecided, append(t.Needs, m.name)
		case !met:
			return EntryTrace{Verdict: VerdictNotMatched, Because: m.name}
		}
	}
	if c.rule >= 0 {
		facts := rules.Facts{Profile: d.q.Profile, Activities: d.q.Lead.Activities, Vars: d.vars, Now: d.q.AsOf}
		switch res := d.r.rules.EvalOne(ctx, facts, c.rule); {
		case res.State == rules.Failed:
			return EntryTrace{Verdict: VerdictFailed, Because: res.Err.Error()}
		case res.State == rules.Undecided:
			t.Verdict, t.Needs = VerdictUndecided, append(t.Needs, res.Needs...)
		case !res.True():
			return EntryTrace{Verdict: VerdictNotMatched, Because: "when"}
		}
	}
	slices.Sort(t.Needs)
	t.Needs = slices.Compact(t.Needs)
	return t
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

func (q *Request) vars() []leadloop.Value {
	v := make([]leadloop.Value, varCount)
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
	return v
}
