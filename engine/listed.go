package engine

import (
	"context"
	"slices"

	"github.com/leadloop/leadloop/store"
)

// listedAmong returns for each run why its lead is not to be stored, "" if it is,
// and which of the tokens that the runs rely on are suppressed. The store is
// asked once for all: nearly always nobody is on the list.
func listedAmong(ctx context.Context, tx store.Tx, runs []*run) (reasons []string, listed map[string]bool, err error) {
	reasons = make([]string, len(runs))
	asked := make([][]string, len(runs))
	var all []string
	for i, r := range runs {
		if reasons[i], err = r.forgotten(ctx, unlisted{tx, &asked[i]}); err != nil {
			return nil, nil, err
		}
		all = append(all, asked[i]...)
		for _, g := range r.guards {
			all = append(all, g.Tokens...)
		}
	}
	if len(all) == 0 {
		return reasons, nil, nil
	}
	hits, err := tx.Suppressions().Match(ctx, all)
	if err != nil || len(hits) == 0 {
		return reasons, nil, err
	}
	listed = map[string]bool{}
	for _, s := range hits {
		listed[s.Token] = true
	}
	for i, r := range runs {
		if slices.ContainsFunc(asked[i], func(token string) bool { return listed[token] }) {
			if reasons[i], err = r.forgotten(ctx, tx); err != nil {
				return nil, nil, err
			}
		}
	}
	return reasons, listed, nil
}

// unlisted is a transaction in which nobody is suppressed, which notes who was
// asked about.
type unlisted struct {
	store.Tx
	asked *[]string
}

func (t unlisted) Suppressions() store.Suppressions {
	return noSuppressions{t.Tx.Suppressions(), t.asked}
}

type noSuppressions struct {
	store.Suppressions
	asked *[]string
}

func (s noSuppressions) Match(_ context.Context, tokens []string) ([]store.Suppression, error) {
	*s.asked = append(*s.asked, tokens...)
	return nil, nil
}
