package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// mergeInto makes the lead from a part of into, as a loop writes a merge: the
// tombstone first. between is called when both are read. A lead that is merged
// away already stays as it is.
func mergeInto(ctx context.Context, tx store.Tx, into, from leadloop.LeadID, between func()) error {
	a, err := tx.Leads().Get(ctx, into)
	if err != nil {
		return err
	}
	b, err := tx.Leads().Get(ctx, from)
	if err != nil {
		return err
	}
	between()
	if a.MergedInto != "" || b.MergedInto != "" {
		return nil
	}
	b.MergedInto = a.ID
	if _, err := tx.Leads().Put(ctx, b); err != nil {
		return err
	}
	a.Records = append(append(a.Records, b.ID), b.Records...)
	_, err = tx.Leads().Put(ctx, a)
	return err
}

var mergeSentences = []sentence{
	{"of two interlocked transactions that merge two leads into each other one stands, whole", ConcurrentWriters, func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error { return putLeads(ctx, tx, "a", "b") })
		second := make(chan error, 1)
		begun := false
		first := k.retry(func(ctx context.Context, tx store.Tx) error {
			return mergeInto(ctx, tx, "a", "b", func() {
				if begun {
					return
				}
				begun = true
				go func() {
					second <- k.retry(func(ctx context.Context, tx store.Tx) error { return mergeInto(ctx, tx, "b", "a", func() {}) })
				}()
				select {
				case err := <-second:
					second <- err
				case <-time.After(overlap):
					// The store holds the second back until the first ends.
				}
			})
		})
		if err := errors.Join(first, <-second); err != nil {
			k.Fatal(err)
		}
		k.merged("a", "b")
	}},
	{"32 transactions that merge the leads of one person two by two end with one lead that has all", ConcurrentWriters, func(k *kit) {
		var all []leadloop.LeadID
		for i := range 12 {
			all = append(all, leadloop.LeadID(fmt.Sprintf("lead-%02d", i)))
		}
		k.update(func(ctx context.Context, tx store.Tx) error {
			for _, id := range all {
				if _, err := tx.Leads().Put(ctx, plainLead(id, email("ana@example.com"))); err != nil {
					return err
				}
			}
			return nil
		})
		k.flood(func(i int) error {
			for {
				done := false
				if err := k.retry(func(ctx context.Context, tx store.Tx) error {
					left, err := tx.Leads().Match(ctx, []leadloop.Identifier{email("ana@example.com")})
					if err != nil {
						return err
					}
					if done = len(left) == 1; done {
						return nil
					}
					into := i % len(left)
					return mergeInto(ctx, tx, left[into], left[(into+1+i%(len(left)-1))%len(left)], func() {})
				}); err != nil || done {
					return err
				}
			}
		})
		k.merged(all...)
	}},
}

// merged checks that of all leads one is left that has the others.
func (k *kit) merged(all ...leadloop.LeadID) {
	k.Helper()
	var left []*leadloop.Lead
	for _, l := range read(k, list("", 100)) {
		if l.MergedInto == "" {
			left = append(left, l)
		}
	}
	if len(left) != 1 {
		k.Fatalf("%d leads are left", len(left))
	}
	has := slices.Sorted(slices.Values(append(left[0].Records, left[0].ID)))
	same(k, "the lead that is left has", all, has)
}
