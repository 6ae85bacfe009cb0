package main

import (
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// Five weeks of the sample, or all twelve up to LEADLOOP_SIMULATE_UNTIL, lead by
// lead: where the simulation has a lead at the
// end, the loop over a store has it too, with the same tier and by the same entry.
func TestASimulationIsWhatTheLoopDoes(t *testing.T) {
	asOf := cmp.Or(os.Getenv("LEADLOOP_SIMULATE_UNTIL"), "2026-09-26T00:00:00Z")
	ctx, quiet := t.Context(), streams{io.Discard, io.Discard}
	sample := filepath.Join("..", "..", "examples", "inbound")
	pb, err := loadSound(filepath.Join(sample, "playbook"), quiet)
	if err != nil {
		t.Fatal(err)
	}
	files := historyFlags{AsOf: asOf}
	c, in, err := files.read(filepath.Join(sample, "playbook"), filepath.Join(sample, "leads.csv"), pb.Schema(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	h, sim, err := simulate(ctx, pb, c, in, routing.SimulateOptions{}, quiet)
	if err != nil || len(h.failed) > 0 {
		t.Fatal(err, h.failed)
	}
	got := map[leadloop.LeadID]routing.Placement{}
	for _, p := range sim.Placements {
		p.Track = "" // the state does not say it
		got[p.Lead] = p
	}

	c, in, err = files.read(filepath.Join(sample, "playbook"), filepath.Join(sample, "leads.csv"), pb.Schema(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	st := memstore.New()
	tokens, err := privacy.NewTokens("memory", make([]byte, keyBytes))
	if err != nil {
		t.Fatal(err)
	}
	loop, err := pb.Loop(ctx, st, playbook.Options{Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	r := &replay{loop: loop, store: st, asOf: in.asOf}
	if err := c.prepare(ctx, r, in, tokens, quiet); err != nil {
		t.Fatal(err)
	}
	if err := r.run(ctx, func() {}); err != nil || len(r.failed) > 0 {
		t.Fatal(err, r.failed)
	}
	want, heldBack := map[leadloop.LeadID]routing.Placement{}, 0
	err = st.View(ctx, func(tx store.Tx) error {
		seen := map[leadloop.LeadID]bool{}
		for _, row := range in.rows {
			l, err := store.Resolve(ctx, tx.Leads(), engine.RecordID(row.submission.Key))
			if errors.Is(err, leadloop.ErrNotFound) {
				continue // later
			}
			if err != nil {
				return err
			}
			if seen[l.ID] {
				continue
			}
			seen[l.ID] = true
			if s := l.State; got[l.ID].Lead != "" {
				want[l.ID] = routing.Placement{Lead: l.ID, Tier: s.Score.Tier, Kind: s.Disposition, Entry: s.Entry, Owner: s.Owner, Queue: s.Queue}
			} else {
				heldBack++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, w := range want {
		if g := got[id]; w != g {
			t.Errorf("the loop has %+v, the simulation %+v", w, g)
		}
	}
	if len(want) < 200 || heldBack != h.heldBack {
		t.Errorf("%d leads, %d held back of %d", len(want), h.heldBack, heldBack)
	}
}
