package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Merge makes from a part of into because a person said that they are the same.
// Both ids stay resolvable, and the task that asked is cancelled. Leads that are
// one already give Known. Where nobody
// decided about into so far, all stages decide about what the two became.
func (l *Loop) Merge(ctx context.Context, into, from leadloop.LeadID, asOf time.Time, actor, reason string) (Result, error) {
	return l.retry(ctx, func() (Result, error) {
		a, err := l.load(ctx, into)
		if err != nil {
			return Result{}, err
		}
		b, err := l.load(ctx, from)
		if err != nil {
			return Result{}, err
		}
		if a.ID == b.ID {
			return Result{Lead: a, Record: from, Known: true, Outcome: leadloop.Outcome{Kind: a.State.Disposition, Reason: a.State.Reason}}, nil
		}
		run := &run{loop: l, lead: b, asOf: asOf, trigger: leadloop.TriggerActivity}
		stage := leadloop.StageFunc("merge", func(context.Context, leadloop.Subject) (leadloop.Outcome, leadloop.Effects, error) {
			return leadloop.Outcome{}, leadloop.Effects{
				MergeInto: a.ID, CancelTasks: []string{leadloop.DuplicateTask(a.ID, b.ID)},
				Events: []leadloop.Event{{Kind: leadloop.EventMerged, Lead: b.ID, To: string(a.ID), Actor: actor, Reason: reason}},
			}, nil
		})
		stages := append(slices.Clone(l.o.Leaving), stage)
		if a.State.Disposition == "" {
			stages = append(stages, l.stages...)
		}
		if err := run.decide(ctx, stages); err != nil {
			return Result{}, err
		}
		return run.commit(ctx)
	})
}

// Part records that a person looked at two leads and said that they are not the
// same: from then on no stage merges them or asks about them, and the task that
// asked is cancelled. It is the answer no where [Loop.Merge] is yes. It returns
// both as committed. Leads that are one are ErrInvalid: see [Loop.Unmerge].
func (l *Loop) Part(ctx context.Context, a, b leadloop.LeadID, asOf time.Time, actor, reason string) (one, other *leadloop.Lead, err error) {
	_, err = l.retry(ctx, func() (Result, error) {
		return Result{}, l.store.Update(ctx, func(tx store.Tx) (err error) {
			if one, err = store.Resolve(ctx, tx.Leads(), a); err != nil {
				return err
			}
			if other, err = store.Resolve(ctx, tx.Leads(), b); err != nil {
				return err
			}
			if one.ID == other.ID {
				return fmt.Errorf("%w: they are one; unmerge them", leadloop.ErrInvalid)
			}
			setApart(one, other)
			for _, lead := range []*leadloop.Lead{one, other} {
				if lead.Revision, err = tx.Leads().Put(ctx, lead); err != nil {
					return err
				}
			}
			if err := tx.Tasks().Cancel(ctx, leadloop.DuplicateTask(one.ID, other.ID)); err != nil {
				return err
			}
			return tx.Journal().Append(ctx, leadloop.Event{Kind: leadloop.EventDifferent, Lead: one.ID, To: string(other.ID), At: asOf, Actor: actor, Reason: reason})
		})
	})
	if err != nil {
		return nil, nil, fmt.Errorf("part lead %s from %s: %w", a, b, err)
	}
	return one, other, nil
}

// setApart makes two leads different, and possible duplicates of each other no more.
func setApart(a, b *leadloop.Lead) {
	a.Different, b.Different = united(a.Different, b.ID), united(b.Different, a.ID)
	a.PossibleDuplicates, b.PossibleDuplicates = notOf(b, a.PossibleDuplicates), notOf(a, b.PossibleDuplicates)
}

