package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/leadloop/leadloop"
)

// personal are the tables that may hold something about a person.
var personal = []string{
	"leads", "lead_identifiers", "contacts", "contact_identifiers", "opportunities", "decisions",
	"tasks", "cache", "idempotency_keys", "consents",
}

// oldest is how long Scrub waits for transactions that still see what was deleted.
const oldest = 2 * time.Second

// Scrub takes what was deleted out of the tables' files: PostgreSQL only marks
// old versions of rows as such. It writes the tables that hold something about
// people anew (VACUUM FULL), one after the other, which takes about as long as
// copying them and as much room again; whoever needs the table waits meanwhile.
// The role must own the tables.
//
// An error that wraps leadloop.ErrUnavailable tells of a transaction that still
// sees what was deleted, for which two seconds are waited; those of other roles
// are only seen with pg_read_all_stats, prepared ones and replication slots not at
// all. The server empties the old files at its next
// checkpoint at the latest. Its write-ahead log has the old rows until it is
// recycled, and so have archives, replicas that lag behind, and backups: they
// are the host's to deal with.
func (s *Store) Scrub(ctx context.Context) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	if err := s.scrub(ctx); err != nil {
		return fmt.Errorf("postgres: scrub schema %s: %w", s.tables.schema, err)
	}
	return nil
}

func (s *Store) scrub(ctx context.Context) error {
	// VACUUM would pass over a table of somebody else with a warning.
	var others string
	if err := s.pool.QueryRow(ctx, `SELECT coalesce(string_agg(c.relname, ', ' ORDER BY c.relname), '') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = ANY ($2) AND NOT pg_has_role(c.relowner, 'USAGE')`, s.tables.schema, personal).Scan(&others); err != nil {
		return explain(ctx, err)
	}
	if others != "" {
		return fmt.Errorf("%w: the role does not own the tables %s: scrub as their owner", leadloop.ErrUnavailable, others)
	}
	if err := s.unseen(ctx); err != nil {
		return err
	}
	for _, table := range personal {
		if _, err := s.pool.Exec(ctx, "VACUUM (FULL) "+s.tables.query("{"+table+"}")); err != nil {
			return fmt.Errorf("table %s: %w", table, explain(ctx, err))
		}
	}
	return nil
}

// unseen waits until no transaction sees what was deleted before it was called:
// VACUUM would keep that.
func (s *Store) unseen(ctx context.Context) error {
	var now string
	if err := s.pool.QueryRow(ctx, "SELECT pg_current_xact_id()::xid::text").Scan(&now); err != nil {
		return explain(ctx, err)
	}
	patience := time.NewTimer(oldest)
	defer patience.Stop()
	for {
		var pid int
		err := s.pool.QueryRow(ctx, `SELECT pid FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'
				AND age(backend_xmin) >= age($1::text::xid) LIMIT 1`, now).Scan(&pid)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return explain(ctx, err)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-patience.C:
			return fmt.Errorf("%w: the transaction of process %d still sees what was deleted: try again when it has ended", leadloop.ErrUnavailable, pid)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
