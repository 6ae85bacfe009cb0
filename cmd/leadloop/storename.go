package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
	"github.com/leadloop/leadloop/store/postgres"
	"github.com/leadloop/leadloop/store/sqlite"
)

// storeName says where leads are kept: memory, sqlite:PATH or postgres://….
type storeName string

// String is the name without what it may hold of a password.
func (n storeName) String() string {
	if n.file() != "" {
		return string(n)
	}
	kind, _, there := strings.Cut(string(n), ":")
	if !there {
		return kind
	}
	u, err := url.Parse(string(n))
	if err != nil {
		return kind + ":…"
	}
	q := u.Query()
	for key := range q {
		if strings.Contains(strings.ToLower(key), "password") {
			q.Set(key, "xxxxx")
		}
	}
	u.RawQuery = q.Encode()
	return u.Redacted()
}

// file is the path of a SQLite database, "" of another store.
func (n storeName) file() string {
	if path, ok := strings.CutPrefix(string(n), "sqlite:"); ok {
		return path
	}
	return ""
}

func (n storeName) server() bool {
	return strings.HasPrefix(string(n), "postgres:") || strings.HasPrefix(string(n), "postgresql:")
}

// open opens the store, makes it where there is none, and brings it up to date.
func (n storeName) open(ctx context.Context) (store.Store, error) { return n.openAs(ctx, false) }

func (n storeName) openAs(ctx context.Context, asIs bool) (store.Store, error) {
	switch {
	case n == "memory":
		return memstore.New(), nil
	case n.file() != "":
		return sqlite.Open(ctx, n.file(), sqlite.Options{SkipMigration: asIs})
	case n.server():
		return postgres.Open(ctx, string(n), postgres.Options{SkipMigration: asIs})
	}
	return nil, &exitError{exitUsage, fmt.Errorf("--store: expected memory, sqlite:PATH or postgres://USER@HOST/DATABASE, found %q", n)}
}

// asItIs opens a store that is there, and changes nothing of it.
func (n storeName) asItIs(ctx context.Context) (store.Store, error) {
	if n == "memory" {
		return nil, &exitError{exitUsage, errors.New("a store in memory holds nothing from before: name a database with --store sqlite:PATH")}
	}
	if path := n.file(); path != "" && !exists(path) {
		return nil, &exitError{exitUsage, fmt.Errorf("there is no database %s: name it with --store sqlite:PATH, or make one with \"leadloop run\" or \"leadloop history import\"", path)}
	}
	st, err := n.openAs(ctx, true)
	if errors.Is(err, leadloop.ErrNotFound) {
		return nil, &exitError{exitUsage, fmt.Errorf("--store: %s is there, and no leads were ever kept in it: \"leadloop run\" makes what it needs", n)}
	}
	return st, err
}

// there opens a store that is there, for commands with which nobody means to make
// one; an older one is brought up to date.
func (n storeName) there(ctx context.Context) (store.Store, error) {
	st, err := n.asItIs(ctx)
	if errors.Is(err, leadloop.ErrInvalid) {
		return n.open(ctx) // of another release, or it says again what is wrong
	}
	return st, err
}
