package playbook

import (
	"context"
	"slices"

	"github.com/leadloop/leadloop/scoring"
)

// scoreByOther does what score does for a model whose expressions the outlook
// does not have, because another playbook's model is in force. What the model
// says that its score depends on is opened without trying values, unless every
// value leads to the same tier.
func (l *look) scoreByOther(ctx context.Context, _ map[string]*doubt) ([]string, error) {
	e, err := l.model.Explain(ctx, l.input(l.bare))
	if err != nil || e.Disqualified != "" {
		return nil, err
	}
	needs := slices.DeleteFunc(slices.Clone(e.Needs), func(f string) bool { return !slices.Contains(l.fields, f) })
	if len(needs) == 0 {
		if l.now.Disqualified != "" {
			return nil, nil
		}
		return []string{l.now.Tier}, nil
	}
	rejectable := slices.ContainsFunc(e.Contributions, func(c scoring.Contribution) bool { return c.Group == "" && c.State == scoring.Undecided })
	decided := len(e.PossibleTiers) == 1 && e.PossibleTiers[0] == l.now.Tier
	if decided && !rejectable && !l.o.byScore && l.now.Known && l.now.Disqualified == "" {
		return []string{l.now.Tier}, nil
	}
	deciding, err := l.model.Deciding(ctx, l.input(l.bare))
	if err != nil {
		return nil, err
	}
	for _, f := range needs {
		weight := weightTogether
		if slices.Contains(deciding, f) {
			weight = weightAlone
		}
		l.matters(f, weight, "tier")
	}
	l.otherOpen = true
	tiers := e.PossibleTiers
	if !slices.Contains(tiers, l.now.Tier) {
		tiers = append(tiers, l.now.Tier)
	}
	return tiers, nil
}

// settle finds out which doubtful fields matter. While another model's score is
// open, completions can't be enumerated, and all of them may.
func (l *look) settle(ctx context.Context, doubtful map[string]*doubt) error {
	if !l.otherOpen {
		return l.try(ctx, doubtful)
	}
	for f, d := range doubtful {
		l.matters(f, weightTogether, d.what)
	}
	return nil
}