// Unmerge takes the merged-away lead from out of the lead that it became part
// of and restores both, with what was claimed since; with a [Follower] also with
// what arrived since and is of the one that is taken out. It returns both as
// committed. From then on only a human merges them again, and a lead that was
// never decided about on its own is decided about by Run or Advance. A lead
// that is not merged is ErrInvalid.
func (l *Loop) Unmerge(ctx context.Context, from leadloop.LeadID, asOf time.Time, actor, reason string) (into, restored *leadloop.Lead, err error) {
	if l.o.Merger == nil {
		return nil, nil, fmt.Errorf("unmerge: %w: the loop has no Merger", leadloop.ErrInvalid)
	}
	_, err = l.retry(ctx, func() (Result, error) {
		err := l.store.Update(ctx, func(tx store.Tx) error {
			tombstone, err := tx.Leads().Get(ctx, from)
			if err != nil {
				return err
			}
			if tombstone.MergedInto == "" {
				return fmt.Errorf("%w: it is not merged", leadloop.ErrInvalid)
			}
			merged, err := tx.Leads().Get(ctx, tombstone.MergedInto)
			if err != nil {
				return err
			}
			if merged.MergedInto != "" {
				return fmt.Errorf("%w: lead %s, which it is part of, is merged itself; unmerge that one first", leadloop.ErrInvalid, merged.ID)
			}
			before := map[leadloop.LeadID]leadloop.State{merged.ID: merged.State, tombstone.ID: tombstone.State}
			later, err := l.mergedSince(ctx, tx, merged, tombstone)
			if err != nil {
				return err
			}
			var moved []*leadloop.Lead
			if into, restored, moved, err = l.part(merged, tombstone, later); err != nil {
				return err
			}
			setApart(into, restored)
			// What was merged on arrival was never decided about on its own.
			if restored.State.DecidedAt.IsZero() {
				task := leadloop.Task{
					Key: fmt.Sprintf("process:%s:%d", restored.ID, asOf.Unix()), Kind: leadloop.TaskProcess, Lead: restored.ID,
					DueAt: asOf, State: leadloop.TaskPending,
				}
				if err := tx.Tasks().Add(ctx, task); err != nil {
					return err
				}
			}
			events := []leadloop.Event{{
				Kind: leadloop.EventUnmerged, Lead: into.ID, To: string(restored.ID), At: asOf, Actor: actor, Reason: reason,
			}}
			for _, record := range moved {
				events = append(events,
					leadloop.Event{Kind: leadloop.EventUnmerged, Lead: into.ID, To: string(record.ID), At: asOf, Actor: actor, Reason: reason},
					leadloop.Event{Kind: leadloop.EventMerged, Lead: record.ID, To: string(restored.ID), At: asOf, Actor: actor, Reason: "follows"})
				if _, err := tx.Leads().Put(ctx, record); err != nil {
					return err
				}
			}
			for _, lead := range []*leadloop.Lead{into, restored} {
				if lead.Revision, err = tx.Leads().Put(ctx, lead); err != nil {
					return err
				}
				e, changed, err := leadloop.StateEvent(lead.ID, asOf, before[lead.ID], lead.State)
				if err != nil {
					return err
				}
				if changed {
					events = append(events, e)
				}
			}
			return tx.Journal().Append(ctx, events...)
		})
		return Result{}, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("unmerge lead %s: %w", from, err)
	}
	return into, restored, nil
}

// mergedSince returns the leads that became part of merged after tombstone did, in that order; none without a Follower, which would ask about them.
func (l *Loop) mergedSince(ctx context.Context, tx store.Tx, merged, tombstone *leadloop.Lead) (later []*leadloop.Lead, err error) {
	if _, ok := l.o.Merger.(Follower); !ok {
		return nil, nil
	}
	for _, id := range merged.Records[slices.Index(merged.Records, tombstone.ID)+1:] {
		record, err := tx.Leads().Get(ctx, id)
		if err != nil {
			return nil, err
		}
		if record.MergedInto == merged.ID { // others came along with one of these
			later = append(later, record)
		}
	}
	return later, nil
}

// part takes tombstone out of merged, and with it those that came later and are its own; moved are these, as they are part of it.
func (l *Loop) part(merged, tombstone *leadloop.Lead, later []*leadloop.Lead) (into, restored *leadloop.Lead, moved []*leadloop.Lead, err error) {
	into = merged
	records := make([]*leadloop.Lead, len(later))
	for i, record := range slices.Backward(later) {
		if into, records[i], err = l.o.Merger.Unmerge(into, record); err != nil {
			return nil, nil, nil, err
		}
	}
	if into, restored, err = l.o.Merger.Unmerge(into, tombstone); err != nil {
		return nil, nil, nil, err
	}
	for _, record := range records { // in the order in which they came, as each may have been found by an earlier one
		if !l.o.Merger.(Follower).Follows(record, restored, into) {
			if into, _, err = l.o.Merger.Merge(into, record); err != nil {
				return nil, nil, nil, err
			}
			continue
		}
		if restored, record, err = l.o.Merger.Merge(restored, record); err != nil {
			return nil, nil, nil, err
		}
		moved = append(moved, record)
	}
	return into, restored, moved, nil
}

// notOf leaves out the ids of a lead and of what is part of it.
func notOf(lead *leadloop.Lead, ids []leadloop.LeadID) []leadloop.LeadID {
	return slices.DeleteFunc(ids, func(id leadloop.LeadID) bool { return id == lead.ID || slices.Contains(lead.Records, id) })
}

// united is a set of ids with one more, in order.
func united(ids []leadloop.LeadID, id leadloop.LeadID) []leadloop.LeadID {
	out := append(slices.Clone(ids), id)
	slices.Sort(out)
	return slices.Compact(out)
}
