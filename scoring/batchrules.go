package scoring

import (
	"context"
	"math/bits"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

type ruleLeads RuleLeads

type leadState uint8

const (
	leadNotMatched leadState = iota
	leadMatched
	leadUndecided
	leadNoValue
	leadFailed
)

// givenLeads are what a rule comes to for each lead of a block.
type givenLeads struct {
	state  [rules.BlockLeads]leadState
	weight [rules.BlockLeads]bounds
	points [rules.BlockLeads]leadloop.Points
}

// expressions are the results of a block's expressions, or of those that can
// hold for what does not exist, if nothing that is missing did.
type expressions struct {
	b       *batchBlock
	results *rules.ColumnResults
	at      []int // by expression, nil if they are all there
}

func (b *batchBlock) expressions() expressions { return expressions{b: b, results: &b.states} }

func (x expressions) place(i int) int {
	if x.at != nil {
		return x.at[i]
	}
	return i
}

// leads are those of an expression; one that is not there holds for all.
func (x expressions) leads(i int) ruleLeads {
	if i < 0 {
		in := x.b.columns.Regular()
		return ruleLeads{Matched: &in}
	}
	k, r := x.place(i), x.results
	return ruleLeads{r.True[k], r.Undecided[k], r.NoValue[k], r.Failed[k]}
}

// rule finds what a rule that is not plain comes to, and adds its points, times
// a sign, to the sums.
func (c *combiner) rule(ctx context.Context, b *batchBlock, i int, sign leadloop.Points) ruleLeads {
	r, g := &b.model.m.rules[i], &c.given
	g.find(b, r, b.expressions())
	out := g.leads(b.columns.Len())
	sums := b.sums[r.group]
	c.touched = rules.LeadBits{}
	if out.Matched != nil {
		c.touched = *out.Matched
	}
	for k, state := range g.state[:len(sums)] {
		if state == leadMatched {
			sums[k] += sign * g.points[k]
		}
	}
	if r.asks && out.Undecided != nil {
		g.find(b, r, c.ifNothing(ctx, b))
		for k := range sums {
			if g.state[k] == leadMatched && out.Undecided.Has(k) {
				sums[k] += sign * g.points[k]
				c.touched.Add(k)
			}
		}
	}
	return out
}

// find is what [run.gives] is for one lead.
func (g *givenLeads) find(b *batchBlock, r *rule, x expressions) {
	n := b.columns.Len()
	state := g.state[:n]
	clear(state)
	when := x.leads(r.when)
	paint(state, when.Matched, leadMatched)
	paint(state, when.Undecided, leadUndecided)
	paint(state, when.Failed, leadFailed)
	paint(state, when.NoValue, leadNoValue)
	if r.points < 0 {
		for i := range state {
			g.weight[i], g.points[i] = r.weight, r.weight.lo
		}
	} else {
		g.weigh(state, r, x)
	}
	if r.each >= 0 {
		g.count(b, r, state)
	}
}

func paint(state []leadState, set *rules.LeadBits, with leadState) {
	if set == nil {
		return
	}
	for w, in := range set {
		for ; in != 0; in &= in - 1 {
			state[w*64+bits.TrailingZeros64(in)] = with
		}
	}
}

// weigh takes points that are an expression.
func (g *givenLeads) weigh(state []leadState, r *rule, x expressions) {
	worth, values := x.leads(r.points), x.results.Values[x.place(r.points)]
	for i, gate := range state {
		if gate == leadNotMatched || gate == leadNoValue {
			continue
		}
		value := leadMatched
		g.weight[i] = r.weight
		switch {
		case worth.Matched.Has(i):
			if p, ok := leadloop.PointsOf(values[i]); ok {
				g.weight[i] = exactly(p)
			} else {
				value = leadFailed
			}
		case worth.Undecided.Has(i):
			value = leadUndecided
		case worth.NoValue.Has(i):
			value = leadNoValue
		default:
			value = leadFailed
		}
		if gate == leadMatched || value == leadFailed || value == leadNoValue {
			state[i] = value
		}
		g.points[i] = g.weight[i].lo
	}
}

// count takes each activity of a type, the latest first.
func (g *givenLeads) count(b *batchBlock, r *rule, state []leadState) {
	leads, times := b.columns.Events(r.eachType)
	var happened rules.LeadBits
	for from := 0; from < len(leads); {
		i, to := int(leads[from]), from+1
		for to < len(leads) && int(leads[to]) == i {
			to++
		}
		if state[i] != leadNotMatched && state[i] != leadNoValue {
			sum, some := r.remains(g.weight[i], times[from:to], b.model.asOfNS)
			g.points[i] = sum.lo
			if some {
				happened.Add(i)
			}
		}
		from = to
	}
	for i, s := range state {
		if (s == leadMatched || s == leadUndecided) && !happened.Has(i) {
			state[i] = leadNotMatched
		}
	}
}

// leads sorts leads by their state.
func (g *givenLeads) leads(n int) ruleLeads {
	var sets [5]rules.LeadBits
	for i, s := range g.state[:n] {
		sets[s].Add(i)
	}
	var out ruleLeads
	for s, to := range []**rules.LeadBits{nil, &out.Matched, &out.Undecided, &out.NoValue, &out.Failed} {
		if to != nil && sets[s] != (rules.LeadBits{}) {
			set := sets[s]
			*to = &set
		}
	}
	return out
}

// remains is what activities leave of a weight, the latest first; false if none
// leaves anything.
func (r *rule) remains(weight bounds, times []int64, now int64) (sum bounds, some bool) {
	counted := 0
	for _, at := range times {
		age := time.Duration(now - min(at, now))
		left := bounds{lo: r.decay.at(weight.lo, age)}
		if left.hi = left.lo; weight.hi != weight.lo {
			left.hi = r.decay.at(weight.hi, age)
		}
		if left == (bounds{}) {
			continue
		}
		sum, some = sum.plus(left).within(representable), true
		if counted++; counted == r.max {
			break
		}
	}
	return sum, some
}
