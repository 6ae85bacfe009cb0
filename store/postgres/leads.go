package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

type leads struct{ *tx }

func (t leads) Get(ctx context.Context, id leadloop.LeadID) (*leadloop.Lead, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	all, err := t.read(ctx, "SELECT document::text FROM {leads} WHERE id = $1", string(id))
	if err == nil && len(all) == 0 {
		err = notFound("lead", string(id))
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func (t leads) read(ctx context.Context, query string, args ...any) (all []*leadloop.Lead, err error) {
	err = t.rows(ctx, query, func(rows pgx.Rows) error {
		l := new(leadloop.Lead)
		all = append(all, l)
		return rows.Scan(document{l})
	}, args...)
	return all, err
}

// The identifiers change in the same statement as the lead, and only if it
// does.
const (
	insertLead = `WITH put AS (
			INSERT INTO {leads} (id, revision, owner, owner_since, disposition, merged_into, document)
			VALUES ($1, $2 + 1, $3, $4, $5, $6, $7::json) ON CONFLICT DO NOTHING RETURNING id
		), added AS (
			INSERT INTO {lead_identifiers} (kind, value, lead) SELECT kind, value, id FROM put, unnest($8::text[], $9::text[]) AS i (kind, value)
		)
		SELECT count(*) FROM put`
	updateLead = `WITH put AS (
			UPDATE {leads} SET revision = $2 + 1, owner = $3, owner_since = $4, disposition = $5, merged_into = $6, document = $7::json
			WHERE id = $1 AND revision = $2 RETURNING id
		), wanted AS (
			SELECT kind, value, id AS lead FROM put, unnest($8::text[], $9::text[]) AS i (kind, value)
		), gone AS (
			DELETE FROM {lead_identifiers} AS i USING put
			WHERE i.lead = put.id AND NOT EXISTS (SELECT FROM wanted AS w WHERE w.kind = i.kind AND w.value = i.value)
		), added AS (
			INSERT INTO {lead_identifiers} (kind, value, lead) SELECT kind, value, lead FROM wanted ON CONFLICT DO NOTHING
		)
		SELECT count(*) FROM put`
)

func (t leads) Put(ctx context.Context, l *leadloop.Lead) (int64, error) {
	if err := t.writing(ctx); err != nil {
		return 0, err
	}
	revision := l.Revision + 1
	text, err := store.EncodeLead(l, revision)
	if err != nil {
		return 0, invalid("lead", string(l.ID), err)
	}
	since, err := store.FormatTime(l.State.OwnerSince)
	if err != nil {
		return 0, invalid("lead", string(l.ID), err)
	}
	identifiers := l.Identifiers
	if l.MergedInto != "" {
		identifiers = nil
	}
	query := updateLead
	if l.Revision == 0 {
		query = insertLead
	}
	kinds, values := split(identifiers)
	var n int64
	if err := t.rows(ctx, query, func(rows pgx.Rows) error { return rows.Scan(&n) },
		string(l.ID), l.Revision, string(l.State.Owner), since, string(l.State.Disposition), string(l.MergedInto), string(text), kinds, values); err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, fmt.Errorf("lead %s: %w: revision %d is not the one stored", l.ID, leadloop.ErrConflict, l.Revision)
	}
	return revision, nil
}

// longest is how many bytes of a text are searched by. An entry of an index
// holds 2,700 at most.
const longest = 1024

// searchable returns text as it is searched by: itself, or its beginning and a
// digest, which is longer than any text that stands for itself.
func searchable(text string) string {
	if len(text) <= longest {
		return text
	}
	digest := sha256.Sum256([]byte(text))
	return strings.ToValidUTF8(text[:longest], "") + hex.EncodeToString(digest[:])
}

// split returns each identifier once, in order, as two arrays.
func split(ids []leadloop.Identifier) (kinds, values []string) {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, leadloop.Identifier.Compare)
	kinds, values = []string{}, []string{}
	for _, i := range slices.Compact(ids) {
		kinds, values = append(kinds, i.Kind), append(values, searchable(i.Value))
	}
	return kinds, values
}

func (t leads) Match(ctx context.Context, ids []leadloop.Identifier) (found []leadloop.LeadID, err error) {
	if err := t.reading(ctx); err != nil || len(ids) == 0 {
		return nil, err
	}
	kinds, values := split(ids)
	err = t.rows(ctx, `SELECT DISTINCT i.lead FROM unnest($1::text[], $2::text[]) AS w (kind, value)
		JOIN {lead_identifiers} AS i ON i.kind = w.kind AND i.value = w.value ORDER BY i.lead`, func(rows pgx.Rows) error {
		var id string
		err := rows.Scan(&id)
		found = append(found, leadloop.LeadID(id))
		return err
	}, kinds, values)
	return found, err
}

func (t leads) List(ctx context.Context, after leadloop.LeadID, limit int) ([]*leadloop.Lead, error) {
	if err := t.reading(ctx); err != nil || limit <= 0 {
		return nil, err
	}
	return t.read(ctx, "SELECT document::text FROM {leads} WHERE id > $1 ORDER BY id LIMIT $2", string(after), limit)
}

func (t leads) Workload(ctx context.Context, owner leadloop.RepID, asOf time.Time) (w store.Workload, err error) {
	if err := t.reading(ctx); err != nil {
		return w, err
	}
	err = t.rows(ctx, `SELECT
			(SELECT count(*) FROM {leads} WHERE owner = $1 AND merged_into = '' AND owner <> '' AND disposition = 'assigned'),
			count(*), count(*) FILTER (WHERE owner_since > $2)
		FROM {leads} WHERE owner = $1 AND owner_since > $3 AND owner_since <= $4 AND merged_into = '' AND owner <> ''`,
		func(rows pgx.Rows) error { return rows.Scan(&w.Open, &w.Week, &w.Day) },
		string(owner), store.FormatBound(asOf.Add(-24*time.Hour)), store.FormatBound(asOf.Add(-7*24*time.Hour)), store.FormatBound(asOf))
	return w, err
}

func (t leads) Delete(ctx context.Context, id leadloop.LeadID) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	n, err := t.exec(ctx, `WITH gone AS (DELETE FROM {lead_identifiers} WHERE lead = $1) DELETE FROM {leads} WHERE id = $1`, string(id))
	if err == nil && n == 0 {
		err = notFound("lead", string(id))
	}
	return err
}
