package sqlite

import (
	"context"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/leadloop/leadloop"
)

// applicationID marks files of this package ("LdLp").
const applicationID = 0x4C644C70

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one numbered step of the schema. Released ones never change.
type migration struct {
	version int64
	script  string
}

// migrations returns all steps in order.
func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var all []migration
	for _, name := range names { // sorted by name
		number, _, _ := strings.Cut(filepath.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil || version != int64(len(all)+1) {
			return nil, fmt.Errorf("migration %s: expected number %d", name, len(all)+1)
		}
		script, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, migration{version, string(script)})
	}
	return all, nil
}

// prepare makes sure that the file is ours and of this release's schema.
func (s *Store) prepare(ctx context.Context) error {
	there, err := checkPath(s.path)
	if err != nil {
		return err
	}
	switch {
	case there:
	case s.o.SkipMigration:
		return fmt.Errorf("%w: there is no such file", leadloop.ErrNotFound)
	default:
		if err := createPrivate(s.path); err != nil {
			return err
		}
	}
	// Looked at before anything is written: the file may be somebody else's.
	var c *conn
	err = s.patiently(ctx, func() (err error) {
		if c, err = s.writer.take(ctx, s.done); err != nil {
			return err
		}
		if err = identify(ctx, c); err != nil {
			s.writer.put(ctx, c)
		}
		return err
	})
	if hasCode(err, codeNotADB) {
		return fmt.Errorf("%w: the file is not a database: choose another path", leadloop.ErrInvalid)
	}
	if err != nil {
		return err
	}
	defer func() { s.writer.put(ctx, c) }()
	if d, ok := c.driver.(interface{ IsReadOnly(string) (bool, error) }); ok {
		readonly, err := d.IsReadOnly("main")
		if err != nil {
			return err
		}
		if readonly {
			return fmt.Errorf("%w: the file can't be written: check its permissions, those of its directory, and the mount", leadloop.ErrUnavailable)
		}
	}
	if s.o.SkipMigration {
		return checkVersion(ctx, c)
	}
	var mode string
	if err := s.patiently(ctx, func() error {
		return c.once(ctx, "PRAGMA journal_mode=WAL", func(r *row) { mode = r.text() })
	}); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("%w: this file system can't keep a write-ahead log (it offers %q): use a local disk", leadloop.ErrUnavailable, mode)
	}
	return s.migrate(ctx, c)
}

// checkPath reports whether there is a file at path, and refuses one that can't
// be a database.
func checkPath(path string) (there bool, err error) {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("%w: there is no directory %s: create it first", leadloop.ErrUnavailable, dir)
	case err != nil:
		return false, fmt.Errorf("%w: %w", leadloop.ErrUnavailable, err)
	case !info.IsDir():
		return false, fmt.Errorf("%w: %s is not a directory", leadloop.ErrInvalid, dir)
	}
	info, err = os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%w: %w", leadloop.ErrUnavailable, err)
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%w: it is not a regular file", leadloop.ErrInvalid)
	}
	return true, nil
}

// createPrivate makes an empty file that only its owner can read and write, which
// SQLite takes for a new database; its log gets the same mode. One that came into
// being meanwhile is left as it is.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return fmt.Errorf("%w: %w", leadloop.ErrUnavailable, err)
	}
	return f.Close()
}

// identify refuses files that hold something else. An empty file is new.
func identify(ctx context.Context, c *conn) error {
	var id, tables int64
	if err := errors.Join(
		c.once(ctx, "PRAGMA application_id", func(r *row) { id = r.int() }),
		c.once(ctx, "SELECT count(*) FROM sqlite_schema", func(r *row) { tables = r.int() }),
	); err != nil {
		return err
	}
	if id == applicationID || id == 0 && tables == 0 {
		return nil
	}
	return fmt.Errorf("%w: the file is a database of something else: choose another path", leadloop.ErrInvalid)
}

// migrate applies the steps that are missing, each in a transaction of its
// own. Several processes may do it at once.
func (s *Store) migrate(ctx context.Context, c *conn) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	for _, m := range steps {
		if err := s.migrateTo(ctx, c, m); err != nil {
			return fmt.Errorf("schema version %d: %w", m.version, err)
		}
	}
	return checkVersion(ctx, c)
}

// checkVersion refuses a file that is not of this release.
func checkVersion(ctx context.Context, c *conn) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, c)
	if err != nil {
		return err
	}
	switch latest := steps[len(steps)-1].version; {
	case version == 0:
		return fmt.Errorf("%w: there is no store in the file", leadloop.ErrNotFound)
	case version < latest:
		return fmt.Errorf("%w: the file has schema version %d, this release needs %d: opening it to write brings it up to date; back it up first, as older releases can't read it then",
			leadloop.ErrInvalid, version, latest)
	case version > latest:
		return fmt.Errorf("%w: the file has schema version %d, this release knows versions up to %d: update the library, or restore a backup from before the update",
			leadloop.ErrInvalid, version, latest)
	}
	return nil
}

func (s *Store) migrateTo(ctx context.Context, c *conn, m migration) (err error) {
	if err := s.begin(ctx, c, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	ended := false
	defer func() {
		if !ended {
			c.rollback(ctx)
		}
	}()
	version, err := schemaVersion(ctx, c)
	if err != nil || version >= m.version {
		return err
	}
	if version == 0 {
		if err := c.script(ctx, fmt.Sprintf(
			"PRAGMA application_id=%d; CREATE TABLE schema_versions (version INTEGER PRIMARY KEY) STRICT;", applicationID)); err != nil {
			return err
		}
	}
	if err := c.script(ctx, m.script+fmt.Sprintf(";INSERT INTO schema_versions (version) VALUES (%d);", m.version)); err != nil {
		return err
	}
	err = c.exec(ctx, "COMMIT")
	ended = err == nil
	return err
}

// schemaVersion returns 0 for a new file.
func schemaVersion(ctx context.Context, c *conn) (version int64, err error) {
	tables := int64(0)
	if err := c.once(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_versions'", func(r *row) { tables = r.int() }); err != nil || tables == 0 {
		return 0, err
	}
	err = c.once(ctx, "SELECT coalesce(max(version), 0) FROM schema_versions", func(r *row) { version = r.int() })
	return version, err
}

// script runs several statements.
func (c *conn) script(ctx context.Context, text string) error {
	_, err := c.driver.(driver.ExecerContext).ExecContext(ctx, text, nil)
	return explain(err)
}
