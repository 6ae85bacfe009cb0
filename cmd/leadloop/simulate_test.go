package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
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
	sample := filepath.Join("..", "..", "examples", "inbound")
	st, at := sameAsTheLoop(t, filepath.Join(sample, "playbook"), filepath.Join(sample, "leads.csv"), cmp.Or(os.Getenv("LEADLOOP_SIMULATE_UNTIL"), "2026-09-26T00:00:00Z"))
	dealsAreConversions(t, st, at)
}

// The same where leads wait: for hours, for somebody who is away or full, and
// for who is left when an escalation takes them from others.
func TestASimulationDrainsQueuesAsTheLoopDoes(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 0))
	at := time.Date(2026, 11, 2, 6, 0, 0, 0, time.UTC)
	var rows strings.Builder
	rows.WriteString("email,company,employees,country,source,received_at,title\n")
	for i := range 240 {
		at = at.Add(time.Duration(1+rng.IntN(90)) * time.Minute)
		pick := func(of ...string) string { return of[rng.IntN(len(of))] }
		fmt.Fprintf(&rows, "p%d@firma%d.de,Firma %d,%s,%s,%s,%s,%s\n", i, i, i, pick("10", "200", "900", ""), pick("DE", "US", "TR", ""), pick("web", "web", "partner"), at.Format(time.RFC3339), pick("VP Sales", "CEO", ""))
	}
	for name, text := range map[string]string{
		"leads.csv": rows.String(),
		"scoring.yaml": `
model: m
version: 1
rules:
  - {id: vp, group: fit, when: 'lead.seniority in ["vp", "c_level"]', points: 50}
  - {id: size, group: fit, when: "company.employees >= 100", points: 30}
groups: {fit: {max: 100}}
score: "fit"
tiers: {A: 70, B: 30, C: 0}
`,
		"routing.yaml": `
teams: [{id: sales, manager: vera, members: [ana, ben, cem]}]
reps:
  - {id: vera, max_week: 20}
  - {id: ana, timezone: Europe/Berlin, hours: office, max_open: 30, languages: [de, en]}
  - {id: ben, timezone: America/New_York, hours: office, max_day: 6, away: [{from: 2026-11-04, until: 2026-11-08}]}
  - {id: cem, weight: 50, hours: night, max_open: 40}
pools: [{id: all, team: sales, present: true, wait: 4h, queue: desk, buffer: 24h}]
queues: [{id: desk, team: sales}]
chain:
  - {id: partner, source: [partner], target: {rep: vera}}
  - {id: rest, target: {pool: all}}
final: desk
`,
		"sla.yaml": `
zone: Europe/Berlin
calendars:
  office: {zone: owner, hours: {mon-fri: ["09:00-12:00", "13:00-17:30"]}}
  night: {zone: owner, hours: {mon-fri: ["22:00-06:00"]}}
policies:
  - {id: hot, tier: A, target: 15m, calendar: office, escalate: [{after: 30m, reassign: true, notify: manager}, {after: 1h, notify: "queue:desk"}]}
  - {id: rest, target: 4h, calendar: office, escalate: [{notify: "queue:desk"}]}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sameAsTheLoop(t, dir, filepath.Join(dir, "leads.csv"), "")
}

// sameAsTheLoop compares lead by lead; the store is the loop's.
func sameAsTheLoop(t *testing.T, folder, leads, asOf string) (store.Store, time.Time) {
	t.Helper()
	ctx, quiet := t.Context(), streams{io.Discard, io.Discard}
	pb, err := loadSound(folder, quiet)
	if err != nil {
		t.Fatal(err)
	}
	files := historyFlags{AsOf: asOf}
	c, in, err := files.read(folder, leads, pb.Schema(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	h, sim, err := simulate(ctx, pb, c, in, routing.SimulateOptions{}, quiet)
	if err != nil || len(h.failed) > 0 {
		t.Fatal(err, h.failed)
	}
	got := map[leadloop.LeadID]routing.Placement{}
	for _, p := range sim.Placements {
		p.Track, p.DueAt = "", time.Time{} // the state does not say the one, and pauses move the other
		got[p.Lead] = p
	}

	c, in, err = files.read(folder, leads, pb.Schema(), quiet)
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
				want[l.ID] = routing.Placement{Lead: l.ID, Tier: s.Score.Tier, Kind: s.Disposition, Entry: s.Entry, Owner: s.Owner, Queue: s.Queue, Pool: s.Pool, Policy: s.SLA.Policy}
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
	return st, in.asOf
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
