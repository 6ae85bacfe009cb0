package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
)

const keyBytes = 32

// tokens makes suppression tokens with the key of the store: in a file of its
// own beside the database, so that a copy of the database alone tells nobody
// who is on the list.
func (c *runCmd) tokens() (*privacy.Tokens, error) {
	path := c.TokenKey
	if path == "" {
		kind, db, _ := strings.Cut(c.Store, ":")
		if kind != "sqlite" {
			key := make([]byte, keyBytes)
			if _, err := rand.Read(key); err != nil {
				return nil, fmt.Errorf("make a key: %w", err)
			}
			return privacy.NewTokens("memory", key)
		}
		path = db + ".key"
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = newKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key of the suppression tokens: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) < privacy.MinKey {
		return nil, fmt.Errorf("key of the suppression tokens: %s does not hold %d bytes in hex", path, privacy.MinKey)
	}
	return privacy.NewTokens("k1", key)
}

func newKey(path string) ([]byte, error) {
	key := make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	text := []byte(hex.EncodeToString(key) + "\n")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return os.ReadFile(path) // another process was first
	}
	if err != nil {
		return nil, err
	}
	_, err = f.Write(text)
	return text, errors.Join(err, f.Close())
}

// put stores what the CRM says, where the store says otherwise, and fills have
// with the opportunities that are stored.
func (c *crm) put(ctx context.Context, to store.CRM, have map[leadloop.OpportunityID]leadloop.Opportunity) error {
	for _, a := range c.accounts {
		if err := to.PutAccount(ctx, a); err != nil {
			return fmt.Errorf("account %s: %w", a.ID, err)
		}
	}
	for _, p := range c.contacts {
		if err := to.PutContact(ctx, p); err != nil {
			return fmt.Errorf("contact %s: %w", p.ID, err)
		}
	}
	for _, r := range c.reps {
		if err := to.PutRep(ctx, r); err != nil {
			return fmt.Errorf("rep %s: %w", r.ID, err)
		}
	}
	stored, err := to.Opportunities(ctx, "")
	for _, o := range stored {
		have[o.ID] = o
	}
	return err
}

func (c *crm) suppress(ctx context.Context, st store.Store, tokens *privacy.Tokens, in *input, s streams) error {
	if c.suppressions == "" {
		return nil
	}
	f, err := os.Open(c.suppressions)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	done, err := privacy.Import(ctx, st, tokens, f, in.asOf)
	if err != nil {
		return fmt.Errorf("%s: %w", c.suppressions, err)
	}
	for _, r := range done.Rejects {
		p := problem{filepath.Base(c.suppressions), r.Line, r.Reason}
		in.sideProblems = append(in.sideProblems, p)
		fmt.Fprintln(s.err, p)
	}
	return nil
}

// same reports whether two opportunities say the same.
func same(a, b leadloop.Opportunity) bool { return reflect.DeepEqual(a, b) }
