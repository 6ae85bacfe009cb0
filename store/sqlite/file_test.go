package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// putNew puts a new lead with a payload of some size.
func putNew(ctx context.Context, s store.Store, id leadloop.LeadID, size int) error {
	return s.Update(ctx, func(tx store.Tx) error {
		l := &leadloop.Lead{ID: id}
		l.Claims = []leadloop.Claim{leadloop.Title.Claim(strings.Repeat("ana@example.com ", size/16), leadloop.Evidence{})}
		_, err := tx.Leads().Put(ctx, l)
		return err
	})
}

func leadsIn(t *testing.T, s store.Store) (ids []leadloop.LeadID) {
	t.Helper()
	if err := s.View(t.Context(), func(tx store.Tx) error {
		page, err := tx.Leads().List(t.Context(), "", 1000)
		for _, l := range page {
			ids = append(ids, l.ID)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return ids
}

// run executes SQL on a file behind the store's back.
func run(t *testing.T, path, script string) {
	t.Helper()
	c, err := connect(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.script(t.Context(), script), c.close()); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesWhatItCannotUse(t *testing.T) {
	for _, c := range []struct {
		name string
		path func(t *testing.T, path string) string
		o    Options
		want error
		says string
	}{
		{"no path", func(*testing.T, string) string { return "" }, Options{}, leadloop.ErrInvalid, "a path is required"},
		{"a database in memory", func(*testing.T, string) string { return ":memory:" }, Options{}, leadloop.ErrInvalid, "memstore"},
		{"negative options", func(_ *testing.T, path string) string { return path }, Options{Readers: -1}, leadloop.ErrInvalid, "Options.Readers"},
		{"a directory that is missing", func(_ *testing.T, path string) string { return path + "/none/leads.db" }, Options{}, leadloop.ErrUnavailable, "create it first"},
		{"a directory", func(_ *testing.T, path string) string { return filepath.Dir(path) }, Options{}, leadloop.ErrInvalid, "not a regular file"},
		{"a file as directory", func(t *testing.T, path string) string {
			write(t, path, nil)
			return path + "/leads.db"
		}, Options{}, leadloop.ErrInvalid, "not a directory"},
		{"a text file", func(t *testing.T, path string) string {
			write(t, path, []byte(strings.Repeat("email,company\nana@example.com,Example\n", 100)))
			return path
		}, Options{}, leadloop.ErrInvalid, "not a database"},
		{"a short text file", func(t *testing.T, path string) string {
			write(t, path, []byte("hello\n"))
			return path
		}, Options{}, leadloop.ErrInvalid, "not a database"},
		{"somebody's database", func(t *testing.T, path string) string {
			run(t, path, "CREATE TABLE customers (email TEXT)")
			return path
		}, Options{}, leadloop.ErrInvalid, "something else"},
		{"another application's database", func(t *testing.T, path string) string {
			run(t, path, "PRAGMA application_id = 42")
			return path
		}, Options{}, leadloop.ErrInvalid, "something else"},
		{"a newer schema", func(t *testing.T, path string) string {
			if err := openAt(t, path, Options{}).Close(); err != nil {
				t.Fatal(err)
			}
			run(t, path, "INSERT INTO schema_versions VALUES (99)")
			return path
		}, Options{}, leadloop.ErrInvalid, "update the library, or restore a backup"},
		{"an older schema, without migration", func(t *testing.T, path string) string {
			if err := openAt(t, path, Options{}).Close(); err != nil {
				t.Fatal(err)
			}
			run(t, path, "DELETE FROM schema_versions WHERE version > 1")
			return path
		}, Options{SkipMigration: true}, leadloop.ErrInvalid, "has schema version 1, this release needs"},
		{"a newer schema, without migration", func(t *testing.T, path string) string {
			if err := openAt(t, path, Options{}).Close(); err != nil {
				t.Fatal(err)
			}
			run(t, path, "INSERT INTO schema_versions VALUES (99)")
			return path
		}, Options{SkipMigration: true}, leadloop.ErrInvalid, "update the library"},
		{"no file, without migration", func(_ *testing.T, path string) string { return path }, Options{SkipMigration: true}, leadloop.ErrNotFound, "no such file"},
		{"an empty file, without migration", func(t *testing.T, path string) string {
			write(t, path, nil)
			return path
		}, Options{SkipMigration: true}, leadloop.ErrNotFound, "there is no store in the file"},
		{"a damaged schema", func(t *testing.T, path string) string {
			if err := openAt(t, path, Options{}).Close(); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			copy(data[100:], strings.Repeat("\xff", 3900))
			write(t, path, data)
			return path
		}, Options{}, leadloop.ErrUnavailable, "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.path(t, newPath(t))
			before, missing := os.ReadFile(path)
			s, err := Open(t.Context(), path, c.o)
			if err == nil {
				_ = s.Close()
			}
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want an error that is %q and says %q, got %v", c.want, c.says, err)
			}
			if after, still := os.ReadFile(path); string(after) != string(before) || (missing == nil) != (still == nil) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestOpenRefusesAReadOnlyFile(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("the superuser writes read-only files too; the next test covers the error")
	}
	path := newPath(t)
	if err := openAt(t, path, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, Options{}); !errors.Is(err, leadloop.ErrUnavailable) || !strings.Contains(err.Error(), "permissions") {
		t.Errorf("want an error about permissions, got %v", err)
	}
}

// onWriter runs SQL on the store's own writing connection.
func onWriter(t *testing.T, s *Store, script string) {
	t.Helper()
	c, err := s.writer.take(t.Context(), s.done)
	if err != nil {
		t.Fatal(err)
	}
	defer s.writer.put(t.Context(), c)
	if err := c.script(t.Context(), script); err != nil {
		t.Fatal(err)
	}
}

func TestAWriteThatTheDiskRefuses(t *testing.T) {
	for _, c := range []struct{ name, broken, repaired, says string }{
		{"a file that became read-only", "PRAGMA query_only = ON", "PRAGMA query_only = OFF", "can't be written"},
		{"a disk that is full", "PRAGMA max_page_count = 60", "PRAGMA max_page_count = 1000000", "full"},
	} {
		t.Run(c.name+" is ErrUnavailable, leaves nothing of the transaction and can be repaired", func(t *testing.T) {
			s := openAt(t, newPath(t), Options{})
			if err := putNew(t.Context(), s, "before", 16); err != nil {
				t.Fatal(err)
			}
			onWriter(t, s, c.broken)
			err := s.Update(t.Context(), func(tx store.Tx) error {
				// The error is swallowed, and what follows is small enough to fit.
				for i := range 50 {
					l := &leadloop.Lead{ID: leadloop.LeadID(fmt.Sprint("big", i))}
					l.Claims = []leadloop.Claim{leadloop.Title.Claim(strings.Repeat("ana@example.com ", 2000), leadloop.Evidence{})}
					_, _ = tx.Leads().Put(t.Context(), l)
				}
				_, _, _ = tx.Keys().Claim(t.Context(), "key", "big")
				return nil
			})
			if !errors.Is(err, leadloop.ErrUnavailable) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want ErrUnavailable that says %q, got %v", c.says, err)
			}
			if strings.Contains(fmt.Sprint(err), "ana@") {
				t.Errorf("the error quotes a value: %v", err)
			}
			onWriter(t, s, c.repaired)
			if err := putNew(t.Context(), s, "later", 16); err != nil {
				t.Errorf("after the repair: %v", err)
			}
			if got := leadsIn(t, s); len(got) != 2 || got[0] != "before" || got[1] != "later" {
				t.Errorf("leads: %v", got)
			}
			if err := s.View(t.Context(), func(tx store.Tx) error {
				_, err := tx.Keys().Lookup(t.Context(), "key")
				return err
			}); !errors.Is(err, leadloop.ErrNotFound) {
				t.Errorf("the key of the failed transaction: %v", err)
			}
		})
	}
}

func TestADamagedFileIsReportedWithoutItsContents(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(data []byte) []byte
	}{
		{"garbage", func(data []byte) []byte {
			for i := 3 * 4096; i < len(data); i++ {
				data[i] = byte(i*7 + 13)
			}
			return data
		}},
		{"truncated", func(data []byte) []byte { return data[:len(data)/2/4096*4096+100] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := newPath(t)
			s := openAt(t, path, Options{})
			for i := range 40 {
				if err := putNew(t.Context(), s, leadloop.LeadID(fmt.Sprint(i)), 8000); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, c.damage(data))
			s, err = Open(t.Context(), path, Options{})
			if err == nil {
				defer s.Close()
				err = s.View(t.Context(), func(tx store.Tx) error {
					_, err := tx.Leads().List(t.Context(), "", 1000)
					return err
				})
			}
			if !errors.Is(err, leadloop.ErrUnavailable) || !strings.Contains(err.Error(), "damaged") || strings.Contains(err.Error(), "ana@") {
				t.Errorf("want ErrUnavailable that says damaged, got %v", err)
			}
		})
	}
}

func TestADocumentThatSomethingElseWroteIsReportedWithoutItsContents(t *testing.T) {
	for _, document := range []string{"ana@example.com", `{"version": "ana@example.com"}`, `{"version": 1, "received_at": "ana@example.com"}`, `{"version": 99}`} {
		path := newPath(t)
		s := openAt(t, path, Options{})
		if err := putNew(t.Context(), s, "a", 16); err != nil {
			t.Fatal(err)
		}
		run(t, path, "UPDATE leads SET document = '"+document+"'")
		err := s.View(t.Context(), func(tx store.Tx) error {
			_, err := tx.Leads().Get(t.Context(), "a")
			return err
		})
		if !errors.Is(err, leadloop.ErrUnavailable) || strings.Contains(err.Error(), "ana@") {
			t.Errorf("document %s: want ErrUnavailable without its contents, got %v", document, err)
		}
	}
}

// TestAProcessThatDies opens a file whose last process ended without closing
// it, in the middle of a transaction: what is on the disk is copied while the
// store runs.
func TestAProcessThatDiesLeavesWhatItCommitted(t *testing.T) {
	path, copied := newPath(t), newPath(t)
	s := openAt(t, path, Options{})
	for _, id := range []leadloop.LeadID{"a", "b"} {
		if err := putNew(t.Context(), s, id, 5000); err != nil {
			t.Fatal(err)
		}
	}
	errStop := errors.New("stop")
	err := s.Update(t.Context(), func(tx store.Tx) error {
		for i := range 200 {
			if _, err := tx.Leads().Put(t.Context(), &leadloop.Lead{ID: leadloop.LeadID(fmt.Sprint("c", i))}); err != nil {
				return err
			}
		}
		for _, suffix := range []string{"", "-wal"} { // not the shared memory, which dies with the machine
			data, err := os.ReadFile(path + suffix)
			if err != nil {
				return err
			}
			write(t, copied+suffix, data)
		}
		return errStop
	})
	if !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	if got := leadsIn(t, openAt(t, copied, Options{})); len(got) != 2 {
		t.Errorf("leads: %v", got)
	}
}

func TestALogCutShortLosesTheLastCommitsAndNothingElse(t *testing.T) {
	path, copied := newPath(t), newPath(t)
	s := openAt(t, path, Options{})
	const n = 10
	for i := range n {
		if err := s.Update(t.Context(), func(tx store.Tx) error {
			for _, side := range []string{"l", "r"} {
				if _, err := tx.Leads().Put(t.Context(), &leadloop.Lead{ID: leadloop.LeadID(fmt.Sprint(i, side))}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	last := -1
	for cut := 0; cut <= len(log); cut += 5003 {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(copied + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
		write(t, copied, file)
		write(t, copied+"-wal", log[:cut])
		s, err := Open(t.Context(), copied, Options{})
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		got := len(leadsIn(t, s))
		if got%2 != 0 || got < last {
			t.Errorf("cut at %d: %d leads after %d: half a transaction came back, or less than from a shorter log", cut, got, last)
		}
		last = got
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if last < 2*(n-1) {
		t.Errorf("the longest log brought back %d leads", last)
	}
}

func TestAFileMayHaveAnyName(t *testing.T) {
	for _, name := range []string{"a b.db", "per%20cent", "what?mode=ro", "hash#tag", "ünï", "file:x"} {
		path := filepath.Join(t.TempDir(), name)
		s := openAt(t, path, Options{})
		if err := errors.Join(putNew(t.Context(), s, "a", 16), s.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestTwoStoresOnOneFile(t *testing.T) {
	path := newPath(t)
	stores := []*Store{openAt(t, path, Options{BusyTimeout: time.Minute}), openAt(t, path, Options{BusyTimeout: time.Minute})}
	flood := func(t *testing.T, f func(s *Store, i int) error) {
		t.Helper()
		var all sync.WaitGroup
		for i := range 32 {
			all.Go(func() {
				if err := f(stores[i%2], i); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	ctx := t.Context()
	t.Run("exactly one claims a key", func(t *testing.T) {
		var won atomic.Int64
		flood(t, func(s *Store, i int) error {
			claimed := false
			err := s.Update(ctx, func(tx store.Tx) (err error) {
				_, claimed, err = tx.Keys().Claim(ctx, "key", leadloop.LeadID(fmt.Sprint(i)))
				return err
			})
			if claimed {
				won.Add(1)
			}
			return err
		})
		if won.Load() != 1 {
			t.Errorf("%d claimed it", won.Load())
		}
	})
	t.Run("exactly one puts a revision", func(t *testing.T) {
		var won atomic.Int64
		flood(t, func(s *Store, i int) error {
			err := putNew(ctx, s, "a", 16)
			if err == nil {
				won.Add(1)
			}
			if errors.Is(err, leadloop.ErrConflict) {
				return nil
			}
			return err
		})
		if won.Load() != 1 {
			t.Errorf("%d put it", won.Load())
		}
	})
	t.Run("no ledger move is lost, and both see all", func(t *testing.T) {
		flood(t, func(s *Store, i int) error {
			return s.Update(ctx, func(tx store.Tx) error {
				r, err := tx.Rotations().Get(ctx, "pool")
				if err != nil {
					return err
				}
				return tx.Rotations().Move(ctx, leadloop.LedgerMove{Pool: "pool", Revision: r.Revision, To: "b",
					Members: []leadloop.RepID{"a", "b"}, Deltas: []leadloop.Owed{1, -1}})
			})
		})
		for _, s := range stores {
			if err := s.View(ctx, func(tx store.Tx) error {
				r, err := tx.Rotations().Get(ctx, "pool")
				if err == nil && (r.Revision != 32 || r.Balances[0].Owed != 32 || r.Balances[1].Count != 32) {
					t.Errorf("%+v", r)
				}
				return err
			}); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestManyOpenANewFileAtOnce(t *testing.T) {
	path := newPath(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			s, err := Open(t.Context(), path, Options{BusyTimeout: time.Minute})
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(putNew(t.Context(), s, leadloop.LeadID(fmt.Sprint(i)), 16), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := leadsIn(t, openAt(t, path, Options{})); len(got) != 8 {
		t.Errorf("leads: %v", got)
	}
}

func TestAnUpdateGivesUpOnAWriterElsewhere(t *testing.T) {
	path := newPath(t)
	busy, s := openAt(t, path, Options{}), openAt(t, path, Options{BusyTimeout: 20 * time.Millisecond})
	if err := busy.Update(t.Context(), func(store.Tx) error {
		err := putNew(t.Context(), s, "a", 16)
		if !errors.Is(err, leadloop.ErrUnavailable) || !strings.Contains(err.Error(), "another process") {
			t.Errorf("after the timeout: want ErrUnavailable, got %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := putNew(ctx, s, "a", 16); !errors.Is(err, context.Canceled) {
			t.Errorf("with a done ctx: want context.Canceled, got %v", err)
		}
		if got := leadsIn(t, s); len(got) != 0 {
			t.Errorf("a View beside the writer: %v", got)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := putNew(t.Context(), s, "a", 16); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestWaitingForATurnEndsWithCtxAndWithClose(t *testing.T) {
	s := openAt(t, newPath(t), Options{})
	closing := make(chan error, 1)
	waiting := make(chan error, 1)
	if err := s.Update(t.Context(), func(store.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := putNew(ctx, s, "a", 16); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("want context.DeadlineExceeded, got %v", err)
		}
		go func() { waiting <- putNew(t.Context(), s, "b", 16) }()
		go func() { closing <- s.Close() }()
		if err := <-waiting; !errors.Is(err, leadloop.ErrUnavailable) {
			t.Errorf("want ErrUnavailable, got %v", err)
		}
		return nil
	}); err != nil {
		t.Errorf("the transaction that ran when Close was called: %v", err)
	}
	if err := <-closing; err != nil {
		t.Error(err)
	}
}
