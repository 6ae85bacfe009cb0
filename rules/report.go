package rules

import (
	"slices"
	"strconv"
)

// Tier is how a rule is evaluated.
type Tier uint8

const (
	// TierPlanes: by tables over single inputs and operations on bits, together
	// with the other rules of the set.
	TierPlanes Tier = iota
	// TierCode: by compiled code, in whole or in part.
	TierCode
	// TierCEL: by cel-go, with its cost limit and interrupts. It is many
	// times slower than the others, and allocates.
	TierCEL
)

var tierNames = [...]string{"planes", "code", "cel"}

// String names t.
func (t Tier) String() string {
	if int(t) < len(tierNames) {
		return tierNames[t]
	}
	return "tier(" + strconv.Itoa(int(t)) + ")"
}

// RulePlan says how a rule is evaluated.
type RulePlan struct {
	ID   string
	Tier Tier
	// Why says what keeps the rule from the planes; empty on them.
	Why string
}

// Plan reports how each rule is evaluated, and why. All tiers give the same
// results.
func (s *Set) Plan() []RulePlan {
	out := make([]RulePlan, len(s.rules))
	for i := range s.rules {
		r := &s.rules[i]
		out[i] = RulePlan{ID: r.id}
		switch {
		case r.alone == nil:
			if s.plan.computes(i) {
				out[i].Tier, out[i].Why = TierCode, "part of the condition is more than one input and constants"
			}
		case r.alone.value == nil:
			out[i].Tier, out[i].Why = TierCEL, "not compiled: "+r.alone.why
		default:
			out[i].Tier, out[i].Why = TierCode, "the result is a "+r.kind.String()+", not a condition"
		}
	}
	return out
}

// computes reports whether a part of the rule is a test.
func (pl *plan) computes(rule int) bool {
	from := pl.roots[rule]
	return slices.ContainsFunc(pl.nodes[from:pl.end(from)], func(n node) bool {
		return n.op == condAtom && pl.asked[pl.leaves[n.n].question].source >= fromCodes
	})
}
