package sqlite

import (
	"context"
	"iter"
	"math"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// pageSize is how many rows an iteration reads at once. None stays open
// between pages, so that other calls can be made in between.
const pageSize = 256

type journal struct{ *tx }

func (t journal) Append(ctx context.Context, events ...leadloop.Event) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	for _, e := range events {
		at, err := store.FormatTime(e.At)
		if err != nil {
			return invalid("event of lead", string(e.Lead), err)
		}
		attrs := ""
		if len(e.Attrs) > 0 {
			if attrs, err = document(e.Attrs); err != nil {
				return invalid("event of lead", string(e.Lead), err)
			}
		}
		if err := t.exec(ctx, `INSERT INTO events (kind, lead, at, actor, reason, source, target, attrs) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
			string(e.Kind), string(e.Lead), at, e.Actor, e.Reason, e.From, e.To, attrs); err != nil {
			return err
		}
	}
	return nil
}

const eventColumns = "SELECT seq, kind, lead, at, actor, reason, source, target, attrs FROM events "

func (t journal) ByLead(ctx context.Context, id leadloop.LeadID) iter.Seq2[leadloop.Event, error] {
	return pages(ctx, t.tx, math.MinInt64, func(after int64) ([]leadloop.Event, error) {
		return t.read(ctx, eventColumns+"WHERE lead = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3+0", string(id), after, pageSize)
	}, func(e leadloop.Event) int64 { return e.Seq })
}

func (t journal) Since(ctx context.Context, seq int64) iter.Seq2[leadloop.Event, error] {
	return pages(ctx, t.tx, seq, func(after int64) ([]leadloop.Event, error) {
		return t.read(ctx, eventColumns+"WHERE seq > ?1 ORDER BY seq LIMIT ?2+0", after, pageSize)
	}, func(e leadloop.Event) int64 { return e.Seq })
}

func (t journal) read(ctx context.Context, query string, args ...any) (page []leadloop.Event, err error) {
	err = t.query(ctx, query, func(r *row) {
		page = append(page, leadloop.Event{
			Seq: r.int(), Kind: leadloop.EventKind(r.text()), Lead: leadloop.LeadID(r.text()), At: r.time(),
			Actor: r.text(), Reason: r.text(), From: r.text(), To: r.text(), Attrs: decode[map[string]string](r, "an event"),
		})
	}, args...)
	return page, err
}

// pages yields what read returns page after page, starting after a position;
// at says where an element stands.
func pages[T, P any](ctx context.Context, t *tx, start P, read func(after P) ([]T, error), at func(T) P) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for after := start; ; {
			if err := t.reading(ctx); err != nil {
				yield(none, err)
				return
			}
			page, err := read(after)
			if err != nil {
				yield(none, err)
				return
			}
			for _, x := range page {
				if err := t.reading(ctx); err != nil {
					yield(none, err)
					return
				}
				if !yield(x, nil) {
					return
				}
				after = at(x)
			}
			if len(page) < pageSize {
				return
			}
		}
	}
}

type decisions struct{ *tx }

func (t decisions) Put(ctx context.Context, d leadloop.Decision) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	asOf, err := store.FormatTime(d.AsOf)
	if err != nil {
		return invalid("decision about lead", string(d.Lead), err)
	}
	steps, err := store.EncodeSteps(d.Steps)
	if err != nil {
		return invalid("decision about lead", string(d.Lead), err)
	}
	return t.exec(ctx, `INSERT OR REPLACE INTO decisions (lead, revision, as_of, trigger, playbook, outcome, reason, steps)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
		string(d.Lead), d.Revision, asOf, string(d.Trigger), d.Playbook, string(d.Outcome), d.Reason, string(steps))
}

const decisionColumns = "SELECT lead, revision, as_of, trigger, playbook, outcome, reason, steps, packed FROM decisions WHERE lead = ?1 "

func (t decisions) Latest(ctx context.Context, id leadloop.LeadID) (leadloop.Decision, error) {
	all, err := t.read(ctx, decisionColumns+"ORDER BY revision DESC LIMIT 1", id)
	if err == nil && len(all) == 0 {
		err = notFound("decision about lead", string(id))
	}
	if err != nil {
		return leadloop.Decision{}, err
	}
	return all[0], nil
}

func (t decisions) ByLead(ctx context.Context, id leadloop.LeadID) ([]leadloop.Decision, error) {
	return t.read(ctx, decisionColumns+"ORDER BY revision", id)
}

func (t decisions) read(ctx context.Context, query string, id leadloop.LeadID) (all []leadloop.Decision, err error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	err = t.query(ctx, query, func(r *row) {
		all = append(all, leadloop.Decision{
			Lead: leadloop.LeadID(r.text()), Revision: r.int(), AsOf: r.time(), Trigger: leadloop.Trigger(r.text()), Playbook: r.text(),
			Outcome: leadloop.OutcomeKind(r.text()), Reason: r.text(), Steps: decodeSteps(r, "a decision"),
		})
	}, string(id))
	return all, err
}

func (t decisions) DeleteLead(ctx context.Context, id leadloop.LeadID) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	return t.exec(ctx, "DELETE FROM decisions WHERE lead = ?1", string(id))
}

type keys struct{ *tx }

func (t keys) Claim(ctx context.Context, key string, id leadloop.LeadID) (leadloop.LeadID, bool, error) {
	if err := t.writing(ctx); err != nil {
		return "", false, err
	}
	n, err := t.changed(ctx, "INSERT INTO idempotency_keys (key, lead) VALUES (?1, ?2) ON CONFLICT DO NOTHING", key, string(id))
	if err != nil {
		return "", false, err
	}
	if n == 1 {
		return id, true, nil
	}
	bound, err := t.Lookup(ctx, key)
	return bound, false, err
}

func (t keys) Lookup(ctx context.Context, key string) (leadloop.LeadID, error) {
	if err := t.reading(ctx); err != nil {
		return "", err
	}
	var bound leadloop.LeadID
	found := false
	err := t.query(ctx, "SELECT lead FROM idempotency_keys WHERE key = ?1", func(r *row) { bound, found = leadloop.LeadID(r.text()), true }, key)
	if err == nil && !found {
		// The key itself stays out of the text: hosts may derive it from a person.
		err = notFound("idempotency", "key")
	}
	return bound, err
}

func (t keys) DeleteLead(ctx context.Context, id leadloop.LeadID) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	return t.exec(ctx, "DELETE FROM idempotency_keys WHERE lead = ?1", string(id))
}

type playbooks struct{ *tx }

func (t playbooks) Put(ctx context.Context, digest string, files map[string][]byte) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	n, err := t.changed(ctx, "INSERT INTO playbooks (digest) VALUES (?1) ON CONFLICT DO NOTHING", digest)
	if err != nil || n == 0 {
		return err
	}
	for name, data := range files {
		if data == nil {
			data = []byte{}
		}
		if err := t.exec(ctx, "INSERT INTO playbook_files (digest, name, data) VALUES (?1, ?2, ?3)", digest, name, data); err != nil {
			return err
		}
	}
	return nil
}

func (t playbooks) Get(ctx context.Context, digest string) (map[string][]byte, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	found := false
	if err := t.query(ctx, "SELECT digest FROM playbooks WHERE digest = ?1", func(*row) { found = true }, digest); err != nil {
		return nil, err
	}
	if !found {
		return nil, notFound("playbook", digest)
	}
	files := map[string][]byte{}
	err := t.query(ctx, "SELECT name, data FROM playbook_files WHERE digest = ?1", func(r *row) { files[r.text()] = r.blob() }, digest)
	return files, err
}
