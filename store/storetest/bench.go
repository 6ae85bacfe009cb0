package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Bench measures what a loop does most, each transaction on its own. It needs
// Config.New only; call it from a benchmark of the store.
func Bench(b *testing.B, cfg Config) {
	for _, bench := range []struct {
		name string
		run  func(b *testing.B, ctx context.Context, s store.Store)
	}{
		{"commit a decision", benchDecision},
		{"put a lead", benchPut},
		{"get a lead", benchGet},
		{"match identifiers among 10000 leads", benchMatch},
		{"lease and finish a task among 10000", benchLease},
		{"read and move a ledger of 10 members", benchMove(10)},
		{"read and move a ledger of 1000 members", benchMove(1000)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s := cfg.New(b)
			defer func() {
				if err := s.Close(); err != nil {
					b.Error(err)
				}
			}()
			b.ReportAllocs()
			bench.run(b, b.Context(), s)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
		})
	}
}

// smallDecision writes what a loop commits for one small decision about a new
// lead: the lead, three events, a key, two tasks and the decision record. i
// tells leads apart.
func smallDecision(ctx context.Context, tx store.Tx, i int) error {
	id := leadloop.LeadID(fmt.Sprintf("lead-%08d", i))
	l := smallLead(id, i)
	revision, err := tx.Leads().Put(ctx, l)
	if err != nil {
		return err
	}
	if _, _, err := tx.Keys().Claim(ctx, "key:"+string(id), id); err != nil {
		return err
	}
	due := l.ReceivedAt
	notify := leadloop.Task{
		Key: "notify:" + string(id), Kind: leadloop.TaskNotify, Lead: id, DueAt: due, Outside: true,
		Payload: []byte(`{"to":"rep-1"}`), Tokens: []string{"0123456789abcdef"},
	}
	escalate := leadloop.Task{Key: "escalate:" + string(id), Kind: leadloop.TaskEscalate, Lead: id, DueAt: due.Add(15 * time.Minute)}
	if err := tx.Tasks().Add(ctx, notify, escalate); err != nil {
		return err
	}
	events := []leadloop.Event{
		{Kind: leadloop.EventCaptured, Lead: id, At: due, Attrs: map[string]string{"source": "form"}},
		{Kind: leadloop.EventScored, Lead: id, At: due, Attrs: map[string]string{"points": "71.5", "model": "inbound@12"}},
		{Kind: leadloop.EventAssigned, Lead: id, At: due, To: "rep-1", Reason: "entry:us-west", Attrs: map[string]string{"tier": "A"}},
	}
	if err := tx.Journal().Append(ctx, events...); err != nil {
		return err
	}
	return tx.Decisions().Put(ctx, leadloop.Decision{
		Lead: id, Revision: revision, AsOf: due, Trigger: leadloop.TriggerSubmission, Playbook: "0123456789abcdef",
		Outcome: leadloop.OutcomeAssigned, Reason: "entry:us-west",
		Steps: []leadloop.Step{
			{Stage: "score", Trace: []byte(`{"rules":[{"id":"employees-500","points":20},{"id":"vp-or-above","points":15}]}`)},
			{Stage: "route", Outcome: leadloop.OutcomeAssigned, Reason: "entry:us-west", Trace: []byte(`{"entry":"us-west","to":"rep-1"}`)},
		},
	})
}

func smallLead(id leadloop.LeadID, i int) *leadloop.Lead {
	at := noon.Add(time.Duration(i) * time.Second)
	e := leadloop.Evidence{Origin: leadloop.OriginPerson, Source: "form", Record: id, ObservedAt: at}
	mail := fmt.Sprintf("person-%d@example.com", i)
	return &leadloop.Lead{
		ID: id, ReceivedAt: at,
		Claims: []leadloop.Claim{
			leadloop.Email.Claim(mail, e), leadloop.FirstName.Claim("Ana", e), leadloop.LastName.Claim("Ng", e),
			leadloop.CompanyName.Claim("Example", e), leadloop.Title.Claim("VP Sales", e), leadloop.Employees.Claim(800, e),
		},
		Activities: []leadloop.Activity{{ID: "a-" + string(id), Type: "demo_request", At: at, Record: id}},
		State: leadloop.State{
			Stage: "mql", StageSince: at, Disposition: leadloop.OutcomeAssigned, Reason: "entry:us-west", Owner: "rep-1", OwnerSince: at,
			Score: leadloop.Score{Known: true, Points: 71500, Low: 71500, High: 71500, Tier: "A", Model: "inbound@12"},
			SLA:   leadloop.SLA{Policy: "a", Target: 15 * time.Minute, StartedAt: at, DueAt: at.Add(15 * time.Minute)},
		},
		Identifiers: []leadloop.Identifier{email(mail), phone(fmt.Sprintf("+1%010d", i))},
	}
}

