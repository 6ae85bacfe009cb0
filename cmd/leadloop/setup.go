package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/store"
)

const keyBytes = 32

// tokensOf makes suppression tokens with the key of the store of a name. Without
// a path it is in a file of its own beside the database, so that a copy of the
// database alone tells nobody who is on the list.
func tokensOf(ctx context.Context, st store.Store, name storeName, path string) (*privacy.Tokens, error) {
	if path == "" {
		if name.server() {
			return nil, &exitError{exitUsage, errors.New("a store on a server has no folder for the key of the suppression tokens: name its file with --token-key")}
		}
		if name.file() == "" {
			key := make([]byte, keyBytes)
			if _, err := rand.Read(key); err != nil {
				return nil, fmt.Errorf("make a key: %w", err)
			}
			return privacy.NewTokens("memory", key)
		}
		path = name.file() + ".key"
	}
	key, err := readKey(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return nil, fmt.Errorf("key of the suppression tokens: %w", err)
	}
	known, err := keyOf(ctx, st)
	if err != nil {
		return nil, err
	}
	// With another key nobody on the list would be recognised, and those who
	// said no would be contacted.
	switch {
	case known != "" && missing:
		return nil, fmt.Errorf("key of the suppression tokens: %s is not there; put it back, or name it with --token-key: without it nobody on the suppression list would be recognised", path)
	case known != "" && known != fingerprint(key):
		return nil, fmt.Errorf("key of the suppression tokens: %s is not the one that the suppression list in %s was made with; put that one back, or name it with --token-key", path, name)
	case missing:
		if key, err = newKey(path); err != nil {
			return nil, fmt.Errorf("key of the suppression tokens: %w", err)
		}
	}
	if known == "" {
		err = st.Update(ctx, func(tx store.Tx) error {
			return tx.Suppressions().Add(ctx, store.Suppression{Token: keyMark, Reason: fingerprint(key), At: time.Unix(0, 0).UTC()})
		})
		if err != nil {
			return nil, fmt.Errorf("key of the suppression tokens: %w", err)
		}
	}
	return privacy.NewTokens("k1", key)
}

// keyMark is an entry of the suppression list that matches nobody. Its reason
// says with which key the others were made.
const keyMark = "leadloop-command-key"

func keyOf(ctx context.Context, st store.Store) (mark string, err error) {
	err = st.View(ctx, func(tx store.Tx) error {
		marks, err := tx.Suppressions().Match(ctx, []string{keyMark})
		if len(marks) > 0 {
			mark = marks[0].Reason
		}
		return err
	})
	return mark, err
}

// fingerprint tells keys apart and nothing about them.
func fingerprint(key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(keyMark))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

func readKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) < privacy.MinKey {
		return nil, fmt.Errorf("%s does not hold %d bytes in hex", path, privacy.MinKey)
	}
	return key, nil
}

// newKey makes the file of a key whole or not at all: what is left of a crash
// must not look like a key, and of two processes one is first.
func newKey(path string) ([]byte, error) {
	key := make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".leadloop-key-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // a file of this program's own
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	switch err := os.Link(f.Name(), path); {
	case errors.Is(err, fs.ErrExist):
		return readKey(path) // another process was first
	case err != nil:
		// A file system without links.
		if err := os.Rename(f.Name(), path); err != nil {
			return nil, err
		}
	}
	return key, nil
}

// put stores what the CRM says, where the store says otherwise, but for
// contacts who were erased, and fills have with the opportunities that are
// stored.
func (c *crm) put(ctx context.Context, tx store.Tx, tokens *privacy.Tokens, have map[leadloop.OpportunityID]leadloop.Opportunity) error {
	to := tx.CRM()
	for _, a := range c.accounts {
		if err := to.PutAccount(ctx, a); err != nil {
			return fmt.Errorf("account %s: %w", a.ID, err)
		}
	}
	for _, p := range c.contacts {
		erased, err := tokens.ForgottenContact(ctx, tx, p)
		if err != nil {
			return fmt.Errorf("contact %s: %w", p.ID, err)
		}
		if erased {
			continue
		}
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
		s.say("%v", p)
	}
	return nil
}

// same reports whether two opportunities say the same.
func same(a, b leadloop.Opportunity) bool { return reflect.DeepEqual(a, b) }
