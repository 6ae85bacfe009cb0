package storetest

import (
	"context"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// instants are times that stores get wrong.
var instants = map[string]time.Time{
	"zero":                       {},
	"the first nanosecond":       time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC),
	"the year 1":                 time.Date(1, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
	"before 1970":                time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
	"the beginning of 1970":      time.Unix(0, 0).UTC(),
	"a nanosecond":               time.Date(2026, 11, 2, 9, 30, 0, 123_456_789, time.UTC),
	"a leap day":                 time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC),
	"after 2038":                 time.Date(2040, 1, 1, 0, 0, 0, 1, time.UTC),
	"after what int64 ns reach":  time.Date(2300, 1, 1, 0, 0, 0, 1, time.UTC),
	"the end of 9999":            time.Date(9999, 12, 31, 23, 59, 59, 999_999_998, time.UTC), // tests add 1
	"noon in an eastern zone":    time.Date(2026, 6, 1, 12, 0, 0, 5, time.FixedZone("+14", 14*3600)),
	"midnight in a western zone": time.Date(2026, 6, 1, 0, 0, 0, 5, time.FixedZone("-9:30", -9*3600-1800)),
}

// texts are strings that stores get wrong.
var texts = map[string]string{
	"accents":          "Zoë Müller-Łukasz",
	"combining":        "e\u0301",
	"astral":           "𝔘𝔫𝔦 👩‍👩‍👧",
	"right to left":    "שלום مرحبا",
	"quotes":           `O'Brien "x" \ ; -- %_*?`,
	"json":             `{"a": [1, "<&>"]}`,
	"control":          "\x01\t\r\n\x7f",
	"line separators":  "\u2028\u2029",
	"spaces":           "  two  ",
	"digits":           "007",
	"null":             "null",
	"replacement char": "\ufffd",
	"long":             strings.Repeat("0123456789é", 100_000),
}

// wantUTC checks that a time came back as the same instant in UTC.
func (k *kit) wantUTC(what string, want, got time.Time) {
	k.Helper()
	if !got.Equal(want) || got.IsZero() != want.IsZero() {
		k.Errorf("%s: put %v, got %v", what, want, got)
	}
	if got.Location() != time.UTC {
		k.Errorf("%s: came back in zone %v", what, got.Location())
	}
}

