package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

var (
	_ store.LeadsBulk = leads{}
	_ store.KeysBulk  = keys{}
)

// PutNew inserts rows from arrays. COPY would be a little faster, and would end
// the transaction where a lead exists.
func (t leads) PutNew(ctx context.Context, all []*leadloop.Lead) error {
	if err := t.writing(ctx); err != nil || len(all) == 0 {
		return err
	}
	var ids, owners, since, dispositions, merged, documents, of, kinds, values []string
	for _, l := range all {
		text, err := store.EncodeLead(l, 1)
		if err != nil {
			return invalid("lead", string(l.ID), err)
		}
		at, err := store.FormatTime(l.State.OwnerSince)
		if err != nil {
			return invalid("lead", string(l.ID), err)
		}
		ids, owners, since = append(ids, string(l.ID)), append(owners, string(l.State.Owner)), append(since, at)
		dispositions, merged = append(dispositions, string(l.State.Disposition)), append(merged, string(l.MergedInto))
		documents = append(documents, string(text))
		if l.MergedInto != "" {
			continue
		}
		k, v := split(l.Identifiers)
		kinds, values = append(kinds, k...), append(values, v...)
		for range k {
			of = append(of, string(l.ID))
		}
	}
	var free int
	if err := t.rows(ctx, `SELECT count(DISTINCT n.id) FILTER (WHERE l.id IS NULL) FROM unnest($1::text[]) AS n (id) LEFT JOIN {leads} AS l USING (id)`,
		func(rows pgx.Rows) error { return rows.Scan(&free) }, ids); err != nil {
		return err
	}
	if free != len(all) {
		return fmt.Errorf("%w: of %d new leads %d exist or come twice", leadloop.ErrConflict, len(all), len(all)-free)
	}
	if err := t.later(ctx, `INSERT INTO {leads} (id, revision, owner, owner_since, disposition, merged_into, document)
		SELECT id, 1, owner, since, disposition, merged, document::json
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS n (id, owner, since, disposition, merged, document)`,
		ids, owners, since, dispositions, merged, documents); err != nil {
		return err
	}
	return t.later(ctx, `INSERT INTO {lead_identifiers} (kind, value, lead)
		SELECT kind, value, lead FROM unnest($1::text[], $2::text[], $3::text[]) AS n (kind, value, lead)`, kinds, values, of)
}

// ClaimAll inserts what is free and looks up the rest.
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
	before := make([]leadloop.LeadID, len(all))
	for i, key := range searched {
		if claimed[key] {
			delete(claimed, key) // a second one finds it bound
			continue
		}
		before[i] = first[key]
	}
	return before, nil
}
