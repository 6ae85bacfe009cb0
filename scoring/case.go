package scoring

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/internal/suggest"
	"github.com/leadloop/leadloop/internal/yamldoc"
)

// Case is a unit test of a model: a lead at a moment, and what the model must
// say of it. Cases are written in Go or read by [ParseCases], run by
// [RunCases], and tried against changed models by [Mutate].
type Case struct {
	// At is where the case stands, for problems only.
	At leadloop.Position
	// Name says in a sentence what is tested; unique among the cases of a run.
	Name string

	// Lead holds the golden values by field name, as rules spell it; a name
	// without a dot means "lead.<name>". A value is a string, int, int64,
	// float64, bool, time.Time, []string or [leadloop.Value]. A field that is
	// not here is absent: nobody looked.
	Lead map[string]any
	// None are the fields that somebody looked up and that do not exist.
	None []string
	// Profile stands for Lead and None where provenance matters: a profile made
	// of claims. It must have the model's schema.
	Profile *leadloop.Profile
	// Activities in any order; one without an id gets one.
	Activities []leadloop.Activity
	// AsOf is the moment of the score; required.
	AsOf time.Time
	// PreviousTier is the tier that is stored for the lead.
	PreviousTier string

	Want Want

	// at are positions of single parts, for cases read from a file.
	at map[string]leadloop.Position
}

// Want is what a model must say. What is left at its zero value is not looked
// at; at least one part must be given.
type Want struct {
	// Known tells whether there is a score at all.
	Known *bool
	// Tier is a tier of the model, or [NoTier].
	Tier string
	// Points must be met to the thousandth, and so must Low and High, the ends
	// of the range.
	Points, Low, High *leadloop.Points
	// Reasons must have matched. Other rules may have, too.
	Reasons []Reason
	// Without are rules and modifiers that must not have matched.
	Without []string
	// Disqualified is the reason code of a hard no.
	Disqualified string
	// Needs are all missing fields that the score depends on; empty but not nil
	// for none.
	Needs []string
	// PossibleTiers are all tiers within the range, with [NoTier] for none.
	PossibleTiers []string
	// ValidUntil is the instant at which the score can change by itself; the
	// zero time for never.
	ValidUntil *time.Time
}

// NoTier is how a [Want] spells that a lead has no tier.
const NoTier = "-"

// Reason is a rule or modifier that must have matched, and perhaps the points
// it must have given.
type Reason struct {
	Rule   string
	Points *leadloop.Points
}

// isZero tells a Want that wants nothing.
func (w Want) isZero() bool {
	return w.Known == nil && w.Tier == "" && w.Points == nil && w.Low == nil && w.High == nil && len(w.Reasons) == 0 &&
		len(w.Without) == 0 && w.Disqualified == "" && w.Needs == nil && w.PossibleTiers == nil && w.ValidUntil == nil
}

// CaseReport is what came of a run of cases.
type CaseReport struct {
	// Results, one for each case in its order.
	Results  []CaseResult
	Coverage Coverage
}

// CaseResult is what came of one case.
type CaseResult struct {
	Case        Case
	Explanation Explanation
	// Misses are the parts of Want that were not met; none if the case holds.
	Misses []Miss
}

// Miss is one part of a [Want] that was not met.
type Miss struct {
	// What names the part, such as "tier" or "reason demo".
	What      string
	Want, Got string
	// Because is the explanation's line about a single rule.
	Because string
}

// Failed returns how many cases do not hold.
func (r CaseReport) Failed() int {
	n := 0
	for _, c := range r.Results {
		if len(c.Misses) > 0 {
			n++
		}
	}
	return n
}

