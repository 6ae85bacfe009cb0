package postgres

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// pageSize is how many rows an iteration reads at once. None stays open
// between pages, so that other calls can be made in between.
const pageSize = 256

type journal struct{ *tx }

// Append keeps the entries until the transaction ends or reads the journal:
// from the moment an entry has its number until the commit no other transaction
// gets one, and that should be short.
func (t journal) Append(ctx context.Context, events ...leadloop.Event) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	for _, e := range events {
		if _, err := store.FormatTime(e.At); err != nil {
			return invalid("event of lead", string(e.Lead), err)
		}
		e.Attrs = maps.Clone(e.Attrs)
		t.events = append(t.events, e)
	}
	return nil
}

// number lets the entries that wait have their numbers, with the statement that
// is sent next.
func (t *tx) number(ctx context.Context) error {
	if len(t.events) == 0 {
		return nil
	}
	columns := make([][]string, len(eventFields))
	for _, e := range t.events {
		at, err := store.FormatTime(e.At)
		if err != nil {
			return invalid("event of lead", string(e.Lead), err)
		}
		attrs := ""
		if len(e.Attrs) > 0 {
			b, err := json.Marshal(e.Attrs)
			if err != nil {
				return invalid("event of lead", string(e.Lead), err)
			}
			attrs = string(b)
		}
		for i, text := range []string{string(e.Kind), string(e.Lead), at, e.Actor, e.Reason, e.From, e.To, attrs} {
			columns[i] = append(columns[i], text)
		}
	}
	n := len(t.events)
	t.events = nil
	if err := t.later(ctx, "SELECT pg_advisory_xact_lock($1)", t.journal); err != nil {
		return err
	}
	if n >= worthCopying {
		rows := make([][]any, n)
		for i := range rows {
			for _, c := range columns {
				rows[i] = append(rows[i], c[i])
			}
		}
		return t.copy(ctx, "events", eventFields, rows)
	}
	return t.later(ctx, `INSERT INTO {events} (kind, lead, at, actor, reason, source, target, attrs)
		SELECT kind, lead, at, actor, reason, source, target, attrs
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
			WITH ORDINALITY AS e (kind, lead, at, actor, reason, source, target, attrs, n)
		ORDER BY n`, columns[0], columns[1], columns[2], columns[3], columns[4], columns[5], columns[6], columns[7])
}

// eventFields are the columns of an entry but for its number.
var eventFields = []string{"kind", "lead", "at", "actor", "reason", "source", "target", "attrs"}

const eventColumns = "SELECT seq, kind, lead, at, actor, reason, source, target, attrs FROM {events} "

func (t journal) ByLead(ctx context.Context, id leadloop.LeadID) iter.Seq2[leadloop.Event, error] {
	return pages(ctx, t.tx, math.MinInt64, func(after int64) ([]leadloop.Event, error) {
		return t.read(ctx, eventColumns+"WHERE lead = $1 AND seq > $2 ORDER BY seq LIMIT $3", string(id), after, pageSize)
	}, func(e leadloop.Event) int64 { return e.Seq })
}

func (t journal) Since(ctx context.Context, seq int64) iter.Seq2[leadloop.Event, error] {
	return pages(ctx, t.tx, seq, func(after int64) ([]leadloop.Event, error) {
		return t.read(ctx, eventColumns+"WHERE seq > $1 ORDER BY seq LIMIT $2", after, pageSize)
	}, func(e leadloop.Event) int64 { return e.Seq })
}

