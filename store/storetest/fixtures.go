package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// noon is the moment the fixtures turn around.
var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return noon.Add(d) }

func email(v string) leadloop.Identifier { return leadloop.Identifier{Kind: "email", Value: v} }
func phone(v string) leadloop.Identifier { return leadloop.Identifier{Kind: "phone", Value: v} }

// plainLead is a new lead with identifiers and nothing else.
func plainLead(id leadloop.LeadID, idents ...leadloop.Identifier) *leadloop.Lead {
	return &leadloop.Lead{ID: id, ReceivedAt: noon, Identifiers: idents}
}

// fullLead is a new lead with every field set and a claim of every kind and
// presence.
func fullLead(id leadloop.LeadID) *leadloop.Lead {
	e := leadloop.Evidence{
		Origin: leadloop.OriginProvider, Source: "provider-1", Record: id,
		ObservedAt: at(1), VerifiedAt: at(2), Confidence: 0.75, Pin: leadloop.Pinned,
	}
	bare := leadloop.Evidence{ObservedAt: at(3)}
	return &leadloop.Lead{
		ID:         id,
		ReceivedAt: at(-time.Hour),
		Claims: []leadloop.Claim{
			leadloop.Email.Claim("ana@example.com", e),
			leadloop.Employees.Claim(1<<62, e),
			leadloop.HiringVelocity.Claim(0.1+0.2, e),
			leadloop.NewField[bool]("lead.trial").Claim(true, e),
			leadloop.NewField[bool]("lead.trial").Claim(false, bare),
			leadloop.FundingDate.Claim(at(123456789), e),
			leadloop.Technologies.Claim([]string{"go", "", "sql"}, e),
			leadloop.Title.None(e),
			leadloop.Technologies.None(bare),
			leadloop.City.Claim("", e),
			leadloop.Technologies.Claim(nil, bare),
			{Field: "lead.region", Evidence: bare}, // an absent value
			leadloop.Founded.Claim(0, bare),
		},
		Activities: []leadloop.Activity{
			{ID: "a1", Type: "demo_request", At: at(5), Actor: "rep-1", Record: id, Attributes: map[string]string{"page": "pricing", "": "x"}},
			{ID: "a2", Type: "reply", At: at(6)},
		},
		State: leadloop.State{
			Stage: "mql", StageSince: at(7), Status: "working", StatusSince: at(8),
			Disposition: leadloop.OutcomeAssigned, Reason: "entry:us-west",
			Owner: "rep-1", OwnerSince: at(9), Queue: "q", Pool: "pool-1", Entry: "us-west",
			Score: leadloop.Score{
				Known: true, Points: 71500, Low: -3, High: 99999, Tier: "A",
				Needs: []string{"company.employees"}, ValidUntil: at(time.Hour), Disqualified: "student", Model: "m@1:d",
			},
			SLA:          leadloop.SLA{Policy: "p", Target: time.Minute, StartedAt: at(10), DueAt: at(11), MetAt: at(12), MissedAt: at(13), Step: 2},
			FirstTouchAt: at(14), LastTouchAt: at(15),
			Account: "acc-1", Contact: "con-1", Opportunity: "opp-1",
			Declined: []leadloop.RepID{"rep-2"}, Flag: "unmoved", Cadence: leadloop.Enrolment{Cadence: "hello", Since: at(17), Step: 2, DueAt: at(18), PausedAt: at(19), Left: time.Hour},
			DecidedAt: at(16), Playbook: "digest", Cost: 1234567,
		},
		Identifiers:        []leadloop.Identifier{email("ana@example.com"), phone("+4930123456")},
		Records:            []leadloop.LeadID{"old-1", "old-2"},
		PossibleDuplicates: []leadloop.LeadID{"maybe-1"},
		Different:          []leadloop.LeadID{"else-1"},
	}
}