// String says what was expected and what came, with the explanation; empty if
// the case holds. It shows the values of the case.
func (r CaseResult) String() string {
	if len(r.Misses) == 0 {
		return ""
	}
	var b strings.Builder
	if at := r.Case.At.String(); at != "" {
		b.WriteString(at + ": ")
	}
	fmt.Fprintf(&b, "%s\n", r.Case.Name)
	for _, m := range r.Misses {
		fmt.Fprintf(&b, "  %s: want %s, got %s\n", m.What, m.Want, m.Got)
		if m.Because != "" {
			fmt.Fprintf(&b, "    %s\n", m.Because)
		}
	}
	b.WriteString("  The explanation:\n")
	for line := range strings.Lines(r.Explanation.String()) {
		if line != "\n" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// RunCases scores every case and compares. A case that does not hold is part
// of the report; the error is a [leadloop.Problems] with everything that is
// wrong with the cases themselves, or ctx's.
func RunCases(ctx context.Context, m *Model, cases []Case) (CaseReport, error) {
	inputs, err := inputs(m, cases, false)
	if err != nil {
		return CaseReport{}, err
	}
	out := CaseReport{Results: make([]CaseResult, 0, len(cases))}
	coverage := newCoverage(m)
	for i, c := range cases {
		e, err := m.Explain(ctx, inputs[i])
		if err != nil {
			return CaseReport{}, fmt.Errorf("case %q: %w", c.Name, err)
		}
		coverage.add(inputs[i], e)
		out.Results = append(out.Results, CaseResult{Case: c, Explanation: e, Misses: c.Want.misses(e)})
	}
	out.Coverage = coverage.done()
	return out, nil
}

// inputs checks cases against a model and makes them ready. What is missing is
// left out of broken ones: it may have been there and could not be read.
func inputs(m *Model, cases []Case, broken bool) ([]Input, error) {
	if m == nil {
		return nil, fmt.Errorf("scoring: %w: no model", leadloop.ErrInvalid)
	}
	var problems leadloop.Problems
	seen := map[string]bool{}
	out := make([]Input, len(cases))
	for i, c := range cases {
		k := caseCheck{m: m, c: c, broken: broken, problems: &problems}
		if seen[c.Name] && c.Name != "" {
			k.add("name", "", "the name is taken by an earlier case")
		}
		seen[c.Name] = true
		out[i] = k.input()
		k.want()
	}
	problems.Sort()
	return out, problems.Err()
}

// caseCheck finds what is wrong with one case.
type caseCheck struct {
	m        *Model
	c        Case
	broken   bool
	problems *leadloop.Problems
}

func (k caseCheck) add(key, hint, format string, args ...any) {
	at, ok := k.c.at[key]
	if !ok {
		at = k.c.At
	}
	k.problems.AddHint(at, hint, "case %q: %s", k.c.Name, fmt.Sprintf(format, args...))
}

func (k caseCheck) input() Input {
	c := k.c
	if strings.TrimSpace(c.Name) == "" && !k.broken {
		k.add("name", "", "name: expected a sentence that says what is tested")
	}
	switch {
	case c.AsOf.IsZero():
		k.add("as_of", "", "as_of: missing: the moment of the score")
	case !writable(c.AsOf):
		k.add("as_of", "", "as_of: expected a year from 1 to 9999")
	}
	in := Input{Profile: c.Profile, Activities: slices.Clone(c.Activities), AsOf: c.AsOf, PreviousTier: c.PreviousTier}
	for i := range in.Activities {
		if in.Activities[i].ID == "" {
			in.Activities[i].ID = fmt.Sprintf("activity-%d", i+1)
		}
		if in.Activities[i].Type == "" && !k.broken {
			k.add(fmt.Sprintf("activities[%d]", i), "", "activities[%d]: missing type", i)
		}
	}
	if c.PreviousTier != "" {
		k.tier("previous_tier", c.PreviousTier)
	}
	if c.Profile != nil {
		if len(c.Lead) > 0 || len(c.None) > 0 {
			k.add("lead", "", "a profile and single values exclude each other")
		}
		if !sameSchema(c.Profile.Schema(), k.m.schema) {
			k.add("lead", "", "the profile has another schema than the model")
		}
		return in
	}
	in.Profile = k.m.schema.NewProfile()
	names := make([]string, 0, len(c.Lead))
	for name := range c.Lead {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if def, ok := k.field("lead."+name, name); ok {
			k.set(in.Profile, name, def, c.Lead[name])
		}
	}
	for i, name := range c.None {
		def, ok := k.field(fmt.Sprintf("none[%d]", i), name)
		switch {
		case !ok:
		case in.Profile.Value(def.Name).Presence() != leadloop.Absent:
			k.add(fmt.Sprintf("none[%d]", i), "", "none: %s has a value or stands here twice", def.Name)
		default:
			k.set(in.Profile, name, def, leadloop.NoValue(def.Kind))
		}
	}
	return in
}

func (k caseCheck) field(key, name string) (leadloop.FieldDef, bool) {
	def, ok := k.m.schema.Lookup(fieldName(name))
	if !ok {
		var known []string
		for _, f := range k.m.schema.Fields() {
			known = append(known, f.Name)
		}
		k.add(key, suggest.DidYouMean(fieldName(name), known), "unknown field %q", name)
	}
	return def, ok
}

func (k caseCheck) set(p *leadloop.Profile, name string, def leadloop.FieldDef, value any) {
	if problem := yamldoc.Set(p, def, value); problem != "" {
		k.add("lead."+name, "", "%s", problem)
	}
}

func (k caseCheck) tier(key, name string) {
	if !slices.Contains(k.m.tiers.names, name) {
		k.add(key, k.hint(name, k.m.tiers.names, "the model has no tiers"), "%s: unknown tier %q", key, name)
	}
}

func (caseCheck) hint(name string, known []string, none string) string {
	return cmp.Or(suggest.DidYouMean(name, known), cmp.Or(strings.Join(known, ", "), none))
}

func (k caseCheck) rule(key, id string) {
	var ids []string
	for _, r := range k.m.rules {
		ids = append(ids, r.id)
	}
	for _, c := range k.m.changes {
		ids = append(ids, c.id)
	}
	if !slices.Contains(ids, id) {
		k.add(key, suggest.DidYouMean(id, ids), "%s: unknown rule or modifier %q", strings.TrimRight(key, "[]0123456789"), id)
	}
}

func (k caseCheck) want() {
	w := k.c.Want
	if w.isZero() && !k.broken {
		k.add("want", "", "want: says nothing that could fail")
	}
	if w.Tier != "" && w.Tier != NoTier {
		k.tier("want.tier", w.Tier)
	}
	for i, t := range w.PossibleTiers {
		if t != NoTier {
			k.tier(fmt.Sprintf("want.possible_tiers[%d]", i), t)
		}
	}
	for i, r := range w.Reasons {
		k.rule(fmt.Sprintf("want.reasons[%d]", i), r.Rule)
	}
	for i, id := range w.Without {
		k.rule(fmt.Sprintf("want.without[%d]", i), id)
	}
	for i, f := range w.Needs {
		k.field(fmt.Sprintf("want.needs[%d]", i), f)
	}
	if w.Low != nil && w.High != nil && *w.Low > *w.High {
		k.add("want.low", "", "want.low: is above want.high")
	}
	if code := w.Disqualified; code != "" {
		var codes []string
		for _, r := range k.m.rules {
			if r.disqualify != "" {
				codes = append(codes, r.disqualify)
			}
		}
		if !slices.Contains(codes, code) {
			k.add("want.disqualified", k.hint(code, codes, "no rule disqualifies"), "want.disqualified: unknown reason %q", code)
		}
	}
}