func (t journal) read(ctx context.Context, query string, args ...any) (page []leadloop.Event, err error) {
	if err := t.number(ctx); err != nil {
		return nil, err
	}
	err = t.rows(ctx, query, func(rows pgx.Rows) error {
		var e leadloop.Event
		err := rows.Scan(&e.Seq, (*string)(&e.Kind), (*string)(&e.Lead), moment{&e.At}, &e.Actor, &e.Reason, &e.From, &e.To, document{&e.Attrs})
		page = append(page, e)
		return err
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
	return t.later(ctx, `INSERT INTO {decisions} (lead, revision, as_of, trigger, playbook, outcome, reason, steps)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (lead, revision) DO UPDATE SET as_of = excluded.as_of, trigger = excluded.trigger, playbook = excluded.playbook,
			outcome = excluded.outcome, reason = excluded.reason, steps = excluded.steps`,
		string(d.Lead), d.Revision, asOf, string(d.Trigger), d.Playbook, string(d.Outcome), d.Reason, string(steps))
}

const decisionColumns = "SELECT lead, revision, as_of, trigger, playbook, outcome, reason, steps FROM {decisions} WHERE lead = $1 "

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

// steps scans the steps of a decision.
type steps struct{ to *[]leadloop.Step }

func (s steps) Scan(src any) (err error) {
	text, ok := src.(string)
	if !ok {
		return damaged("a decision", nil)
	}
	if *s.to, err = store.DecodeSteps([]byte(text)); err != nil {
		return damaged("a decision", err)
	}
	return nil
}

func (t decisions) read(ctx context.Context, query string, id leadloop.LeadID) (all []leadloop.Decision, err error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	err = t.rows(ctx, query, func(rows pgx.Rows) error {
		var d leadloop.Decision
		err := rows.Scan((*string)(&d.Lead), &d.Revision, moment{&d.AsOf}, (*string)(&d.Trigger), &d.Playbook, (*string)(&d.Outcome), &d.Reason, steps{&d.Steps})
		all = append(all, d)
		return err
	}, string(id))
	return all, err
}

func (t decisions) DeleteLead(ctx context.Context, id leadloop.LeadID) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	return t.later(ctx, "DELETE FROM {decisions} WHERE lead = $1", string(id))
}

type keys struct{ *tx }

func (t keys) Claim(ctx context.Context, key string, id leadloop.LeadID) (leadloop.LeadID, bool, error) {
	if err := t.writing(ctx); err != nil {
		return "", false, err
	}
	n, err := t.exec(ctx, "INSERT INTO {idempotency_keys} (key, lead) VALUES ($1, $2) ON CONFLICT DO NOTHING", searchable(key), string(id))
	if err != nil {
		return "", false, err
	}
	if n == 1 {
		return id, true, nil
	}
	bound, err := t.Lookup(ctx, key)
	return bound, false, err
}

func (t keys) Lookup(ctx context.Context, key string) (bound leadloop.LeadID, err error) {
	if err := t.reading(ctx); err != nil {
		return "", err
	}
	found := false
	err = t.rows(ctx, "SELECT lead FROM {idempotency_keys} WHERE key = $1", func(rows pgx.Rows) error {
		found = true
		return rows.Scan((*string)(&bound))
	}, searchable(key))
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
	_, err := t.exec(ctx, "DELETE FROM {idempotency_keys} WHERE lead = $1", string(id))
	return err
}

type playbooks struct{ *tx }

func (t playbooks) Put(ctx context.Context, digest string, files map[string][]byte) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	n, err := t.exec(ctx, "INSERT INTO {playbooks} (digest) VALUES ($1) ON CONFLICT DO NOTHING", digest)
	if err != nil || n == 0 {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		data := files[name]
		if data == nil {
			data = []byte{}
		}
		if _, err := t.exec(ctx, "INSERT INTO {playbook_files} (digest, name, data) VALUES ($1, $2, $3)", digest, name, data); err != nil {
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
	if err := t.rows(ctx, "SELECT FROM {playbooks} WHERE digest = $1", func(pgx.Rows) error { found = true; return nil }, digest); err != nil {
		return nil, err
	}
	if !found {
		return nil, notFound("playbook", digest)
	}
	files := map[string][]byte{}
	err := t.rows(ctx, "SELECT name, data FROM {playbook_files} WHERE digest = $1", func(rows pgx.Rows) error {
		var name string
		var data []byte
		err := rows.Scan(&name, &data)
		files[name] = data
		return err
	}, digest)
	return files, err
}
