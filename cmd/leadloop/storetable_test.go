package main

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/playbook"
	"github.com/leadloop/leadloop/scoring/learn"
	"github.com/leadloop/leadloop/store"
	"github.com/leadloop/leadloop/store/memstore"
)

// closedLeads is a store of leads whose deals were won the more often the larger
// the company is; what was learnt of them after a month says how it ended.
func closedLeads(t *testing.T, n int) store.Store {
	t.Helper()
	st := memstore.New()
	ctx := context.Background()
	err := st.Update(ctx, func(tx store.Tx) error {
		for i := range n {
			arrived := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * 12 * time.Hour)
			id := leadloop.LeadID(fmt.Sprintf("l%04d", i))
			employees := int64(10 + i*i%911)
			status, kind := leadloop.OpportunityLost, leadloop.EventLost
			if i*7919%1000 < int(employees) {
				status, kind = leadloop.OpportunityWon, leadloop.EventWon
			}
			first := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", ObservedAt: arrived}
			later := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "rep", ObservedAt: arrived.AddDate(0, 1, 0)}
			l := &leadloop.Lead{ID: id, ReceivedAt: arrived, Claims: []leadloop.Claim{leadloop.Employees.Claim(employees, first), leadloop.Industry.Claim(string(status), later)}}
			if _, err := tx.Leads().Put(ctx, l); err != nil {
				return err
			}
			scored := leadloop.Event{Kind: leadloop.EventScored, Lead: id, At: arrived, Attrs: map[string]string{"points": fmt.Sprint(employees / 10)}}
			tier := leadloop.Event{Kind: leadloop.EventTierChanged, Lead: id, At: arrived, To: []string{"C", "B", "A"}[employees*3/1000]}
			rescored := leadloop.Event{Kind: leadloop.EventScored, Lead: id, At: arrived.AddDate(0, 1, 0), Attrs: map[string]string{"points": "100"}}
			events := []leadloop.Event{scored, tier, rescored}
			if i%2 == 0 {
				events = append(events, leadloop.Event{Kind: kind, Lead: id, At: arrived.AddDate(0, 2, 0)})
			} else if err := tx.CRM().PutOpportunity(ctx, leadloop.Opportunity{ID: leadloop.OpportunityID("o" + id), Lead: id, Status: status, CreatedAt: arrived, ClosedAt: arrived.AddDate(0, 2, 0)}); err != nil {
				return err
			}
			if err := tx.Journal().Append(ctx, events...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestStoredLeadsAreLearntFromAsTheyWereKnownWhenTheyArrived(t *testing.T) {
	pb, problems := playbook.Load(os.DirFS("../../examples/inbound/playbook"))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	rows, fields, err := storedLeads(ctx, closedLeads(t, 800), pb, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"l0001", "2025-01-01T12:00:00Z", "2025-03-01T12:00:00Z", "lost", "1", "C", ""}, rows.Cells[1][:7]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r, err := learn.Learn(ctx, rows, learn.Options{
		Outcome: storedOutcome, ID: storedID, Time: storedArrived, Closed: storedEnded, Exclude: []string{storedScore, storedTier, storedFeedback}, Fields: fields, Schema: pb.Schema(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Report.Table.Columns {
		if c.Scored != (c.Column == "company.employees") {
			t.Errorf("%+v", c)
		}
	}
	for _, rule := range r.Definition.Rules {
		if rule.When.Text == "" {
			t.Errorf("%+v", rule)
		}
	}
	a, err := learn.RunAudit(ctx, rows, learn.AuditOptions{Options: learn.Options{Outcome: storedOutcome, ID: storedID, Time: storedArrived}, Score: storedScore, Tier: storedTier, Feedback: storedFeedback})
	if err != nil {
		t.Fatal(err)
	}
	if a.Quality == nil || a.Quality.AUC.Low < .7 || a.Quality.Tiers[0].Tier != "A" || a.Quality.Tiers[0].Rate.Value < a.Quality.Tiers[2].Rate.Value {
		t.Errorf("%+v", a.Quality)
	}
}
