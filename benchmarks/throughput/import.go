package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
)

// importing measures SubmitAll, 500 leads a transaction, against the same rows
// by hand: COPY into the same tables with the same indexes, or with SQLite
// prepared statements, as many a transaction.
func importing(ctx context.Context, s settings, p place) ([]figure, error) {
	atATime := min(500, s.leads)
	name := p.fresh()
	st, err := p.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = st.Close() }()
	loop, err := newLoop(ctx, st, engine.Options{})
	if err != nil {
		return nil, err
	}
	r := &recorder{Store: st}
	recording, err := newLoop(ctx, r, engine.Options{})
	if err != nil {
		return nil, err
	}
	hands, err := p.hands(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range hands {
		defer func() { _ = h.close() }()
	}
	byHand := hands[0]
	var ours, theirs []cost
	for round := range s.rounds {
		subs := make([]leadloop.Submission, atATime)
		for i := range subs {
			subs[i] = submission(round*2*atATime + i)
		}
		c, err := p.timed(ctx, func() error {
			_, err := loop.SubmitAll(ctx, subs)
			return err
		})
		if err != nil {
			return nil, err
		}
		ours = append(ours, c)
		// The rows of as many other leads, recorded one by one and then taken
		// out again.
		r.commits = nil
		for i := range atATime {
			if _, err := recording.Submit(ctx, submission(round*2*atATime+atATime+i)); err != nil {
				return nil, err
			}
		}
		c, err = p.timed(ctx, func() error { return byHand.bulk(ctx, r.commits) })
		if err != nil {
			return nil, err
		}
		theirs = append(theirs, c)
	}
	line := figure{Name: "SubmitAll", Values: perLead(ours, atATime)}
	line.Values["of hand, %, CPU"] = 100 * paired(theirs, ours, func(c cost) time.Duration { return c.cpu })
	line.Values["of hand, %, wall"] = 100 * paired(theirs, ours, func(c cost) time.Duration { return c.wall })
	return []figure{{Name: byHand.bulkName, Values: perLead(theirs, atATime)}, line}, nil
}

// copyAll writes commits of submissions with COPY, all in one transaction.
func copyAll(ctx context.Context, c *pgx.Conn, commits []commit) error {
	var leads, identifiers, keys, tasks, events [][]any
	for _, c := range commits {
		l := c.lead
		keys = append(keys, []any{c.key, c.keyLead})
		leads = append(leads, []any{l.id, l.revision, l.owner, l.since, l.disposition, l.mergedInto, l.document})
		for _, i := range c.identifiers {
			identifiers = append(identifiers, []any{i.Kind, i.Value, l.id})
		}
		for _, t := range c.tasks {
			tasks = append(tasks, []any{t.key, t.kind, t.lead, t.due, t.outside, t.priority, t.payload, t.tokens, "pending", 0, 0, never, t.due, ""})
		}
		for _, e := range c.events {
			events = append(events, []any{e.kind, e.lead, e.at, e.actor, e.reason, e.from, e.to, e.attrs})
		}
	}
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		for _, t := range []struct {
			name    string
			columns []string
			rows    [][]any
		}{
			{"idempotency_keys", []string{"key", "lead"}, keys},
			{"leads", []string{"id", "revision", "owner", "owner_since", "disposition", "merged_into", "document"}, leads},
			{"lead_identifiers", []string{"kind", "value", "lead"}, identifiers},
			{"tasks", []string{"key", "kind", "lead", "due_at", "outside", "priority", "payload", "tokens", "state", "attempts", "lease", "leased_until", "free_at", "last_error"}, tasks},
			{"events", []string{"kind", "lead", "at", "actor", "reason", "source", "target", "attrs"}, events},
		} {
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
				return err
			}
		}
		return nil
	})
}
