package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/scoring"
	"github.com/leadloop/leadloop/scoring/learn"
	"github.com/leadloop/leadloop/store"
)

// Columns of a table of stored leads besides their fields.
const (
	storedID       = "id"
	storedArrived  = "arrived"
	storedEnded    = "ended"
	storedOutcome  = "outcome"
	storedScore    = "score"
	storedTier     = "tier"
	storedFeedback = "feedback"
	storedOwner    = "owner"
)

// storedLeads makes a table of the leads of a store: each as it was known so
// long after it arrived, so that nothing that came of it later is in it, and
// how it ended. The fields are those of the playbook that are texts or numbers.
func storedLeads(ctx context.Context, st store.Store, pb *playbook.Playbook, after time.Duration) (learn.Rows, map[string]string, error) {
	schema := pb.Schema()
	rows := learn.Rows{Header: []string{storedID, storedArrived, storedEnded, storedOutcome, storedScore, storedTier, storedFeedback, storedOwner}}
	fields := map[string]string{}
	var at []int
	for i, f := range schema.Fields() {
		if f.Kind == leadloop.KindString || f.Kind == leadloop.KindInt || f.Kind == leadloop.KindFloat {
			rows.Header, at = append(rows.Header, f.Name), append(at, i)
			fields[f.Name] = f.Name
		}
	}
	err := st.View(ctx, func(tx store.Tx) error {
		deals, err := dealsOf(ctx, tx)
		if err != nil {
			return err
		}
		for last := leadloop.LeadID(""); ; {
			page, err := tx.Leads().List(ctx, last, 500)
			if err != nil {
				return err
			}
			for _, l := range page {
				last = l.ID
				if l.MergedInto != "" {
					continue
				}
				until := l.ReceivedAt.Add(after)
				end, err := endOf(ctx, tx, l, deals, until)
				if err != nil {
					return err
				}
				claims := slices.DeleteFunc(slices.Clone(l.Claims), func(c leadloop.Claim) bool { return c.ObservedAt.After(until) })
				p := leadloop.Golden(schema, pb.Policy(), claims)
				row := []string{string(l.ID), l.ReceivedAt.UTC().Format(time.RFC3339), end.at, end.outcome, end.score, end.tier, end.feedback, string(l.State.Owner)}
				for _, i := range at {
					row = append(row, plainValue(p.At(i)))
				}
				rows.Cells = append(rows.Cells, row)
			}
			if len(page) < 500 {
				return nil
			}
		}
	})
	return rows, fields, err
}

func plainValue(v leadloop.Value) string {
	if v.Presence() != leadloop.Present {
		return ""
	}
	switch v.Kind() {
	case leadloop.KindString:
		return v.Text()
	case leadloop.KindInt:
		return strconv.FormatInt(v.Int(), 10)
	case leadloop.KindFloat:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	}
	return ""
}

// storedEnd is what the journal says of a lead.
type storedEnd struct {
	outcome, at, score, tier, feedback string
}

// closes takes another end of a lead: a deal that was won counts before one
// that was lost.
func (e *storedEnd) closes(won bool, at time.Time) {
	if e.outcome == "won" {
		return
	}
	e.outcome, e.at = "lost", at.UTC().Format(time.RFC3339)
	if won {
		e.outcome = "won"
	}
}

// dealsOf are the opportunities that have ended, by the lead that they came
// from.
func dealsOf(ctx context.Context, tx store.Tx) (map[leadloop.LeadID][]leadloop.Opportunity, error) {
	all, err := tx.CRM().Opportunities(ctx, "")
	deals := map[leadloop.LeadID][]leadloop.Opportunity{}
	for _, o := range all {
		if o.Lead != "" && o.Status != leadloop.OpportunityOpen {
			deals[o.Lead] = append(deals[o.Lead], o)
		}
	}
	return deals, err
}

// endOf finds how a lead ended, by its deals and the journal, what its score
// was so long after it came, and whether its owner took it.
func endOf(ctx context.Context, tx store.Tx, l *leadloop.Lead, deals map[leadloop.LeadID][]leadloop.Opportunity, until time.Time) (end storedEnd, err error) {
	end.outcome = "open"
	for _, id := range append([]leadloop.LeadID{l.ID}, l.Records...) {
		for _, o := range deals[id] {
			end.closes(o.Status == leadloop.OpportunityWon, o.ClosedAt)
		}
		for e, err := range tx.Journal().ByLead(ctx, id) {
			if err != nil {
				return end, err
			}
			switch e.Kind {
			case leadloop.EventWon, leadloop.EventLost:
				end.closes(e.Kind == leadloop.EventWon, e.At)
			case leadloop.EventScored:
				if id == l.ID && !e.At.After(until) {
					end.score = e.Attrs["points"]
				}
			case leadloop.EventTierChanged:
				if id == l.ID && !e.At.After(until) {
					end.tier = e.To
				}
			case leadloop.EventRejected:
				end.feedback = "rejected"
			case leadloop.EventStageChanged:
				if e.To == "sal" && end.feedback == "" {
					end.feedback = "accepted"
				}
			}
		}
	}
	return end, nil
}

// storedTable is what a store and the playbook of its leads say.
type storedTable struct {
	rows    learn.Rows
	scoring scoring.Definition
	reps    []leadloop.Rep // of the playbook and the CRM
}

// openStored reads the leads of a store by the playbook that they were decided
// by. What the columns are goes into o.
func openStored(ctx context.Context, name storeName, dir string, after time.Duration, o *learn.Options) (t storedTable, err error) {
	if dir == "" {
		return t, &exitError{exitUsage, errors.New("--store: name the playbook of its leads with --playbook")}
	}
	pb, problems := loadPlaybook(dir)
	if err := problems.Err(); err != nil {
		return t, &exitError{exitUsage, err}
	}
	if t.scoring, err = parsed(dir, "scoring.yaml", scoring.Parse); err != nil {
		return t, err
	}
	if t.reps, err = repsOf(dir); err != nil {
		return t, err
	}
	st, err := name.there(ctx)
	if err != nil {
		return t, err
	}
	t.rows, o.Fields, err = storedLeads(ctx, st, pb, after)
	if err == nil {
		err = st.View(ctx, func(tx store.Tx) error {
			crm, err := tx.CRM().Reps(ctx)
			t.reps = append(t.reps, crm...)
			return err
		})
	}
	if err = errors.Join(err, st.Close()); err == nil && len(t.rows.Cells) == 0 {
		err = &exitError{exitUsage, fmt.Errorf("--store: there is no lead in %s", name)}
	}
	o.Schema = pb.Schema()
	o.Outcome, o.ID, o.Time, o.Closed = storedOutcome, storedID, storedArrived, storedEnded
	return t, err
}

// parsed reads a file of a playbook.
func parsed[D any](dir, name string, parse func(file string, data []byte) (D, error)) (d D, err error) {
	file := filepath.Join(dir, name)
	data, err := os.ReadFile(file)
	if err != nil {
		return d, &exitError{exitUsage, fmt.Errorf("--playbook: %w", err)}
	}
	if d, err = parse(file, data); err != nil {
		return d, &exitError{exitUsage, err}
	}
	return d, nil
}

// repsOf are the reps of a playbook.
func repsOf(dir string) ([]leadloop.Rep, error) {
	d, err := parsed(dir, "routing.yaml", routing.Parse)
	reps := make([]leadloop.Rep, len(d.Reps))
	for i, r := range d.Reps {
		reps[i] = leadloop.Rep{ID: r.ID, Name: r.Name}
	}
	return reps, err
}
