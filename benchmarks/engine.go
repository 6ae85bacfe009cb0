package benchmarks

import (
	"slices"

	"cel.dev/cel-go/cel"

	"github.com/leadloop/leadloop"
)

// Outcome is what an engine says about a lead. Engines must agree on all of it.
type Outcome struct {
	Points leadloop.Points
	Tier   string
	// Matched are the rules whose condition holds, one bit each.
	Matched Bits
	// Undecided are the rules that can't tell for want of a field, as far as the
	// engine knows that without being asked; see Outcome.Complete.
	Undecided Bits
}

// Bits is a set of rules.
type Bits [maxRules / 64]uint64

// Set adds the i-th rule.
func (b *Bits) Set(i int) { b[i>>6] |= 1 << (i & 63) }

// Scorer scores by one compiled model. It belongs to one goroutine.
type Scorer interface {
	// Score overwrites the outcome.
	Score(l *Lead, out *Outcome) error
}

// Complete adds which rules were undecided when s scored the lead that out is about, if
// s has that ready but not in the form of an Outcome. It is no part of a measurement,
// since most engines know no undecided rules.
func (out *Outcome) Complete(s Scorer) error {
	if asked, ok := s.(interface{ Undecided(out *Outcome) error }); ok {
		return asked.Undecided(out)
	}
	return nil
}

// ScorerFunc makes a function a Scorer.
type ScorerFunc func(l *Lead, out *Outcome) error

// Score calls f.
func (f ScorerFunc) Score(l *Lead, out *Outcome) error { return f(l, out) }

// Engine compiles models.
type Engine struct {
	Name string
	// About says in a sentence what runs.
	About string
	// Module is the path of the module whose version matters, if there is one.
	Module string
	// Rules are the sizes of the models it can run, nil for all.
	Rules []int
	// Sparse tells that it knows absent fields.
	Sparse bool
	// Compile makes a scorer. What does not depend on the model, such as the
	// environment, is made once and shared.
	Compile func(m *Model) (Scorer, error)
	// Handwritten tells that there is nothing to compile.
	Handwritten bool
}

// Has reports whether the engine can run a model of that size.
func (e Engine) Has(rules int) bool { return e.Rules == nil || slices.Contains(e.Rules, rules) }

// Engines returns all engines. The first is what the others are compared with.
func Engines() []Engine {
	return []Engine{
		{
			Name: "hand-tuned", About: "tuned Go: one pass over the events, a switch for each string; that of 40 rules written by hand, the others in the same manner by a program",
			Rules: []int{10, 40, 160, 640}, Handwritten: true, Compile: compileTuned,
		},
		{
			Name: "hand-plain", About: "plain hand-written Go: a line for each rule, a loop for each window",
			Rules: []int{40}, Handwritten: true,
			Compile: func(*Model) (Scorer, error) {
				return ScorerFunc(func(l *Lead, out *Outcome) error { plain(l, out); return nil }), nil
			},
		},
		{
			Name: "leadloop-rules", About: "rules.Set.Eval, results reused",
			Sparse: true, Compile: compileRules(false),
		},
		{
			Name: "leadloop-needs", About: "the same, and the whole result of every rule: what those that are undecided need",
			Sparse: true, Compile: compileRules(true),
		},
		{
			Name: "leadloop-verdict", About: "scoring.Model.Verdict: points, tier and disqualification",
			Sparse: true, Compile: compileScoring(verdict),
		},
		{
			Name: "leadloop-score", About: "scoring.Model.Score: the range, what is needed and until when it is valid as well",
			Sparse: true, Compile: compileScoring(score),
		},
		{
			Name: "leadloop-explain", About: "scoring.Model.Explain: every rule with its reasons as well",
			Sparse: true, Compile: compileScoring(explanation),
		},
		{
			Name: "cel-maps", About: "cel-go, a program for each rule, over maps made beforehand, no options",
			Module: "cel.dev/cel-go", Sparse: true, Compile: compileCELMaps(),
		},
		{
			Name: "cel-guarded", About: "the same with a cost limit, which expressions of strangers need",
			Module: "cel.dev/cel-go", Sparse: true, Compile: compileCELMaps(cel.CostLimit(1_000_000)),
		},
		{
			Name: "cel-best", About: "cel-go at its best: native types, constant folding, OptOptimize, a pooled activation, one frame for all programs, windows as Go functions",
			Module: "cel.dev/cel-go", Compile: compileCELBest(),
		},
		{
			Name: "expr", About: "expr-lang/expr, a program for each rule, over structs, one VM reused",
			Module: "github.com/expr-lang/expr", Compile: compileExpr(exprText),
		},
		{
			Name: "expr-functions", About: "the same with windows as Go functions",
			Module: "github.com/expr-lang/expr", Compile: compileExpr(exprFunctions),
		},
	}
}

// tally adds up what the rules of a model came to, for engines that evaluate one
// condition after the other.
type tally struct {
	points    []leadloop.Points
	modifiers []Modifier
	tiers     []leadloop.Points
	names     []string
}

func newTally(m *Model) tally {
	t := tally{modifiers: m.Modifiers}
	for _, r := range m.Rules {
		t.points = append(t.points, leadloop.Points(r.Points)*leadloop.Point)
	}
	for _, tier := range m.Tiers {
		t.tiers, t.names = append(t.tiers, leadloop.Points(tier.From)*leadloop.Point), append(t.names, tier.Name)
	}
	return t
}

// afterwards is for who has the points of the rules already.
func (t tally) afterwards() tally {
	t.points = nil
	return t
}

// begin empties an outcome.
func (t *tally) begin(out *Outcome) { *out = Outcome{} }

// add takes the answer of the i-th condition.
func (t *tally) add(out *Outcome, i int, holds bool) {
	if !holds {
		return
	}
	if i < len(t.points) {
		out.Points += t.points[i]
		out.Matched.Set(i)
		return
	}
	out.Points = scaled(out.Points, t.modifiers[i-len(t.points)].Factor)
}

// undecided takes that the i-th condition has no answer.
func (t *tally) undecided(out *Outcome, i int) {
	if i < len(t.points) {
		out.Undecided.Set(i)
	}
}

// end gives the tier.
func (t *tally) end(out *Outcome) {
	for i, from := range t.tiers {
		if out.Points >= from || i == len(t.tiers)-1 {
			out.Tier = t.names[i]
			return
		}
	}
}

// scaled multiplies points as a modifier does, rounded to thousandths.
func scaled(p leadloop.Points, factor float64) leadloop.Points {
	q, _ := leadloop.PointsOf(p.Float() * factor)
	return q
}