var roundTripSentences = []sentence{
	{"a lead with everything comes back whole", "", func(k *kit) {
		k.put(fullLead("a"), 1)
		want := fullLead("a")
		want.Revision = 1
		same(k, "the lead", want, read(k, getLead("a")))
	}},
	{"absent, known absent and empty values stay apart", "", func(k *kit) {
		e := leadloop.Evidence{ObservedAt: noon}
		l := plainLead("a")
		for _, v := range []leadloop.Value{
			{}, leadloop.NoValue(leadloop.KindString), leadloop.EmptyValue(leadloop.KindString), leadloop.NoValue(leadloop.KindInt),
			leadloop.EmptyValue(leadloop.KindTime), leadloop.ValueOf(int64(0)), leadloop.ValueOf(false), leadloop.ValueOf(0.0),
			leadloop.ValueOf(time.Time{}), leadloop.ValueOf([]string{""}),
		} {
			l.Claims = append(l.Claims, leadloop.Claim{Field: "lead.x", Value: v, Evidence: e})
		}
		k.put(l, 1)
		same(k, "claims", l.Claims, read(k, getLead("a")).Claims)
	}},
	{"records with nothing but an id come back with nothing but an id", "", func(k *kit) {
		k.update(func(ctx context.Context, tx store.Tx) error {
			if _, err := tx.Leads().Put(ctx, &leadloop.Lead{ID: "a"}); err != nil {
				return err
			}
			for _, err := range []error{
				tx.CRM().PutAccount(ctx, leadloop.Account{ID: "a"}), tx.CRM().PutContact(ctx, leadloop.Contact{ID: "a"}),
				tx.CRM().PutOpportunity(ctx, leadloop.Opportunity{ID: "a"}), tx.CRM().PutRep(ctx, leadloop.Rep{ID: "a"}),
				tx.Journal().Append(ctx, leadloop.Event{Lead: "a"}), tx.Decisions().Put(ctx, leadloop.Decision{Lead: "a"}),
				tx.Tasks().Add(ctx, leadloop.Task{Key: "a"}), tx.Cache().Put(ctx, store.CacheEntry{Key: "a", ExpiresAt: at(1)}),
				tx.Costs().Add(ctx, store.Cost{}), tx.Suppressions().Add(ctx, store.Suppression{Token: "a"}),
				tx.Playbooks().Put(ctx, "a", nil),
			} {
				if err != nil {
					return err
				}
			}
			return nil
		})
		same(k, "the lead", &leadloop.Lead{ID: "a", Revision: 1}, read(k, getLead("a")))
		same(k, "the account", leadloop.Account{ID: "a"}, read(k, getAccount("a")))
		same(k, "the contact", leadloop.Contact{ID: "a"}, read(k, getContact("a")))
		same(k, "the opportunities", []leadloop.Opportunity{{ID: "a"}}, read(k, opportunities("")))
		same(k, "the reps", []leadloop.Rep{{ID: "a"}}, read(k, reps))
		events := read(k, eventsOf("a"))
		if len(events) == 1 {
			events[0].Seq = 0
		}
		same(k, "the events", []leadloop.Event{{Lead: "a"}}, events)
		same(k, "the decision", leadloop.Decision{Lead: "a"}, read(k, latest("a")))
		same(k, "the task", leadloop.Task{Key: "a", State: leadloop.TaskPending}, read(k, getTask("a")))
		same(k, "the cache entry", []store.CacheEntry{{Key: "a", ExpiresAt: at(1)}}, read(k, cached("a", noon)))
		same(k, "the costs", []store.Cost{{}}, read(k, spent(time.Time{})))
		same(k, "the suppression", []store.Suppression{{Token: "a"}}, read(k, suppressed("a")))
		same(k, "the files", map[string][]byte{}, read(k, files("a")))
	}},
	{"times come back as the same instant in UTC, to the nanosecond", Nanoseconds, func(k *kit) {
		for name, when := range instants {
			id := leadloop.LeadID(name)
			k.update(func(ctx context.Context, tx store.Tx) error {
				l := &leadloop.Lead{ID: id, ReceivedAt: when, State: leadloop.State{OwnerSince: when, SLA: leadloop.SLA{Policy: "p", DueAt: when}}}
				l.Claims = []leadloop.Claim{leadloop.FundingDate.Claim(when, leadloop.Evidence{ObservedAt: when, VerifiedAt: when})}
				l.Activities = []leadloop.Activity{{ID: "a", At: when}}
				if _, err := tx.Leads().Put(ctx, l); err != nil {
					return err
				}
				for _, err := range []error{
					tx.CRM().PutOpportunity(ctx, leadloop.Opportunity{ID: leadloop.OpportunityID(name), Account: leadloop.AccountID(name), CreatedAt: when, ClosedAt: when}),
					tx.Journal().Append(ctx, leadloop.Event{Lead: id, At: when}),
					tx.Decisions().Put(ctx, leadloop.Decision{Lead: id, AsOf: when}),
					tx.Tasks().Add(ctx, leadloop.Task{Key: name, Lead: id, DueAt: when}),
					tx.Rotations().Move(ctx, move(name, 0, "m", when)),
					tx.Cache().Put(ctx, store.CacheEntry{Key: name, ExpiresAt: when}),
					tx.Costs().Add(ctx, store.Cost{Provider: name, At: when, Amount: 1}),
					tx.Suppressions().Add(ctx, store.Suppression{Token: name, At: when}),
				} {
					if err != nil {
						return err
					}
				}
				return nil
			})
			l := read(k, getLead(id))
			k.wantUTC(name+": Lead.ReceivedAt", when, l.ReceivedAt)
			k.wantUTC(name+": State.OwnerSince", when, l.State.OwnerSince)
			k.wantUTC(name+": SLA.DueAt", when, l.State.SLA.DueAt)
			k.wantUTC(name+": Activity.At", when, l.Activities[0].At)
			k.wantUTC(name+": Claim.ObservedAt", when, l.Claims[0].ObservedAt)
			k.wantUTC(name+": Claim.VerifiedAt", when, l.Claims[0].VerifiedAt)
			k.wantUTC(name+": Claim.Value", when, l.Claims[0].Value.Time())
			o := read(k, opportunities(leadloop.AccountID(name)))[0]
			k.wantUTC(name+": Opportunity.CreatedAt", when, o.CreatedAt)
			k.wantUTC(name+": Opportunity.ClosedAt", when, o.ClosedAt)
			k.wantUTC(name+": Event.At", when, read(k, eventsOf(id))[0].At)
			k.wantUTC(name+": Decision.AsOf", when, read(k, latest(id)).AsOf)
			k.wantUTC(name+": Task.DueAt", when, read(k, getTask(name)).DueAt)
			k.wantUTC(name+": Balance.LastAt", when, read(k, rotation(name)).Balances[0].LastAt)
			k.wantUTC(name+": Suppression.At", when, read(k, suppressed(name))[0].At)
			if total := read(k, func(ctx context.Context, tx store.Tx) (leadloop.Micros, error) {
				return tx.Costs().Total(ctx, name, when, when.Add(1))
			}); total != 1 {
				k.Errorf("%s: the cost is not found at its own time", name)
			}
			if !when.IsZero() {
				k.wantUTC(name+": CacheEntry.ExpiresAt", when, read(k, cached(name, when.Add(-1)))[0].ExpiresAt)
			}
			same(k, name+": cache entry when it expires", nil, read(k, cached(name, when)))
		}
	}},
	{"strings come back byte for byte, however long", "", func(k *kit) {
		for name, text := range texts {
			id := leadloop.LeadID(name)
			who := leadloop.Identifier{Kind: name, Value: text}
			k.update(func(ctx context.Context, tx store.Tx) error {
				l := &leadloop.Lead{ID: id, Identifiers: []leadloop.Identifier{who}}
				l.Claims = []leadloop.Claim{leadloop.Title.Claim(text, leadloop.Evidence{Source: text})}
				if _, err := tx.Leads().Put(ctx, l); err != nil {
					return err
				}
				for _, err := range []error{
					tx.CRM().PutAccount(ctx, leadloop.Account{ID: leadloop.AccountID(name), Name: text}),
					tx.CRM().PutContact(ctx, leadloop.Contact{ID: leadloop.ContactID(name), LastName: text}),
					tx.Journal().Append(ctx, leadloop.Event{Lead: id, Reason: text, Attrs: map[string]string{text: text}}),
					tx.Decisions().Put(ctx, leadloop.Decision{Lead: id, Reason: text}),
					tx.Tasks().Add(ctx, leadloop.Task{Key: name, LastError: "x", Tokens: []string{text}}),
					tx.Playbooks().Put(ctx, name, map[string][]byte{"f": []byte(text)}),
				} {
					if err != nil {
						return err
					}
				}
				_, _, err := tx.Keys().Claim(ctx, "key "+text, id)
				return err
			})
			l := read(k, getLead(id))
			same(k, name+": a claim", []string{text, text}, []string{l.Claims[0].Value.Text(), l.Claims[0].Source})
			same(k, name+": the lead matched by it", []leadloop.LeadID{id}, read(k, match(who)))
			same(k, name+": an account", text, read(k, getAccount(leadloop.AccountID(name))).Name)
			same(k, name+": a contact", text, read(k, getContact(leadloop.ContactID(name))).LastName)
			e := read(k, eventsOf(id))[0]
			same(k, name+": an event", []string{text, text}, []string{e.Reason, e.Attrs[text]})
			same(k, name+": a decision", text, read(k, latest(id)).Reason)
			same(k, name+": a task", []string{text}, read(k, getTask(name)).Tokens)
			same(k, name+": a file", text, string(read(k, files(name))["f"]))
			same(k, name+": the lead of a key", id, read(k, lookup("key "+text)))
		}
	}},
	{"ids are any text", "", func(k *kit) {
		for name, text := range texts {
			if name == "long" {
				continue // an id of a megabyte is nobody's
			}
			k.update(func(ctx context.Context, tx store.Tx) error {
				l := plainLead(leadloop.LeadID(text))
				l.State.Owner, l.State.Disposition = leadloop.RepID(text), leadloop.OutcomeAssigned
				if _, err := tx.Leads().Put(ctx, l); err != nil {
					return err
				}
				if err := tx.Rotations().Move(ctx, move(text, 0, leadloop.RepID(text), noon)); err != nil {
					return err
				}
				return tx.Tasks().Add(ctx, plainTask(text, text, noon))
			})
			same(k, name+": a lead", leadloop.LeadID(text), read(k, getLead(leadloop.LeadID(text))).ID)
			same(k, name+": a workload", 1, read(k, workload(leadloop.RepID(text), noon)).Open)
			same(k, name+": a ledger", store.Rotation{Pool: text, Revision: 1, Balances: []store.Balance{
				{Member: leadloop.RepID(text), Count: 1, LastAt: noon},
			}}, read(k, rotation(text)))
			same(k, name+": a task", []string{text}, ids(k.lease(noon, 9, text), taskKey))
		}
	}},
	{"numbers keep their full range", "", func(k *kit) {
		const most, least = 1<<63 - 1, -1 << 63
		e := leadloop.Event{Lead: "a"}
		l := &leadloop.Lead{ID: "a", State: leadloop.State{Cost: least, Score: leadloop.Score{Known: true, Points: leadloop.MaxPoints, Low: -leadloop.MaxPoints}}}
		for _, v := range []int64{most, least, 1<<53 + 1} {
			l.Claims = append(l.Claims, leadloop.Employees.Claim(v, leadloop.Evidence{}))
		}
		for _, v := range []float64{1.7976931348623157e308, 5e-324, -0.1, 1.0 / 3} {
			l.Claims = append(l.Claims, leadloop.HiringVelocity.Claim(v, leadloop.Evidence{}))
		}
		k.update(func(ctx context.Context, tx store.Tx) error {
			if _, err := tx.Leads().Put(ctx, l); err != nil {
				return err
			}
			t := plainTask("t", "k", noon)
			t.Priority = -1 << 31
			for _, err := range []error{
				tx.Journal().Append(ctx, e), tx.Tasks().Add(ctx, t), tx.Decisions().Put(ctx, leadloop.Decision{Lead: "a", Revision: most}),
				tx.Costs().Add(ctx, store.Cost{Provider: "p", At: noon, Amount: most}),
				tx.Rotations().Move(ctx, move("p", 0, "", noon, owed("a", most), owed("b", -most))),
			} {
				if err != nil {
					return err
				}
			}
			return nil
		})
		l.Revision = 1
		same(k, "the lead", l, read(k, getLead("a")))
		same(k, "the task's priority", -1<<31, read(k, getTask("t")).Priority)
		same(k, "the decision's revision", int64(most), read(k, latest("a")).Revision)
		same(k, "the cost", leadloop.Micros(most), read(k, spent(noon))[0].Amount)
		same(k, "the ledger", leadloop.Owed(most), read(k, rotation("p")).Balances[0].Owed)
	}},
}
