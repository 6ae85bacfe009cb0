package main

import (
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/engine"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/privacy"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
	"github.com/leadloop/leadloop/tracking"
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
	desk, err := pb.Desk(st, playbook.Options{Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	r := &replay{loop: loop, store: st, desk: desk, asOf: in.asOf}
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
	dealsAreConversions(t, st, in.asOf)
	if len(want) < 200 || heldBack != h.heldBack {
		t.Errorf("%d leads, %d held back of %d", len(want), h.heldBack, heldBack)
	}
}

// dealsAreConversions says that the leads of the CRM's deals followed them, and
// that the figures tell what they brought.
func dealsAreConversions(t *testing.T, st store.Store, asOf time.Time) {
	t.Helper()
	ctx := t.Context()
	var won leadloop.Micros
	ours := map[leadloop.OpportunityStatus]int{}
	err := st.View(ctx, func(tx store.Tx) error {
		all, err := tx.CRM().Opportunities(ctx, "")
		if err != nil {
			return err
		}
		for _, o := range all {
			if o.Lead == "" {
				continue
			}
			l, err := store.Resolve(ctx, tx.Leads(), o.Lead)
			if err != nil {
				return err
			}
			if ours[o.Status]++; o.Status == leadloop.OpportunityWon {
				won += o.Amount
			}
			stage := map[leadloop.OpportunityStatus]string{leadloop.OpportunityOpen: "opportunity", leadloop.OpportunityWon: "customer", leadloop.OpportunityLost: "nurture"}[o.Status]
			if s := l.State; s.Stage != stage || s.Opportunity != o.ID {
				t.Errorf("opportunity %s is %s, its lead %s with %q", o.ID, o.Status, s.Stage, s.Opportunity)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := tracking.NewReview(ctx, st, asOf, tracking.ReviewOptions{Tables: [][]string{{tracking.DimStage}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range r.Tables[0].Groups {
		d := g.Deals
		switch stage := g.Values[0]; {
		case stage == "customer" && (d.Won != ours[leadloop.OpportunityWon] || d.WonAmount != won),
			stage == "opportunity" && d.Open != ours[leadloop.OpportunityOpen],
			stage == "nurture" && d.Lost != ours[leadloop.OpportunityLost]:
			t.Errorf("in stage %s are %+v, the CRM has %v, won for %v", stage, d, ours, won)
		}
	}
	if ours[leadloop.OpportunityOpen] < 5 {
		t.Error(ours)
	}
}