func fullAccount(id leadloop.AccountID) leadloop.Account {
	return leadloop.Account{
		ID: id, Name: "Example", Domains: []string{"example.com"}, Owner: "rep-1", Customer: true, Parent: "acc-0",
		Country: "DE", Identifiers: []leadloop.Identifier{{Kind: "domain", Value: "example.com"}, {Kind: "company", Value: "example"}},
	}
}

func fullContact(id leadloop.ContactID) leadloop.Contact {
	return leadloop.Contact{
		ID: id, Account: "acc-1", FirstName: "Ana", LastName: "Ng", Email: "ana@example.com", Phone: "+4930123456",
		Owner: "rep-1", OptedOut: true, Lead: "lead-1", Source: "webinar", Consent: "granted", Identifiers: []leadloop.Identifier{email("ana@example.com"), phone("+4930123456")},
	}
}

func fullOpportunity(id leadloop.OpportunityID) leadloop.Opportunity {
	return leadloop.Opportunity{
		ID: id, Account: "acc-1", Contact: "con-1", Lead: "lead-1", Owner: "rep-1", Status: leadloop.OpportunityWon,
		Amount: 5_000_000_000, Source: "webinar", Medium: "email", Campaign: "spring", Reason: "price",
		Touches: []leadloop.Touch{{At: at(3), Source: "webinar", Medium: "email", Campaign: "spring"}, {At: at(4)}}, CreatedAt: at(1), ClosedAt: at(2),
	}
}

func fullRep(id leadloop.RepID) leadloop.Rep {
	return leadloop.Rep{
		ID: id, Name: "Ben", Email: "ben@example.com", Manager: "rep-0", Team: "west", Inactive: true, Timezone: "Europe/Berlin",
		Languages: []string{"de", "en"}, Skills: []string{"enterprise"}, Weight: 50, MaxOpen: 10, MaxDay: 2, MaxWeek: 5,
		Away: []leadloop.Absence{{From: at(1), Until: at(2)}},
	}
}

func fullEvent(lead leadloop.LeadID) leadloop.Event {
	return leadloop.Event{
		Kind: leadloop.EventAssigned, Lead: lead, At: at(1), Actor: "rule:r", Reason: "entry:us-west",
		From: "rep-1", To: "rep-2", Attrs: map[string]string{"tier": "A", "pool": "p"},
	}
}

func fullDecision(lead leadloop.LeadID, revision int64) leadloop.Decision {
	return leadloop.Decision{
		Lead: lead, Revision: revision, AsOf: at(1), Trigger: leadloop.TriggerTask, Playbook: "digest",
		Outcome: leadloop.OutcomeAssigned, Reason: "entry:us-west",
		Steps: []leadloop.Step{
			// Neither compact nor escaped the way encoding/json would write it.
			{Stage: "score", Trace: json.RawMessage("{ \"why\": \"a < b & c\",\n\t\"n\": 1.50 }")},
			{Stage: "route", Outcome: leadloop.OutcomeAssigned, Reason: "r", Trace: json.RawMessage(`{"to":"rep-1"}`)},
			{Stage: "act"},
		},
	}
}

func plainTask(key, kind string, due time.Time) leadloop.Task {
	return leadloop.Task{Key: key, Kind: kind, DueAt: due, State: leadloop.TaskPending}
}

func fullTask(key string) leadloop.Task {
	return leadloop.Task{
		Key: key, Kind: leadloop.TaskNotify, Lead: "lead-1", DueAt: at(1), Outside: true, Priority: -3,
		Payload: json.RawMessage("{ \"to\" : \"<rep>\" }"), Tokens: []string{"t2", "t1"}, State: leadloop.TaskPending,
	}
}

func move(pool string, revision int64, to leadloop.RepID, when time.Time, deltas ...delta) leadloop.LedgerMove {
	m := leadloop.LedgerMove{Pool: pool, Revision: revision, Lead: "lead-1", To: to, At: when}
	for _, d := range deltas {
		m.Members, m.Deltas = append(m.Members, d.member), append(m.Deltas, d.owed)
	}
	return m
}