func update(b *testing.B, ctx context.Context, s store.Store, f func(tx store.Tx) error) {
	b.Helper()
	if err := s.Update(ctx, f); err != nil {
		b.Fatal(err)
	}
}

// fill puts n leads and n tasks that are due.
func fill(b *testing.B, ctx context.Context, s store.Store, n int) {
	b.Helper()
	update(b, ctx, s, func(tx store.Tx) error {
		for i := range n {
			l := smallLead(leadloop.LeadID(fmt.Sprintf("lead-%08d", i)), i)
			if _, err := tx.Leads().Put(ctx, l); err != nil {
				return err
			}
			if err := tx.Tasks().Add(ctx, plainTask(string(l.ID), leadloop.TaskNotify, l.ReceivedAt)); err != nil {
				return err
			}
		}
		return nil
	})
}

func benchDecision(b *testing.B, ctx context.Context, s store.Store) {
	i := 0
	for b.Loop() {
		update(b, ctx, s, func(tx store.Tx) error { return smallDecision(ctx, tx, i) })
		i++
	}
}

func benchPut(b *testing.B, ctx context.Context, s store.Store) {
	l := smallLead("a", 0)
	for b.Loop() {
		update(b, ctx, s, func(tx store.Tx) (err error) {
			l.Revision, err = tx.Leads().Put(ctx, l)
			return err
		})
	}
}

func benchGet(b *testing.B, ctx context.Context, s store.Store) {
	fill(b, ctx, s, 1000)
	i := 0
	for b.Loop() {
		id := leadloop.LeadID(fmt.Sprintf("lead-%08d", i%1000))
		if err := s.View(ctx, func(tx store.Tx) error {
			_, err := tx.Leads().Get(ctx, id)
			return err
		}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func benchMatch(b *testing.B, ctx context.Context, s store.Store) {
	const n = 10_000
	fill(b, ctx, s, n)
	i := 0
	for b.Loop() {
		idents := smallLead("", i%n).Identifiers
		if err := s.View(ctx, func(tx store.Tx) error {
			found, err := tx.Leads().Match(ctx, idents)
			if err == nil && len(found) != 1 {
				b.Errorf("%d leads matched", len(found))
			}
			return err
		}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func benchLease(b *testing.B, ctx context.Context, s store.Store) {
	fill(b, ctx, s, 10_000)
	now := noon.Add(1000 * time.Hour)
	for b.Loop() {
		update(b, ctx, s, func(tx store.Tx) error {
			leased, err := tx.Tasks().Lease(ctx, now, time.Minute, 1, leadloop.TaskNotify)
			if err != nil {
				return err
			}
			if len(leased) != 1 {
				b.Errorf("%d tasks were handed out", len(leased))
				return nil
			}
			// Pending again at the end of the queue, so that it never empties.
			leased[0].DueAt = now
			return tx.Tasks().Finish(ctx, leased[0], leadloop.TaskPending)
		})
	}
}

// benchMove gives a lead of a fair pool out: everybody is credited.
func benchMove(members int) func(*testing.B, context.Context, store.Store) {
	return func(b *testing.B, ctx context.Context, s store.Store) {
		m := leadloop.LedgerMove{Pool: "pool", At: noon}
		for i := range members {
			m.Members, m.Deltas = append(m.Members, leadloop.RepID(fmt.Sprintf("rep-%03d", i))), append(m.Deltas, leadloop.OneLead/leadloop.Owed(members))
		}
		i := 0
		for b.Loop() {
			winner := i % members
			m.To = m.Members[winner]
			m.Deltas[winner] -= leadloop.OneLead
			update(b, ctx, s, func(tx store.Tx) error {
				r, err := tx.Rotations().Get(ctx, m.Pool)
				if err != nil {
					return err
				}
				m.Revision = r.Revision
				return tx.Rotations().Move(ctx, m)
			})
			m.Deltas[winner] += leadloop.OneLead
			i++
		}
	}
}
