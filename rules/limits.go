package rules

import (
	"errors"
	"fmt"

	"github.com/leadloop/leadloop"
)

// Limits bound what an expression may be and how much it may do. A zero field
// means the default of [DefaultLimits].
type Limits struct {
	// SourceBytes is the longest accepted expression text.
	SourceBytes int
	// Depth is the deepest accepted expression tree, after all(), exists()
	// and the like are expanded.
	Depth int
	// Nesting is how many comprehensions (all, exists, map, filter) may stand
	// inside one another.
	Nesting int
	// RegexProgram is the largest compiled size of a matches() pattern, in
	// RE2 instructions.
	RegexProgram int
	// ListItems and StringBytes cap what a rule may read. A rule that reads a
	// longer list or string fails; it never sees a part of it.
	ListItems, StringBytes int
	// ItemBytes caps one item of a list and one value of an activity, which
	// rules go through many at a time.
	ItemBytes int
	// Activities caps the raw list "activities" for rules that read it. The
	// functions count, last, since and seen have no such cap.
	Activities int
	// Rules is how many rules one Compile accepts.
	Rules int
	// Cost is the budget of one evaluation of one rule in cel-go's units, about
	// a tenth of a microsecond each: the worst case under the caps above must
	// fit it, or the rule is refused. It also bounds memory, at some ten bytes
	// for a unit. Rules that are left to cel-go ([TierCEL]), which is slower,
	// must fit a fifth of it, and are stopped when it is used up.
	Cost uint64
}

// DefaultLimits are the limits that a zero [Limits] stands for.
func DefaultLimits() Limits {
	return Limits{
		SourceBytes:  2048,
		Depth:        40,
		Nesting:      2,
		RegexProgram: 500,
		ListItems:    256,
		StringBytes:  4096,
		ItemBytes:    1024,
		Activities:   1000,
		Rules:        4096,
		Cost:         1_000_000,
	}
}

func (l Limits) withDefaults() (Limits, error) {
	d := DefaultLimits()
	var errs []error
	for _, f := range []struct {
		name     string
		got      *int
		standard int
	}{
		{"SourceBytes", &l.SourceBytes, d.SourceBytes},
		{"Depth", &l.Depth, d.Depth},
		{"Nesting", &l.Nesting, d.Nesting},
		{"RegexProgram", &l.RegexProgram, d.RegexProgram},
		{"ListItems", &l.ListItems, d.ListItems},
		{"StringBytes", &l.StringBytes, d.StringBytes},
		{"ItemBytes", &l.ItemBytes, d.ItemBytes},
		{"Activities", &l.Activities, d.Activities},
		{"Rules", &l.Rules, d.Rules},
	} {
		switch {
		case *f.got == 0:
			*f.got = f.standard
		case *f.got < 0:
			errs = append(errs, fmt.Errorf("limit %s: %w: is negative", f.name, leadloop.ErrInvalid))
		}
	}
	if l.Cost == 0 {
		l.Cost = d.Cost
	}
	return l, errors.Join(errs...)
}
