package main

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// commit is what one Update of the loop wrote, as rows that are ready to be
// written by hand: all JSON is made, all times are text.
type commit struct {
	key, keyLead string
	lead         leadRow
	identifiers  []leadloop.Identifier
	tasks        []taskRow
	events       []eventRow
	decision     *decisionRow
	moves        []moveRow
}

type (
	leadRow struct {
		id, owner, since, disposition, mergedInto, document string
		revision                                            int64
	}
	taskRow struct {
		key, kind, lead, due, payload, tokens string
		outside                               bool
		priority                              int64
	}
	eventRow    struct{ kind, lead, at, actor, reason, from, to, attrs string }
	decisionRow struct {
		lead, asOf, trigger, playbook, outcome, reason, steps string
		revision                                              int64
	}
	moveRow struct {
		pool     string
		revision int64
		balances string // after the move
	}
)

// record lets the loop decide about n leads in memory and returns what it
// committed, lead by lead.
func record(ctx context.Context, n int) ([]commit, error) {
	r := &recorder{Store: memstore.New()}
	loop, err := newLoop(ctx, r, engine.Options{})
	if err != nil {
		return nil, err
	}
	r.commits = nil // the playbook's own
	for i := range n {
		s := submission(i)
		if _, err := loop.Process(ctx, s, s.ReceivedAt); err != nil {
			return nil, err
		}
	}
	return r.commits, nil
}

type recorder struct {
	store.Store
	commits []commit
}

func (r *recorder) Update(ctx context.Context, f func(tx store.Tx) error) error {
	var c commit
	err := r.Store.Update(ctx, func(tx store.Tx) error {
		c = commit{}
		return f(recordTx{tx, &c})
	})
	if err == nil {
		r.commits = append(r.commits, c)
	}
	return err
}

type recordTx struct {
	store.Tx
	c *commit
}

func (t recordTx) Leads() store.Leads         { return recordLeads{t.Tx.Leads(), t.c} }
func (t recordTx) Keys() store.Keys           { return recordKeys{t.Tx.Keys(), t.c} }
func (t recordTx) Tasks() store.Tasks         { return recordTasks{t.Tx.Tasks(), t.c} }
func (t recordTx) Journal() store.Journal     { return recordJournal{t.Tx.Journal(), t.c} }
func (t recordTx) Decisions() store.Decisions { return recordDecisions{t.Tx.Decisions(), t.c} }
func (t recordTx) Rotations() store.Rotations { return recordRotations{t.Tx.Rotations(), t.c} }

type recordLeads struct {
	store.Leads
	c *commit
}

func (r recordLeads) Put(ctx context.Context, l *leadloop.Lead) (int64, error) {
	revision, err := r.Leads.Put(ctx, l)
	if err != nil {
		return 0, err
	}
	document, err := store.EncodeLead(l, revision)
	if err != nil {
		return 0, err
	}
	since, err := store.FormatTime(l.State.OwnerSince)
	r.c.lead = leadRow{string(l.ID), string(l.State.Owner), since, string(l.State.Disposition), string(l.MergedInto), string(document), revision}
	r.c.identifiers = slices.Clone(l.Identifiers)
	return revision, err
}

type recordKeys struct {
	store.Keys
	c *commit
}

func (r recordKeys) Claim(ctx context.Context, key string, id leadloop.LeadID) (leadloop.LeadID, bool, error) {
	r.c.key, r.c.keyLead = key, string(id)
	return r.Keys.Claim(ctx, key, id)
}

type recordTasks struct {
	store.Tasks
	c *commit
}

func (r recordTasks) Add(ctx context.Context, tasks ...leadloop.Task) error {
	for _, t := range tasks {
		due, err := store.FormatTime(t.DueAt)
		if err != nil {
			return err
		}
		tokens, err := text(t.Tokens, len(t.Tokens))
		if err != nil {
			return err
		}
		r.c.tasks = append(r.c.tasks, taskRow{t.Key, t.Kind, string(t.Lead), due, string(t.Payload), tokens, t.Outside, int64(t.Priority)})
	}
	return r.Tasks.Add(ctx, tasks...)
}

type recordJournal struct {
	store.Journal
	c *commit
}

func (r recordJournal) Append(ctx context.Context, events ...leadloop.Event) error {
	for _, e := range events {
		at, err := store.FormatTime(e.At)
		if err != nil {
			return err
		}
		attrs, err := text(e.Attrs, len(e.Attrs))
		if err != nil {
			return err
		}
		r.c.events = append(r.c.events, eventRow{string(e.Kind), string(e.Lead), at, e.Actor, e.Reason, e.From, e.To, attrs})
	}
	return r.Journal.Append(ctx, events...)
}

type recordDecisions struct {
	store.Decisions
	c *commit
}

func (r recordDecisions) Put(ctx context.Context, d leadloop.Decision) error {
	asOf, err := store.FormatTime(d.AsOf)
	if err != nil {
		return err
	}
	steps, err := store.EncodeSteps(d.Steps)
	if err != nil {
		return err
	}
	r.c.decision = &decisionRow{string(d.Lead), asOf, string(d.Trigger), d.Playbook, string(d.Outcome), d.Reason, string(steps), d.Revision}
	return r.Decisions.Put(ctx, d)
}

type recordRotations struct {
	store.Rotations
	c *commit
}

func (r recordRotations) Move(ctx context.Context, m leadloop.LedgerMove) error {
	if err := r.Rotations.Move(ctx, m); err != nil {
		return err
	}
	after, err := r.Get(ctx, m.Pool)
	if err != nil {
		return err
	}
	balances, err := store.EncodeBalances(after.Balances)
	r.c.moves = append(r.c.moves, moveRow{m.Pool, after.Revision, string(balances)})
	return err
}

// text is JSON, or "" for none.
func text(v any, n int) (string, error) {
	if n == 0 {
		return "", nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}