type delta struct {
	member leadloop.RepID
	owed   leadloop.Owed
}

func owed(member leadloop.RepID, o leadloop.Owed) delta { return delta{member, o} }

func fullCacheEntry(key string) store.CacheEntry {
	return store.CacheEntry{Key: key, Lead: "lead-1", Data: []byte{0, 1, 0xff, '\n'}, ExpiresAt: at(time.Hour)}
}

func fullCost(provider string, when time.Time) store.Cost {
	return store.Cost{Provider: provider, Lead: "lead-1", At: when, Amount: 250_000, Fields: []string{"company.employees"}, Matched: true}
}

func fullConsent(token string, when time.Time) store.Consent {
	return store.Consent{
		Token: token, Purpose: "email", State: leadloop.ConsentGranted, Basis: "consent", Region: "DE",
		Wording: "newsletter-4", Proof: "form:812", Source: "web", At: when,
	}
}

var fullFiles = map[string][]byte{"scoring.yaml": []byte("model: m\n"), "cases/a.yaml": {0xff, 0}, "empty": {}}

// writes are one write of every writing method, in an order in which each
// succeeds after the ones before.
var writes = []struct {
	name string
	do   func(ctx context.Context, tx store.Tx) error
}{
	{"Leads.Put", func(ctx context.Context, tx store.Tx) error {
		_, err := tx.Leads().Put(ctx, fullLead("lead-1"))
		return err
	}},
	{"Leads.Put and Delete", func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Leads().Put(ctx, plainLead("gone")); err != nil {
			return err
		}
		return tx.Leads().Delete(ctx, "gone")
	}},
	{"CRM.PutAccount", func(ctx context.Context, tx store.Tx) error { return tx.CRM().PutAccount(ctx, fullAccount("acc-1")) }},
	{"CRM.PutContact", func(ctx context.Context, tx store.Tx) error { return tx.CRM().PutContact(ctx, fullContact("con-1")) }},
	{"CRM.PutOpportunity", func(ctx context.Context, tx store.Tx) error {
		return tx.CRM().PutOpportunity(ctx, fullOpportunity("opp-1"))
	}},
	{"CRM.PutRep", func(ctx context.Context, tx store.Tx) error { return tx.CRM().PutRep(ctx, fullRep("rep-1")) }},
	{"Journal.Append", func(ctx context.Context, tx store.Tx) error {
		return tx.Journal().Append(ctx, fullEvent("lead-1"), fullEvent("lead-2"))
	}},
	{"Decisions.Put", func(ctx context.Context, tx store.Tx) error {
		return tx.Decisions().Put(ctx, fullDecision("lead-1", 1))
	}},
	{"Decisions.DeleteLead", func(ctx context.Context, tx store.Tx) error { return tx.Decisions().DeleteLead(ctx, "nobody") }},
	{"Keys.Claim", func(ctx context.Context, tx store.Tx) error {
		_, _, err := tx.Keys().Claim(ctx, "key-1", "lead-1")
		return err
	}},
	{"Keys.DeleteLead", func(ctx context.Context, tx store.Tx) error { return tx.Keys().DeleteLead(ctx, "nobody") }},
	{"Tasks.Add", func(ctx context.Context, tx store.Tx) error {
		return tx.Tasks().Add(ctx, fullTask("task-1"), fullTask("task-2"))
	}},
	{"Tasks.Lease and Finish", func(ctx context.Context, tx store.Tx) error {
		leased, err := tx.Tasks().Lease(ctx, at(time.Minute), time.Minute, 1)
		if err != nil {
			return err
		}
		if len(leased) != 1 {
			return fmt.Errorf("want one task, got %d", len(leased))
		}
		return tx.Tasks().Finish(ctx, leased[0], leadloop.TaskDone)
	}},
	{"Tasks.Cancel", func(ctx context.Context, tx store.Tx) error { return tx.Tasks().Cancel(ctx, "task-2") }},
	{"Tasks.DeleteLead", func(ctx context.Context, tx store.Tx) error { return tx.Tasks().DeleteLead(ctx, "nobody") }},
	{"Rotations.Move", func(ctx context.Context, tx store.Tx) error {
		return tx.Rotations().Move(ctx, move("pool-1", 0, "rep-1", at(1), owed("rep-1", -5), owed("rep-2", 5)))
	}},
	{"Cache.Put", func(ctx context.Context, tx store.Tx) error { return tx.Cache().Put(ctx, fullCacheEntry("cache-1")) }},
	{"Cache.Purge", func(ctx context.Context, tx store.Tx) error { return tx.Cache().Purge(ctx, "nobody", noon) }},
	{"Costs.Add", func(ctx context.Context, tx store.Tx) error {
		return tx.Costs().Add(ctx, fullCost("provider-1", at(1)))
	}},
	{"Suppressions.Add", func(ctx context.Context, tx store.Tx) error {
		return tx.Suppressions().Add(ctx, store.Suppression{Token: "token-1", Reason: "bounced", At: at(1)})
	}},
	{"Suppressions.Remove", func(ctx context.Context, tx store.Tx) error { return tx.Suppressions().Remove(ctx, "none") }},
	{"Consents.Add", func(ctx context.Context, tx store.Tx) error {
		return tx.Consents().Add(ctx, fullConsent("token-1", at(1)))
	}},
	{"Consents.Delete", func(ctx context.Context, tx store.Tx) error { return tx.Consents().Delete(ctx, "none") }},
	{"Playbooks.Put", func(ctx context.Context, tx store.Tx) error { return tx.Playbooks().Put(ctx, "digest", fullFiles) }},
}

