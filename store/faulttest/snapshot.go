package faulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// wholeStore is what two runs of the same input must agree on.
type wholeStore struct {
	Leads     []*leadloop.Lead
	Journal   []leadloop.Event
	Tasks     []leadloop.Task
	Decisions []leadloop.Decision
	Ledgers   []store.Rotation
}

// snapshot reads a whole store. What a second attempt may change is left out:
// the numbers of journal entries, and how often and until when a task was
// leased.
func snapshot(ctx context.Context, s store.Store) (wholeStore, error) {
	var c wholeStore
	err := s.View(ctx, func(tx store.Tx) error {
		pools := map[string]bool{}
		for after := leadloop.LeadID(""); ; {
			page, err := tx.Leads().List(ctx, after, 500)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			c.Leads = append(c.Leads, page...)
			after = page[len(page)-1].ID
		}
		for _, l := range c.Leads {
			pools[l.State.Pool] = true
			all, err := tx.Decisions().ByLead(ctx, l.ID)
			if err != nil {
				return err
			}
			c.Decisions = append(c.Decisions, all...)
		}
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return err
			}
			e.Seq = 0
			c.Journal = append(c.Journal, e)
		}
		tasks, err := tx.Tasks().ByLead(ctx, "")
		if err != nil {
			return err
		}
		for _, x := range tasks {
			x.Attempts, x.Lease, x.LeasedUntil, x.LastError = 0, 0, leadloop.Task{}.LeasedUntil, ""
			c.Tasks = append(c.Tasks, x)
		}
		for _, pool := range slices.Sorted(maps.Keys(pools)) {
			if pool == "" {
				continue
			}
			r, err := tx.Rotations().Get(ctx, pool)
			if err != nil {
				return err
			}
			c.Ledgers = append(c.Ledgers, r)
		}
		return nil
	})
	if err != nil {
		return c, fmt.Errorf("reading the store: %w", err)
	}
	return c, nil
}

// diffSnapshots compares as JSON first: comparing values takes a hundred times
// as long, and nearly always they are the same.
func diffSnapshots(want, got wholeStore) string {
	a, err1 := json.Marshal(want)
	b, err2 := json.Marshal(got)
	if err1 == nil && err2 == nil && bytes.Equal(a, b) {
		return ""
	}
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}
