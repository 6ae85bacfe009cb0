package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

var (
	_ store.LeadsBulk = leads{}
	_ store.KeysBulk  = keys{}
)

// worthCopying is from how many rows on they are copied instead of inserted: that takes
// messages of its own, and half the work a row.
const worthCopying = 64

// copy writes rows with COPY.
func (t *tx) copy(ctx context.Context, table string, columns []string, rows [][]any) error {
	if err := t.sendPending(ctx); err != nil {
		return err
	}
	_, err := t.pg.CopyFrom(ctx, pgx.Identifier{t.schema, table}, columns, pgx.CopyFromRows(rows))
	return t.explain(ctx, err)
}

// copyNew is copy, and reports whether it wrote none because one of the rows is
// there already or comes twice: to try it costs less than to look for each.
func (t *tx) copyNew(ctx context.Context, table string, columns []string, rows [][]any) (all bool, err error) {
	if err := t.later(ctx, "SAVEPOINT copying"); err != nil {
		return false, err
	}
	if err := t.sendPending(ctx); err != nil {
		return false, err
	}
	_, err = t.pg.CopyFrom(ctx, pgx.Identifier{t.schema, table}, columns, pgx.CopyFromRows(rows))
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == uniqueViolation {
		_, err := t.exec(ctx, "ROLLBACK TO SAVEPOINT copying")
		return false, err
	}
	if err != nil {
		return false, t.explain(ctx, err)
	}
	return true, t.later(ctx, "RELEASE SAVEPOINT copying")
}

// uniqueViolation is what PostgreSQL says of a row whose key is taken.
const uniqueViolation = "23505"

// PutNew copies the leads, and then their identifiers.
func (t leads) PutNew(ctx context.Context, all []*leadloop.Lead) error {
	if err := t.writing(ctx); err != nil || len(all) == 0 {
		return err
	}
	var rows, identifiers [][]any
	for _, l := range all {
		text, err := store.EncodeLead(l, 1)
		if err != nil {
			return invalid("lead", string(l.ID), err)
		}
		since, err := store.FormatTime(l.State.OwnerSince)
		if err != nil {
			return invalid("lead", string(l.ID), err)
		}
		id := string(l.ID)
		rows = append(rows, []any{id, int64(1), string(l.State.Owner), since, string(l.State.Disposition), string(l.MergedInto), string(text)})
		if l.MergedInto != "" {
			continue
		}
		kinds, values := split(l.Identifiers)
		for i := range kinds {
			identifiers = append(identifiers, []any{kinds[i], values[i], id})
		}
	}
	ok, err := t.copyNew(ctx, "leads", []string{"id", "revision", "owner", "owner_since", "disposition", "merged_into", "document"}, rows)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: of %d new leads one exists or comes twice", leadloop.ErrConflict, len(all))
	}
	if len(identifiers) == 0 {
		return nil
	}
	return t.copy(ctx, "lead_identifiers", []string{"kind", "value", "lead"}, identifiers)
}

// ClaimAll copies the keys or, where one is taken, inserts what is free and looks
// up the rest.
func (t keys) ClaimAll(ctx context.Context, all []string, ids []leadloop.LeadID) ([]leadloop.LeadID, error) {
	if err := t.writing(ctx); err != nil || len(all) == 0 {
		return nil, err
	}
	first := map[string]leadloop.LeadID{}
	searched := make([]string, len(all))
	var insert, leads []string
	for i, key := range all {
		searched[i] = searchable(key)
		if _, twice := first[searched[i]]; !twice {
			first[searched[i]] = ids[i]
			insert, leads = append(insert, searched[i]), append(leads, string(ids[i]))
		}
	}
	before := make([]leadloop.LeadID, len(all))
	if n := len(insert); n == len(all) && n >= worthCopying {
		rows := make([][]any, n)
		for i := range rows {
			rows[i] = []any{insert[i], leads[i]}
		}
		if ok, err := t.copyNew(ctx, "idempotency_keys", []string{"key", "lead"}, rows); ok || err != nil {
			return before, err
		}
	}
	claimed := map[string]bool{}
	if err := t.rows(ctx, `INSERT INTO {idempotency_keys} (key, lead) SELECT key, lead FROM unnest($1::text[], $2::text[]) AS n (key, lead)
		ON CONFLICT DO NOTHING RETURNING key`, func(rows pgx.Rows) error {
		var key string
		err := rows.Scan(&key)
		claimed[key] = true
		return err
	}, insert, leads); err != nil {
		return nil, err
	}
	if len(claimed) < len(insert) {
		if err := t.rows(ctx, "SELECT key, lead FROM {idempotency_keys} WHERE key = ANY ($1::text[])", func(rows pgx.Rows) error {
			var key, lead string
			err := rows.Scan(&key, &lead)
			first[key] = leadloop.LeadID(lead)
			return err
		}, insert); err != nil {
			return nil, err
		}
	}
	for i, key := range searched {
		if claimed[key] {
			delete(claimed, key) // a second one finds it bound
			continue
		}
		before[i] = first[key]
	}
	return before, nil
}
