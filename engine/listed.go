package engine

import (
	"context"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// identify finds the tokens that the lead may be listed under. It takes longer than
// most of a commit, so it is done before the transaction.
func (r *run) identify() {
	// What is stored already is for an erasure to delete.
	if r.loop.o.Forgotten != nil && r.lead.Revision == 0 {
		r.own = r.loop.o.Forgotten.Listed(r.lead)
	}
}

// listedAmong returns for each run why its lead is not to be stored, "" if it is,
// and which of the tokens that the runs rely on are suppressed. The store is
// asked once for all: nearly always nobody is on the list.
func listedAmong(ctx context.Context, tx store.Tx, runs []*run) (reasons []string, listed map[string]bool, err error) {
	reasons = make([]string, len(runs))
	var all []string
	for _, r := range runs {
		all = append(all, r.own...)
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
		if slices.ContainsFunc(r.own, func(token string) bool { return listed[token] }) {
			if reasons[i], err = r.forget(ctx, tx, hits); err != nil {
				return nil, nil, err
			}
		}
	}
	return reasons, listed, nil
}

// forget asks whether the lead is dropped, and journals once that nothing of it
// is stored.
func (r *run) forget(ctx context.Context, tx store.Tx, hits []store.Suppression) (reason string, err error) {
	if reason, err = r.loop.o.Forgotten.Forget(ctx, tx, r.lead, hits, r.asOf); err != nil || reason == "" {
		return "", err
	}
	for e, err := range tx.Journal().ByLead(ctx, r.lead.ID) {
		if err != nil {
			return "", err
		}
		if e.Kind == leadloop.EventDropped {
			return reason, nil
		}
	}
	return reason, tx.Journal().Append(ctx, leadloop.Event{Kind: leadloop.EventDropped, Lead: r.lead.ID, At: r.asOf, Reason: reason})
}
