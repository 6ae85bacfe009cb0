package sqlite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

type leads struct{ *tx }

func (t leads) Get(ctx context.Context, id leadloop.LeadID) (*leadloop.Lead, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	var l *leadloop.Lead
	err := t.query(ctx, "SELECT document FROM leads WHERE id = ?1", func(r *row) { l = decodeLead(r) }, string(id))
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, notFound("lead", string(id))
	}
	return l, nil
}

// What Put does. SQLite writes the entries of a row in all indexes of columns that
// a statement sets, also if they stay as they are, so there is one for a lead whose
// owner and disposition do.
const (
	insertLead = `INSERT INTO leads (id, revision, owner, owner_since, disposition, merged_into, document)
		VALUES (?1, ?2 + 1, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING`
	updateSame = `UPDATE leads SET revision = ?2 + 1, document = ?7
		WHERE id = ?1 AND revision = ?2 AND owner = ?3 AND owner_since = ?4 AND disposition = ?5 AND merged_into = ?6`
	updateLead = `UPDATE leads SET revision = ?2 + 1, owner = ?3, owner_since = ?4, disposition = ?5, merged_into = ?6, document = ?7
		WHERE id = ?1 AND revision = ?2`
)

func (t leads) Put(ctx context.Context, l *leadloop.Lead) (int64, error) {
	if err := t.writing(ctx); err != nil {
		return 0, err
	}
	revision := l.Revision + 1
	document, err := store.EncodeLead(l, revision)
	if err != nil {
		return 0, invalid("lead", string(l.ID), err)
	}
	since, err := store.FormatTime(l.State.OwnerSince)
	if err != nil {
		return 0, invalid("lead", string(l.ID), err)
	}
	queries := []string{updateSame, updateLead}
	var old []leadloop.Identifier
	if l.Revision == 0 {
		queries = []string{insertLead}
	} else if old, err = leadIdentifiers.of(ctx, t.tx, string(l.ID)); err != nil {
		return 0, err
	}
	var n int64
	for _, query := range queries {
		n, err = t.changed(ctx, query, string(l.ID), l.Revision, string(l.State.Owner), since, string(l.State.Disposition), string(l.MergedInto), string(document))
		if err != nil {
			return 0, err
		}
		if n > 0 {
			break
		}
	}
	if n == 0 {
		return 0, fmt.Errorf("lead %s: %w: revision %d is not the one stored", l.ID, leadloop.ErrConflict, l.Revision)
	}
	identifiers := l.Identifiers
	if l.MergedInto != "" {
		identifiers = nil
	}
	return revision, leadIdentifiers.replace(ctx, t.tx, string(l.ID), old, identifiers)
}

func (t leads) Match(ctx context.Context, ids []leadloop.Identifier) ([]leadloop.LeadID, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	found, err := leadIdentifiers.match(ctx, t.tx, ids)
	var out []leadloop.LeadID
	for _, id := range found {
		out = append(out, leadloop.LeadID(id))
	}
	return out, err
}

func (t leads) List(ctx context.Context, after leadloop.LeadID, limit int) ([]*leadloop.Lead, error) {
	if err := t.reading(ctx); err != nil {
		return nil, err
	}
	var page []*leadloop.Lead
	err := t.query(ctx, "SELECT document FROM leads WHERE id > ?1 ORDER BY id LIMIT ?2+0", func(r *row) {
		page = append(page, decodeLead(r))
	}, string(after), max(limit, 0))
	return page, err
}

func (t leads) Workload(ctx context.Context, owner leadloop.RepID, asOf time.Time) (store.Workload, error) {
	if err := t.reading(ctx); err != nil {
		return store.Workload{}, err
	}
	var w store.Workload
	if err := t.query(ctx, `SELECT count(*) FROM leads
		WHERE owner = ?1 AND merged_into = '' AND owner <> '' AND disposition = 'assigned'`,
		func(r *row) { w.Open = int(r.int()) }, string(owner)); err != nil {
		return store.Workload{}, err
	}
	err := t.query(ctx, `SELECT count(*), coalesce(sum(owner_since > ?2), 0) FROM leads
		WHERE owner = ?1 AND owner_since > ?3 AND owner_since <= ?4 AND merged_into = '' AND owner <> ''`,
		func(r *row) { w.Week, w.Day = int(r.int()), int(r.int()) },
		string(owner), store.FormatBound(asOf.Add(-24*time.Hour)), store.FormatBound(asOf.Add(-7*24*time.Hour)), store.FormatBound(asOf))
	return w, err
}

