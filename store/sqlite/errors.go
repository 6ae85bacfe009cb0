package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"

	"github.com/leadloop/leadloop"
)

// The primary result codes of SQLite that say something to a caller.
const (
	codeError    = 1
	codeBusy     = 5
	codeLocked   = 6
	codeNoMemory = 7
	codeReadOnly = 8
	codeIO       = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeTooBig   = 18
	codeNotADB   = 26
)

// databaseError is what the database reported. Its text is ours: SQLite's own
// is not known to be free of personal data.
type databaseError struct {
	code int
	is   error
	text string
	sql  string // SQLite's text where it can't hold a value: about a statement
}

func (e *databaseError) Error() string {
	s := fmt.Sprintf("sqlite: %v: %s (SQLite code %d)", e.is, e.text, e.code)
	if e.sql != "" {
		s += ": " + e.sql
	}
	return s
}

func (e *databaseError) Unwrap() error { return e.is }

// explain makes an error of the driver one of ours. Other errors stay as they
// are.
func explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	var text string
	is := leadloop.ErrUnavailable
	switch e.Code() & 0xff {
	case codeBusy, codeLocked:
		text = "another process is using the file"
	case codeNoMemory:
		text = "out of memory"
	case codeReadOnly:
		text = "the file can't be written: check its permissions, those of its directory, and the mount"
	case codeIO:
		text = "the disk failed to read or write"
	case codeCorrupt:
		text = "the file is damaged: restore a backup, or recover it with sqlite3's .recover"
	case codeFull:
		text = "the disk, or the quota of the file, is full"
	case codeCantOpen:
		text = "the file can't be opened: check its path and permissions"
	case codeNotADB:
		text = "the file is not a database, or its beginning is damaged"
	case codeTooBig:
		is, text = leadloop.ErrInvalid, "a value is larger than a database can hold"
	case codeError:
		return &databaseError{code: e.Code(), is: is, text: "a statement failed", sql: e.Error()}
	default:
		text = "a statement failed"
	}
	return &databaseError{code: e.Code(), is: is, text: text}
}

func hasCode(err error, code int) bool {
	var e *databaseError
	return errors.As(err, &e) && e.code&0xff == code
}

func isBusy(err error) bool {
	return hasCode(err, codeBusy) || hasCode(err, codeLocked) || errors.Is(err, errRead)
}

// isNoTransaction reports whether a ROLLBACK failed because the transaction is
// over: SQLite has no code of its own for it.
func isNoTransaction(err error) bool { return hasCode(err, codeError) }

// invalid says what can't be stored.
func invalid(what, id string, err error) error {
	return fmt.Errorf("%s %s: %w: %w", what, id, leadloop.ErrInvalid, err)
}
