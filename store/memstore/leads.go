package memstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

type leads struct{ *tx }

func (r leads) Get(ctx context.Context, id leadloop.LeadID) (*leadloop.Lead, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	l, ok := r.state.leads.get(id)
	if !ok {
		return nil, notFound("lead", string(id))
	}
	return l.Clone(), nil
}

func (r leads) Put(ctx context.Context, l *leadloop.Lead) (int64, error) {
	if err := r.writing(ctx); err != nil {
		return 0, err
	}
	old, exists := r.state.leads.get(l.ID)
	var stored int64
	if exists {
		stored = old.Revision
	}
	if stored != l.Revision {
		return 0, fmt.Errorf("lead %s: %w: revision %d is stored, not %d", l.ID, leadloop.ErrConflict, stored, l.Revision)
	}
	if exists {
		r.unindex(old)
	}
	kept := keepLead(l)
	kept.Revision++
	r.state.leads.put(kept.ID, kept)
	r.index(kept)
	return kept.Revision, nil
}

// index makes l findable, unless it is merged away.
func (r leads) index(l *leadloop.Lead) {
	if l.MergedInto != "" {
		return
	}
	for _, i := range l.Identifiers {
		r.state.leadsByIdent.put(identKey(i, string(l.ID)), l.ID)
	}
	if l.State.Owner != "" {
		r.state.leadsByOwner.put(ownerKey(l), struct{}{})
		r.count(l, 1)
	}
}

func (r leads) unindex(l *leadloop.Lead) {
	if l.MergedInto != "" {
		return
	}
	for _, i := range l.Identifiers {
		r.state.leadsByIdent.drop(identKey(i, string(l.ID)))
	}
	if l.State.Owner != "" {
		r.state.leadsByOwner.drop(ownerKey(l))
		r.count(l, -1)
	}
}

func (r leads) count(l *leadloop.Lead, d int) {
	if l.State.Disposition == leadloop.OutcomeAssigned {
		n, _ := r.state.openByOwner.get(l.State.Owner)
		r.state.openByOwner.put(l.State.Owner, n+d)
	}
}

func ownerKey(l *leadloop.Lead) key {
	return key{a: string(l.State.Owner), t: l.State.OwnerSince, b: string(l.ID)}
}

func identKey(i leadloop.Identifier, id string) key {
	return key{a: i.Kind, b: i.Value, c: id}
}

// identified returns the ids that idents lists for any of the identifiers,
// each once, in order.
func identified[K ~string](idents index[K], ids []leadloop.Identifier) []K {
	var found []K
	for _, i := range ids {
		for k, id := range idents.from(identKey(i, "")) {
			if k.a != i.Kind || k.b != i.Value {
				break
			}
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func (r leads) Match(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.LeadID, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	return identified(r.state.leadsByIdent, ids), nil
}

func (r leads) List(ctx context.Context, after leadloop.LeadID, limit int) ([]*leadloop.Lead, error) {
	if err := r.reading(ctx); err != nil {
		return nil, err
	}
	var page []*leadloop.Lead
	for id, l := range r.state.leads.from(after) {
		if len(page) >= limit {
			break
		}
		if id != after {
			page = append(page, l.Clone())
		}
	}
	return page, nil
}

func (r leads) Workload(ctx context.Context, owner leadloop.RepID, asOf time.Time) (store.Workload, error) {
	if err := r.reading(ctx); err != nil {
		return store.Workload{}, err
	}
	var w store.Workload
	w.Open, _ = r.state.openByOwner.get(owner)
	day, week := asOf.Add(-24*time.Hour), asOf.Add(-7*24*time.Hour)
	for k := range r.state.leadsByOwner.from(key{a: string(owner), t: week}) {
		if k.a != string(owner) || k.t.After(asOf) {
			break
		}
		if k.t.After(week) {
			w.Week++
		}
		if k.t.After(day) {
			w.Day++
		}
	}
	return w, nil
}

func (r leads) Delete(ctx context.Context, id leadloop.LeadID) error {
	if err := r.writing(ctx); err != nil {
		return err
	}
	l, ok := r.state.leads.get(id)
	if !ok {
		return notFound("lead", string(id))
	}
	r.unindex(l)
	r.state.leads.drop(id)
	return nil
}
