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
	"slices"
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
	keys, err := readKeys(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return nil, fmt.Errorf("key of the suppression tokens: %w", err)
	}
	marks, err := keysOf(ctx, st)
	if err != nil {
		return nil, err
	}
	if missing && len(marks) > 0 {
		return nil, fmt.Errorf("key of the suppression tokens: %s is not there; put it back, or name it with --token-key: without it nobody on the suppression list would be recognised", path)
	}
	if missing {
		key, err := newKey(path)
		if err != nil {
			return nil, fmt.Errorf("key of the suppression tokens: %w", err)
		}
		keys = [][]byte{key}
	}
	// Without one of the keys that the list was made with nobody of that time would
	// be recognised, and those who said no would be contacted.
	prints := make([]string, len(keys))
	for i, key := range keys {
		prints[i] = fingerprint(key)
	}
	if n := len(prints) - len(marks); n < 0 || !slices.Equal(prints[n:], marks) {
		return nil, fmt.Errorf("key of the suppression tokens: %s does not have the keys that the suppression list in %s was made with; put them back in their order, new ones above them, or name the file with --token-key", path, name)
	}
	if !slices.Equal(marks, prints) {
		err := st.Update(ctx, func(tx store.Tx) error {
			return tx.Suppressions().Add(ctx, store.Suppression{Token: keyMark, Reason: strings.Join(prints, " "), At: time.Unix(0, 0).UTC()})
		})
		if err != nil {
			return nil, fmt.Errorf("key of the suppression tokens: %w", err)
		}
	}
	return tokensBy(keys)
}

// tokensBy makes tokens by keys, the latest first: k1 is the oldest.
func tokensBy(keys [][]byte) (*privacy.Tokens, error) {
	all := make([]*privacy.Tokens, len(keys))
	for i, key := range keys {
		var err error
		if all[i], err = privacy.NewTokens(fmt.Sprintf("k%d", len(keys)-i), key); err != nil {
			return nil, err
		}
	}
	return all[0].After(all[1:]...)
}

// keyMark is an entry of the suppression list that matches nobody. Its reason
// says with which keys the others were made.
const keyMark = "leadloop-command-key"

func keysOf(ctx context.Context, st store.Store) (marks []string, err error) {
	err = st.View(ctx, func(tx store.Tx) error {
		found, err := tx.Suppressions().Match(ctx, []string{keyMark})
		if len(found) > 0 {
			marks = strings.Fields(found[0].Reason)
		}
		return err
	})
	return marks, err
}

// fingerprint tells keys apart and nothing about them.
func fingerprint(key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(keyMark))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// readKeys reads one key a line, the latest first.
func readKeys(path string) (keys [][]byte, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		key, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil || len(key) < privacy.MinKey {
			return nil, fmt.Errorf("%s:%d: expected %d bytes in hex, one key a line with the latest first", path, i+1, privacy.MinKey)
		}
		keys = append(keys, key)
	}
	return keys, nil
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
		// Another process was first.
		keys, err := readKeys(path)
		if err != nil {
			return nil, err
		}
		return keys[0], nil
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
