package faulttest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Rules say what [Check] looks for beyond what holds in every loop. The zero
// value asks for nothing more.
type Rules struct {
	// Keys were acknowledged: each has a lead.
	Keys []string
	// Unique are kinds of identifiers that no two leads share, such as "email".
	Unique []string
	// Pools are looked at on top of those that leads name.
	Pools []string
	// Settled says that nothing is under way: every lead is decided about.
	Settled bool
}

// Check reads a whole store and returns what is broken in it, as one error
// whose parts are sentences with ids; nil if nothing is.
//
// It holds that: every key has a lead; no two leads that are not merged share
// an identifier of a unique kind; a lead that is assigned has an owner, one with
// neither owner nor queue has a reason, and one that was not decided about has
// a task that will; the journal has one arrival of each lead, and gave it last
// to the owner it has; a decision record is of a revision that was; the
// balances of a pool sum to 0, and the pools counted no more leads than the
// journal; tasks are of leads that exist, or of erasures, once, and none is done
// without having been handed out.
func Check(ctx context.Context, s store.Store, r Rules) error {
	c := checker{rules: r, leads: map[leadloop.LeadID]*leadloop.Lead{}, erasures: map[leadloop.LeadID]bool{}, pools: map[string]bool{}}
	for _, p := range r.Pools {
		c.pools[p] = true
	}
	err := s.View(ctx, func(tx store.Tx) error {
		for _, part := range []func(context.Context, store.Tx) error{c.readLeads, c.keys, c.history, c.tasks, c.ledgers} {
			if err := part(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the store: %w", err)
	}
	return errors.Join(c.broken...)
}

type checker struct {
	rules Rules
	leads map[leadloop.LeadID]*leadloop.Lead
	order []leadloop.LeadID
	// erasures are the ids under which the journal has erasures.
	erasures map[leadloop.LeadID]bool
	pools    map[string]bool
	broken   []error
	// assigned counts the assignments in the journal.
	assigned int64
}

func (c *checker) say(format string, args ...any) {
	c.broken = append(c.broken, fmt.Errorf(format, args...))
}

func (c *checker) readLeads(ctx context.Context, tx store.Tx) error {
	seen := map[leadloop.Identifier]leadloop.LeadID{}
	for after := leadloop.LeadID(""); ; {
		page, err := tx.Leads().List(ctx, after, 500)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		for _, l := range page {
			c.leads[l.ID], after = l, l.ID
			c.order = append(c.order, l.ID)
			if l.MergedInto != "" {
				continue
			}
			for _, i := range l.Identifiers {
				if !slices.Contains(c.rules.Unique, i.Kind) {
					continue
				}
				if other, twice := seen[i]; twice && other != l.ID {
					c.say("leads %s and %s share a %s", other, l.ID, i.Kind)
				}
				seen[i] = l.ID
			}
		}
	}
}

func (c *checker) keys(ctx context.Context, tx store.Tx) error {
	for n, key := range c.rules.Keys {
		id, err := tx.Keys().Lookup(ctx, key)
		if errors.Is(err, leadloop.ErrNotFound) {
			c.say("acknowledged key %d of %d has no lead", n+1, len(c.rules.Keys))
			continue
		}
		if err != nil {
			return err
		}
		if _, err := store.Resolve(ctx, tx.Leads(), id); errors.Is(err, leadloop.ErrNotFound) {
			c.say("acknowledged key %d of %d: its lead %s is gone", n+1, len(c.rules.Keys), id)
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) history(ctx context.Context, tx store.Tx) error {
	arrivals, last := map[leadloop.LeadID]int{}, map[leadloop.LeadID]string{}
	seq := int64(0)
	for e, err := range tx.Journal().Since(ctx, 0) {
		if err != nil {
			return err
		}
		if e.Seq <= seq {
			c.say("journal entry %d follows %d", e.Seq, seq)
		}
		seq = e.Seq
		switch e.Kind {
		case leadloop.EventCaptured:
			arrivals[e.Lead]++
		case leadloop.EventAssigned:
			last[e.Lead] = e.To
			c.assigned++
		case leadloop.EventErased:
			if e.From != "" { // of a target: the entry is the erasure's, not a lead's
				c.erasures[e.Lead] = true
			}
		}
	}
	for _, id := range c.order {
		l := c.leads[id]
		s := l.State
		if s.Pool != "" {
			c.pools[s.Pool] = true
		}
		if n := arrivals[id]; n > 1 || n == 0 && l.MergedInto == "" {
			c.say("lead %s arrived %d times in the journal", id, n)
		}
		all, err := tx.Decisions().ByLead(ctx, id)
		if err != nil {
			return err
		}
		for _, d := range all {
			if d.Revision > l.Revision {
				c.say("lead %s has revision %d and a decision about revision %d", id, l.Revision, d.Revision)
			}
		}
		if l.MergedInto != "" {
			if _, there := c.leads[l.MergedInto]; !there {
				c.say("lead %s is merged into %s, which is not there", id, l.MergedInto)
			}
			continue
		}
		if s.Disposition == leadloop.OutcomeAssigned && s.Owner == "" {
			c.say("lead %s is assigned to nobody", id)
		}
		if s.Owner != "" && last[id] != string(s.Owner) {
			c.say("lead %s belongs to %q, the journal gave it to %q", id, s.Owner, last[id])
		}
		if s.Disposition != "" && s.Owner == "" && s.Queue == "" && s.Reason == "" {
			c.say("lead %s is %q without a queue or a reason", id, s.Disposition)
		}
	}
	return nil
}

func (c *checker) tasks(ctx context.Context, tx store.Tx) error {
	all, err := tx.Tasks().ByLead(ctx, "")
	if err != nil {
		return err
	}
	seen, waiting := map[string]bool{}, map[leadloop.LeadID]bool{}
	for _, t := range all {
		if seen[t.Key] {
			c.say("task %s is there twice", t.Key)
		}
		seen[t.Key] = true
		// The task that tells a system stands under the erasure's id and the
		// system's name.
		erasure, _, _ := strings.Cut(string(t.Lead), ":")
		if _, there := c.leads[t.Lead]; t.Lead != "" && !there && !c.erasures[leadloop.LeadID(erasure)] {
			c.say("task %s is of lead %s, which is not there", t.Key, t.Lead)
		}
		if t.State == leadloop.TaskDone && (t.Lease == 0 || t.Attempts == 0) {
			c.say("task %s is done and was never handed out", t.Key)
		}
		if t.Kind == leadloop.TaskProcess && (t.State == leadloop.TaskPending || t.State == leadloop.TaskDead) {
			waiting[t.Lead] = true
		}
	}
	for _, id := range c.order {
		l := c.leads[id]
		if l.MergedInto == "" && l.State.Disposition == "" && (c.rules.Settled || !waiting[id]) {
			c.say("lead %s is not decided about, and no task will", id)
		}
	}
	return nil
}

func (c *checker) ledgers(ctx context.Context, tx store.Tx) error {
	var counted int64
	for _, pool := range slices.Sorted(maps.Keys(c.pools)) {
		r, err := tx.Rotations().Get(ctx, pool)
		if err != nil {
			return err
		}
		var sum leadloop.Owed
		for _, b := range r.Balances {
			sum += b.Owed
			counted += b.Count
		}
		if sum != 0 {
			c.say("the ledger of pool %s sums to %d", pool, sum)
		}
	}
	if counted > c.assigned {
		c.say("the pools counted %d leads, the journal has %d assignments", counted, c.assigned)
	}
	return nil
}