func writeAll(ctx context.Context, tx store.Tx) error {
	for _, w := range writes {
		if err := w.do(ctx, tx); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

// contents are what writeAll leaves behind.
type contents struct {
	Leads         []*leadloop.Lead
	Matched       []leadloop.LeadID
	Workload      store.Workload
	Accounts      []leadloop.Account
	Contacts      []leadloop.Contact
	Opportunities []leadloop.Opportunity
	Reps          []leadloop.Rep
	Events        []leadloop.Event // without Seq
	Decisions     []leadloop.Decision
	Bound         []leadloop.LeadID
	Tasks         []leadloop.Task
	Rotation      store.Rotation
	Cached        []store.CacheEntry
	Costs         []store.Cost
	Suppressions  []store.Suppression
	Consents      []store.Consent
	Files         []map[string][]byte
}

func written() contents {
	lead := fullLead("lead-1")
	lead.Revision = 1
	done, cancelled := fullTask("task-1"), fullTask("task-2")
	done.State, done.Lease, done.Attempts = leadloop.TaskDone, 1, 1
	cancelled.State = leadloop.TaskCancelled
	return contents{
		Leads: []*leadloop.Lead{lead}, Matched: []leadloop.LeadID{"lead-1"}, Workload: store.Workload{Open: 1, Day: 1, Week: 1},
		Accounts: []leadloop.Account{fullAccount("acc-1")}, Contacts: []leadloop.Contact{fullContact("con-1")},
		Opportunities: []leadloop.Opportunity{fullOpportunity("opp-1")}, Reps: []leadloop.Rep{fullRep("rep-1")},
		Events:    []leadloop.Event{fullEvent("lead-1"), fullEvent("lead-2")},
		Decisions: []leadloop.Decision{fullDecision("lead-1", 1)}, Bound: []leadloop.LeadID{"lead-1"},
		Tasks: []leadloop.Task{done, cancelled},
		Rotation: store.Rotation{Pool: "pool-1", Revision: 1, Balances: []store.Balance{
			{Member: "rep-1", Owed: -5, Count: 1, LastAt: at(1)}, {Member: "rep-2", Owed: 5},
		}},
		Cached: []store.CacheEntry{fullCacheEntry("cache-1")}, Costs: []store.Cost{fullCost("provider-1", at(1))},
		Suppressions: []store.Suppression{{Token: "token-1", Reason: "bounced", At: at(1)}},
		Consents:     []store.Consent{fullConsent("token-1", at(1))}, Files: []map[string][]byte{fullFiles},
	}
}

func nothing() contents { return contents{Rotation: store.Rotation{Pool: "pool-1"}} }

// dump reads through every role what writeAll writes.
func dump(ctx context.Context, tx store.Tx) (c contents, err error) {
	r := reader{}
	add(&r, &c.Leads, func() ([]*leadloop.Lead, error) { return tx.Leads().List(ctx, "", 100) })
	add(&r, &c.Matched, func() ([]leadloop.LeadID, error) {
		return tx.Leads().Match(ctx, []leadloop.Identifier{email("ana@example.com")})
	})
	add(&r, &c.Workload, func() (store.Workload, error) { return tx.Leads().Workload(ctx, "rep-1", at(time.Hour)) })
	add(&r, &c.Accounts, func() ([]leadloop.Account, error) {
		return tx.CRM().MatchAccounts(ctx, []leadloop.Identifier{{Kind: "domain", Value: "example.com"}})
	})
	add(&r, &c.Contacts, func() ([]leadloop.Contact, error) {
		return tx.CRM().MatchContacts(ctx, []leadloop.Identifier{phone("+4930123456")})
	})
	add(&r, &c.Opportunities, func() ([]leadloop.Opportunity, error) { return tx.CRM().Opportunities(ctx, "") })
	add(&r, &c.Reps, func() ([]leadloop.Rep, error) { return tx.CRM().Reps(ctx) })
	add(&r, &c.Events, func() ([]leadloop.Event, error) {
		events, err := collect(tx.Journal().Since(ctx, 0))
		for i := range events {
			events[i].Seq = 0
		}
		return events, err
	})
	add(&r, &c.Decisions, func() ([]leadloop.Decision, error) { return tx.Decisions().ByLead(ctx, "lead-1") })
	add(&r, &c.Bound, func() ([]leadloop.LeadID, error) { return orNone(tx.Keys().Lookup(ctx, "key-1")) })
	add(&r, &c.Tasks, func() ([]leadloop.Task, error) { return tx.Tasks().ByLead(ctx, "") })
	add(&r, &c.Rotation, func() (store.Rotation, error) { return tx.Rotations().Get(ctx, "pool-1") })
	add(&r, &c.Cached, func() ([]store.CacheEntry, error) {
		e, ok, err := tx.Cache().Get(ctx, "cache-1", noon)
		if !ok {
			return nil, err
		}
		return []store.CacheEntry{e}, err
	})
	add(&r, &c.Costs, func() ([]store.Cost, error) { return collect(tx.Costs().Since(ctx, time.Time{})) })
	add(&r, &c.Suppressions, func() ([]store.Suppression, error) { return tx.Suppressions().Match(ctx, []string{"token-1"}) })
	add(&r, &c.Consents, func() ([]store.Consent, error) { return tx.Consents().Of(ctx, []string{"token-1"}) })
	add(&r, &c.Files, func() ([]map[string][]byte, error) { return orNone(tx.Playbooks().Get(ctx, "digest")) })
	return c, r.err
}

// reader stops at the first error.
type reader struct{ err error }

func add[T any](r *reader, to *T, f func() (T, error)) {
	if r.err == nil {
		*to, r.err = f()
	}
}

// collect returns all that seq yields.
func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for x, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, x)
	}
	return all, nil
}

// orNone makes a list of what a Get returned, empty if there is none.
func orNone[T any](x T, err error) ([]T, error) {
	if errors.Is(err, leadloop.ErrNotFound) {
		return nil, nil
	}
	return []T{x}, err
}
