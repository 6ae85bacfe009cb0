package dedupe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe/match"
	"github.com/leadloop/leadloop/store"
)

// LeadIndex is a [Finder] over the leads of a store: a match.Index proposes, and the model compares with what the store says now.
//
// The store is the truth. The index is a memory of it, made by [LeadIndex.Fill] when a process starts and kept up by [LeadIndex.Stage] or
// [LeadIndex.Put]. A lead that it does not know yet, such as one that another process has just taken in, is not found by the model, only by its
// identifiers; one that it knows but the store does not (its decision was never committed, or it was erased) is passed over. So a crash loses and
// breaks nothing.
//
// It is safe for concurrent use.
type LeadIndex struct {
	index  *match.Index
	st     store.Store
	schema *leadloop.Schema
	policy leadloop.SurvivorshipPolicy
	fields []match.Field
}

// NewLeadIndex returns a LeadIndex over x. The fields of x's model are named as [MatchRecord] understands them, such as [MatchFields]; the review
// threshold of x is that of [Options] or lower. Policy is the loop's; nil means DefaultPolicy.
func NewLeadIndex(st store.Store, schema *leadloop.Schema, policy leadloop.SurvivorshipPolicy, x *match.Index) *LeadIndex {
	if policy == nil {
		policy = defaultPolicy()
	}
	return &LeadIndex{index: x, st: st, schema: schema, policy: policy, fields: x.Model().Fields()}
}

// leadsAtATime is how many leads are read in one View.
const leadsAtATime = 500

// Fill puts all leads of the store into the index, and takes out those that were in it and are in the store no more. It is called once at start, and may
// be called again at any time. After match.ReadIndex it brings the snapshot up to date; call match.Index.Compact if leads were erased since.
func (x *LeadIndex) Fill(ctx context.Context) error {
	gone := map[string]bool{}
	for _, id := range x.index.IDs() {
		gone[id] = true
	}
	after := leadloop.LeadID("")
	for {
		var leads []*leadloop.Lead
		err := x.st.View(ctx, func(tx store.Tx) (err error) {
			leads, err = tx.Leads().List(ctx, after, leadsAtATime)
			return err
		})
		if err != nil {
			return fmt.Errorf("fill index: %w", err)
		}
		for _, l := range leads {
			if err := x.Put(l); err != nil {
				return err
			}
			after = l.ID
			delete(gone, string(l.ID))
		}
		if len(leads) < leadsAtATime {
			return x.forget(ctx, gone)
		}
	}
}

// forget takes out those of some leads that the store does not have: others came while the index was filled.
func (x *LeadIndex) forget(ctx context.Context, ids map[string]bool) error {
	return x.st.View(ctx, func(tx store.Tx) error {
		for id := range ids {
			_, err := tx.Leads().Get(ctx, leadloop.LeadID(id))
			switch {
			case errors.Is(err, leadloop.ErrNotFound):
				x.index.Delete(id)
			case err != nil:
				return fmt.Errorf("fill index: %w", err)
			}
		}
		return nil
	})
}

// Put makes the index know a lead as it is now, with whom it is different from. A lead that was merged away is taken out: the one that it became
// part of stands for it.
func (x *LeadIndex) Put(l *leadloop.Lead) error {
	if l.MergedInto != "" {
		x.Delete(l.ID)
		return nil
	}
	if err := x.index.Upsert(x.record(l)); err != nil {
		return fmt.Errorf("index lead %s: %w", l.ID, err)
	}
	for _, other := range l.Different {
		if other == l.ID {
			continue
		}
		if err := x.index.Decide(match.Decision{A: string(l.ID), B: string(other)}); err != nil {
			return fmt.Errorf("index lead %s: %w", l.ID, err)
		}
	}
	return nil
}

// Delete makes the index forget a lead, for one that is erased.
func (x *LeadIndex) Delete(id leadloop.LeadID) { x.index.Delete(string(id)) }

// Stage returns the stage "index", which puts the lead of each run into the index and changes nothing else. It belongs last, among the Records of a
// loop, where it also sees what the lead became part of. It runs before the commit; see [LeadIndex] for what that means.
func (x *LeadIndex) Stage() leadloop.Stage {
	return leadloop.StageFunc("index", func(_ context.Context, s leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
		return leadloop.Outcome{}, leadloop.Effects{}, x.Put(s.Lead)
	})
}

// foundLeads is how many leads Find returns at most.
const foundLeads = 10

// Find returns the leads that l may be, each compared with what the store has of it. The explanation is a match.Pair: fields, levels and weights.
func (x *LeadIndex) Find(ctx context.Context, l *leadloop.Lead) ([]Candidate, error) {
	row := x.record(l)
	proposed, err := x.index.Lookup(ctx, row, foundLeads)
	if err != nil || len(proposed) == 0 {
		return nil, err
	}
	var out []Candidate
	err = x.st.View(ctx, func(tx store.Tx) error {
		out = nil
		for _, p := range proposed {
			other, err := store.Resolve(ctx, tx.Leads(), leadloop.LeadID(p.ID))
			if errors.Is(err, leadloop.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if other.ID == l.ID {
				continue
			}
			c, ok, err := x.compare(row, other)
			if err != nil {
				return err
			}
			if ok {
				out = append(out, c)
			}
		}
		return nil
	})
	return out, err
}

// compare says how likely a row is a lead; ok is false if a unique field forbids it.
func (x *LeadIndex) compare(row match.Record, l *leadloop.Lead) (c Candidate, ok bool, err error) {
	pair, err := x.index.Model().Compare(row, x.record(l))
	if err != nil || len(pair.Conflict) > 0 {
		return c, false, err
	}
	explanation, err := json.Marshal(pair)
	return Candidate{Lead: l.ID, Probability: pair.Probability, Explanation: explanation}, err == nil, err
}

func (x *LeadIndex) record(l *leadloop.Lead) match.Record {
	return MatchRecord(l, x.schema, x.policy, x.fields)
}