func (t leads) Delete(ctx context.Context, id leadloop.LeadID) error {
	if err := t.writing(ctx); err != nil {
		return err
	}
	old, err := leadIdentifiers.of(ctx, t.tx, string(id))
	if err != nil {
		return err
	}
	n, err := t.changed(ctx, "DELETE FROM leads WHERE id = ?1", string(id))
	if err != nil {
		return err
	}
	if n == 0 {
		return notFound("lead", string(id))
	}
	return leadIdentifiers.replace(ctx, t.tx, string(id), old, nil)
}

// identifiers are the statements of a table of identifiers. What a record has
// in it is read from the record's document, which saves the table an index.
type identifiers struct {
	find                   several
	stored, remove, insert string
}

var (
	leadIdentifiers = identifiers{
		find: finding("lead", "lead_identifiers"),
		stored: `SELECT i.value ->> '$.kind', i.value ->> '$.value' FROM leads, json_each(document, '$.identifiers') AS i
			WHERE leads.id = ?1 AND merged_into = ''`,
		remove: "DELETE FROM lead_identifiers WHERE lead = ?1 AND kind = ?2 AND value = ?3",
		insert: "INSERT INTO lead_identifiers (lead, kind, value) VALUES (?1, ?2, ?3)",
	}
	accountIdentifiers = identifiers{
		find: finding("account", "account_identifiers"),
		stored: `SELECT i.value ->> '$.kind', i.value ->> '$.value' FROM accounts, json_each(document, '$.identifiers') AS i
			WHERE accounts.id = ?1`,
		remove: "DELETE FROM account_identifiers WHERE account = ?1 AND kind = ?2 AND value = ?3",
		insert: "INSERT INTO account_identifiers (account, kind, value) VALUES (?1, ?2, ?3)",
	}
	contactIdentifiers = identifiers{
		find: finding("contact", "contact_identifiers"),
		stored: `SELECT i.value ->> '$.kind', i.value ->> '$.value' FROM contacts, json_each(document, '$.identifiers') AS i
			WHERE contacts.id = ?1`,
		remove: "DELETE FROM contact_identifiers WHERE contact = ?1 AND kind = ?2 AND value = ?3",
		insert: "INSERT INTO contact_identifiers (contact, kind, value) VALUES (?1, ?2, ?3)",
	}
)

func finding(column, table string) several {
	return manyOf(2, "", "SELECT "+column+" FROM "+table+" WHERE kind = ? AND value = ?", " UNION ALL ", "")
}

// of returns the identifiers that a record is found by now. It is asked before
// the record changes.
func (x *identifiers) of(ctx context.Context, t *tx, id string) (all []leadloop.Identifier, err error) {
	err = t.query(ctx, x.stored, func(r *row) { all = append(all, leadloop.Identifier{Kind: r.text(), Value: r.text()}) }, id)
	return all, err
}

// replace makes a record that was found by old be found by ids.
func (x *identifiers) replace(ctx context.Context, t *tx, id string, old, ids []leadloop.Identifier) error {
	old, ids = distinct(old), distinct(ids)
	for _, i := range old {
		if _, kept := slices.BinarySearchFunc(ids, i, leadloop.Identifier.Compare); !kept {
			if err := t.exec(ctx, x.remove, id, i.Kind, i.Value); err != nil {
				return err
			}
		}
	}
	for _, i := range ids {
		if _, there := slices.BinarySearchFunc(old, i, leadloop.Identifier.Compare); !there {
			if err := t.exec(ctx, x.insert, id, i.Kind, i.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// distinct returns each identifier once, in order.
func distinct(ids []leadloop.Identifier) []leadloop.Identifier {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, leadloop.Identifier.Compare)
	return slices.Compact(ids)
}

// match returns the ids of the records that have one of the identifiers, each
// once, in order.
func (x *identifiers) match(ctx context.Context, t *tx, ids []leadloop.Identifier) ([]string, error) {
	var found []string
	keys := make([]any, 0, 2*len(ids))
	for _, i := range ids {
		keys = append(keys, i.Kind, i.Value)
	}
	if err := t.queryMany(ctx, &x.find, func(r *row) { found = append(found, r.text()) }, keys); err != nil {
		return nil, err
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}
