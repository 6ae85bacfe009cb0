package enrich

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// formatVersion is of cache keys and entries; entries of another one are not
// found.
const formatVersion = "1"

// What an answer said about one field.
const (
	saidValue  = "value"
	saidNone   = "none" // looked up and not there
	saidSilent = ""     // matched, but not a word about the field
)

// entry is what a source said about one field of one person or company. Each
// field has an entry of its own, so that each can expire on its own.
type entry struct {
	Said       string         `json:"said,omitempty"`
	Value      leadloop.Value `json:"value,omitzero"`
	Confidence float64        `json:"confidence,omitempty"`
	VerifiedAt time.Time      `json:"verified_at,omitzero"`
	// At is when the answer was given, Matched whether the source knew the
	// person or company at all.
	At      time.Time `json:"at"`
	Matched bool      `json:"matched,omitempty"`
	// Cost is what the whole call cost; one entry of the call carries it.
	Cost leadloop.Micros `json:"cost,omitempty"`

	lead leadloop.LeadID // for whom it was bought
}

// kept is an entry as it stands in the cache: its key tells neither who said it
// nor about what, and people may ask.
type kept struct {
	Provider string `json:"provider"`
	Field    string `json:"field"`
	entry
}

// identity is whom a source is asked about, as a hash: an entry must not tell
// whose it is.
func identity(src *guard, known []Known) string {
	parts := []string{"leadloop/enrich", formatVersion, src.Name, src.Version}
	for _, k := range known {
		parts = append(parts, k.Field, strings.ToLower(k.Value))
	}
	return hash(parts)
}

func entryKey(identity, field string) string { return "enrich:" + hash([]string{identity, field}) }

// hash writes lengths before parts, so that no two lists of parts look alike.
func hash(parts []string) string {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// cached returns what is known from earlier answers about the fields.
func (w *Waterfall) cached(ctx context.Context, identity string, fields []string, asOf time.Time) (map[string]entry, error) {
	found := map[string]entry{}
	err := w.store.View(ctx, func(tx store.Tx) error {
		clear(found)
		for _, f := range fields {
			c, ok, err := tx.Cache().Get(ctx, entryKey(identity, f), asOf)
			if err != nil {
				return err
			}
			var e entry
			if !ok || json.Unmarshal(c.Data, &e) != nil {
				continue
			}
			e.lead = c.Lead
			found[f] = e
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("enrich: reading the cache: %w", err)
	}
	return found, nil
}

// keepTries bounds how often a paid answer is written again when another
// transaction was in the way; keepTime how long that may take once the caller
// has gone.
const (
	keepTries = 10
	keepTime  = 10 * time.Second
)

// keep writes what an answer said and cost in one transaction, and releases the
// money set aside for it. It goes on when the caller has gone: the answer is
// paid for.
func (w *Waterfall) keep(ctx context.Context, src *guard, identity string, said map[string]entry, c store.Cost, m *money) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	err := w.update(ctx, func(tx store.Tx) error {
		forgotten := false
		if w.o.Forgotten != nil {
			var err error
			if forgotten, err = w.o.Forgotten(ctx, tx, c.Lead); err != nil {
				return err
			}
		}
		if !src.NoCache && !forgotten {
			for _, f := range sortedKeys(said) {
				data, err := json.Marshal(kept{src.Name, f, said[f]})
				if err != nil {
					return err
				}
				ttl := w.o.NegativeTTL
				if said[f].Said == saidValue {
					ttl = w.ttl(f)
				}
				if err := tx.Cache().Put(ctx, store.CacheEntry{Key: entryKey(identity, f), Lead: c.Lead, Data: data, ExpiresAt: c.At.Add(ttl)}); err != nil {
					return err
				}
			}
		}
		if w.o.Budget.Lead > 0 {
			spent, err := spentOn(ctx, tx, c.Lead, c.At)
			if err != nil {
				return err
			}
			data, err := json.Marshal(spent + c.Amount)
			if err != nil {
				return err
			}
			if err := tx.Cache().Put(ctx, store.CacheEntry{Key: leadKey(c.Lead), Lead: c.Lead, Data: data, ExpiresAt: never}); err != nil {
				return err
			}
		}
		if !m.booked.Load() {
			if err := m.release(ctx, tx); err != nil {
				return err
			}
		}
		return tx.Costs().Add(ctx, c)
	})
	if err != nil {
		return fmt.Errorf("enrich: keeping the answer of %s: %w", src.Name, err)
	}
	m.booked.Store(true)
	return nil
}

// flights joins equal calls: while one is under way, others that ask the same
// source about the same person or company wait for it.
type flights struct {
	mu  sync.Mutex
	now map[string]*flight
}

type flight struct {
	done    chan struct{}
	failure *LookupError // set before done is closed
	cause   error
}

// board returns the flight under way, or nil if the caller is to fly it; it
// then must call land.
func (f *flights) board(identity string) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if under := f.now[identity]; under != nil {
		return under
	}
	if f.now == nil {
		f.now = map[string]*flight{}
	}
	f.now[identity] = &flight{done: make(chan struct{})}
	return nil
}

func (f *flights) land(identity string, failure *LookupError, cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl := f.now[identity]
	delete(f.now, identity)
	fl.failure, fl.cause = failure, cause
	close(fl.done)
}
