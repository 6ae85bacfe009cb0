package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// explain makes an error of pgx one of ours. Errors of ours, and of a ctx that
// is done, stay as they are. What PostgreSQL says is left out unless it is
// about a statement: it may quote values.
func explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, leadloop.ErrInvalid), errors.Is(err, leadloop.ErrUnavailable), errors.Is(err, leadloop.ErrConflict):
		return err
	}
	if done := ctx.Err(); done != nil {
		return fmt.Errorf("postgres: %w", done)
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return explainRefusal(refused)
	}
	switch {
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return fmt.Errorf("postgres: %w: the transaction was rolled back instead of committed", leadloop.ErrConflict)
	case errors.Is(err, puddle.ErrClosedPool):
		return fmt.Errorf("postgres: %w: its pool is", store.ErrClosed)
	case errors.Is(err, pgx.ErrTxClosed):
		return fmt.Errorf("postgres: %w: the transaction is over", leadloop.ErrUnavailable)
	}
	// Connecting, sending, receiving. pgconn's texts hold host, user and
	// database, and no value.
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) {
		return fmt.Errorf("postgres: %w: can't connect: check the address, that the server runs, and the credentials: %w", leadloop.ErrUnavailable, connecting)
	}
	return fmt.Errorf("postgres: %w: the connection failed", leadloop.ErrUnavailable)
}

func explainRefusal(e *pgconn.PgError) error {
	is, text := leadloop.ErrUnavailable, "a statement failed"
	switch class := e.Code[:min(2, len(e.Code))]; {
	case e.Code == "40001", e.Code == "40P01", e.Code == "55P03":
		is, text = leadloop.ErrConflict, "a concurrent transaction got in the way"
	case e.Code == "42501":
		text = "the role lacks a right: grant it USAGE on the schema and all rights on its tables and sequences"
	case e.Code == "3D000":
		text = "there is no such database: create it first"
	case class == "28":
		text = "the server refuses the role or its password"
	case e.Code == "42P01", e.Code == "42703", e.Code == "3F000":
		return fmt.Errorf("postgres: %w: the schema is not this release's: %s (SQLSTATE %s); let Open migrate it, or call Migrate as its owner", is, e.Message, e.Code)
	case class == "42":
		return fmt.Errorf("postgres: %w: %s: %s (SQLSTATE %s)", is, text, e.Message, e.Code)
	case e.Code == "22021", e.Code == "22P05":
		is, text = leadloop.ErrInvalid, "a text is not valid UTF-8 or holds a NUL"
	case e.Code == "54000":
		is, text = leadloop.ErrInvalid, "a value is too long to be searched by"
	case class == "23":
		is, text = leadloop.ErrConflict, "a row stands in the way"
	case e.Code == "53100":
		text = "the server's disk is full"
	case e.Code == "53300":
		text = "the server has no connection left: raise max_connections or use smaller pools"
	case e.Code == "25006":
		text = "the server is read-only: connect to the primary"
	case class == "57":
		text = "the server is shutting down or starting, or ended the statement"
	}
	where := ""
	if e.ConstraintName != "" {
		where = " on " + strings.ToValidUTF8(e.ConstraintName, "?")
	}
	return fmt.Errorf("postgres: %w: %s%s (SQLSTATE %s)", is, text, where, e.Code)
}

// Conflict reports whether a transaction of the host, in which a store took
// part, ended because a concurrent one got in the way: begin it anew, from its
// first statement. Errors of the store, of pgx and of the commit are all told.
func Conflict(err error) bool {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code == "40001" || refused.Code == "40P01"
	}
	return errors.Is(err, leadloop.ErrConflict)
}
